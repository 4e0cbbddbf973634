"""The parts of a schema that others refer to by name, gathered from whoever makes schemas. Pure."""

from collections.abc import Callable, Hashable, Mapping
from typing import Any, TypeAlias

from asyncstream.shapes.names import part_name, type_key

__all__ = ["Parts", "Schema"]

Schema: TypeAlias = dict[str, Any]


class Parts:
    """The schemas that others refer to by name: each name once, with one body."""

    def __init__(self) -> None:
        self.bodies: dict[str, Schema] = {}
        self._names: dict[Hashable, str] = {}
        self._generated: dict[Hashable, Schema] = {}

    def generated(self, target: object, generate: Callable[[], Schema]) -> Schema:
        """Return the schema that somebody else makes of a type, with references to its parts, which are taken over."""
        key = type_key(target)
        if key not in self._generated:
            self._generated[key] = self._adopted(generate())
        return {**self._generated[key]}

    def _adopted(self, schema: Schema) -> Schema:
        parts: dict[str, Schema] = schema.pop("$defs", {})
        renamed = {}
        for name, body in parts.items():
            own = name
            if self.bodies.get(name, body) != body:
                own = renamed[name] = self._unused(name)
            self.bodies[own] = body
        if renamed:
            for name in parts:
                own = renamed.get(name, name)
                self.bodies[own] = _renamed(self.bodies[own], renamed)
            schema = _renamed(schema, renamed)
        return schema

    def described(self, target: object, describe: Callable[[], Schema]) -> Schema:
        """Return a reference to the part of a type, which is described when it is first asked for."""
        key = type_key(target)
        if key not in self._names:
            own = self._names[key] = self._unused(part_name(target))
            self.bodies[own] = {}
            self.bodies[own].update(describe())
        return {"$ref": f"#/$defs/{self._names[key]}"}

    def _unused(self, name: str) -> str:
        own, number = name, 2
        while own in self.bodies:
            own, number = f"{name}_{number}", number + 1
        return own


def _renamed(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, list):
        return [_renamed(item, names) for item in value]
    if not isinstance(value, dict):
        return value
    new = {key: _renamed(item, names) for key, item in value.items()}
    if isinstance(new.get("$ref"), str):
        place, _, name = new["$ref"].rpartition("/")
        new["$ref"] = f"{place}/{names.get(name, name)}"
    return new
