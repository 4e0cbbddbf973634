"""What pydantic reads: its models, its dataclasses, and types with validators of its own. Pure; never imports it."""

import sys
from typing import Any, get_origin

import msgspec

from asyncstream.errors import ConfigurationError
from asyncstream.shapes.kinds import reads_itself
from asyncstream.shapes.names import part_name, type_name
from asyncstream.shapes.parts import Parts, Schema
from asyncstream.shapes.shape import Data, Tried, Unfit, keys_of, no_schema

__all__ = ["Model"]


class Model:
    """A pydantic model, or whatever else pydantic reads."""

    def __init__(self, target: Any, path: str) -> None:
        self.target = target
        self._path = path
        self._adapter: Any = None
        self._is_own = reads_itself(get_origin(target) or target)
        if not self._is_own:
            pydantic = sys.modules.get("pydantic")
            try:
                self._adapter = None if pydantic is None else pydantic.TypeAdapter(target)
            except Exception as error:
                raise ConfigurationError(
                    f"{path} is of the type {type_name(target)}, which pydantic cannot read: {error}"
                ) from error
            if self._adapter is None:
                raise ConfigurationError(
                    f"{path} is of the type {type_name(target)}, which only pydantic can read, and it is not loaded"
                )

    def schema(self, parts: Parts) -> Schema:
        return parts.generated(self.target, self._generate)

    def _generate(self) -> Schema:
        try:
            schema: Schema = self.target.model_json_schema() if self._is_own else self._adapter.json_schema()
        except Exception as error:
            raise no_schema(self._path, self.target, error) from error
        if not self._is_own or "$ref" in schema:
            return schema
        name = part_name(self.target)
        return {"$ref": f"#/$defs/{name}", "$defs": {**schema.pop("$defs", {}), name: schema}}

    def keys(self) -> frozenset[str]:
        return keys_of(self)

    def decode(self, data: Data, tried: Tried) -> object:
        validate = getattr(self.target, "model_validate_json", None) if self._is_own else self._adapter.validate_json
        try:
            if validate is None:
                return self.target.model_validate(msgspec.json.decode(data))
            return validate(bytes(data))
        except ValueError as error:
            # What pydantic raises is a ValueError with a list of what is wrong.
            list_errors = getattr(error, "errors", None)
            errors = [] if list_errors is None else list_errors()
            if not errors:
                raise Unfit(str(error)) from error
            steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in errors[0]["loc"])
            raise Unfit(str(errors[0]["msg"]), "".join(steps)) from error
