"""Reading a request body: JSON, an object, only known keys, each of its kind, null only where the API takes null.

Pure. The tables of fields stand with their nouns; this module knows no endpoint.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import msgspec

from asyncstream.server.problems import WireError

__all__ = ["Field", "Fields", "check_fields", "nullable", "optional", "read_object", "required"]

Kind: TypeAlias = Literal["string", "integer", "number", "boolean", "array", "object", "metadata"]

_PHRASES: dict[Kind, str] = {
    "string": "a string",
    "integer": "an integer",
    "number": "a number",
    "boolean": "a boolean",
    "array": "an array",
    "object": "an object",
    "metadata": "an object",
}


@dataclass(frozen=True, slots=True)
class Field:
    """What a key of a body may hold."""

    kinds: tuple[Kind, ...]
    required: bool = False
    nullable: bool = False
    low: float | None = None
    high: float | None = None


Fields: TypeAlias = Mapping[str, Field]


def required(*kinds: Kind) -> Field:
    """A key that must be there, and is never null."""
    return Field(kinds, required=True)


def optional(*kinds: Kind) -> Field:
    """A key that may be absent, but is never null."""
    return Field(kinds)


def nullable(*kinds: Kind, low: float | None = None, high: float | None = None) -> Field:
    """A key that may be absent or null."""
    return Field(kinds, nullable=True, low=low, high=high)


def read_object(raw: bytes, fields: Fields, *, closed: bool = True) -> dict[str, Any]:
    """Decode and check a body; no body at all is an empty object. `closed` as for `check_fields`."""
    if not raw.strip():
        body: object = {}
    else:
        try:
            body = msgspec.json.decode(raw)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise WireError(400, f"The body of the request is no valid JSON: {error}.") from None
    return check_fields(body, fields, closed=closed)


def check_fields(body: object, fields: Fields, where: str = "", *, closed: bool = True) -> dict[str, Any]:
    """Check one object against its table; `where` is its place in the body (``"messages[0]"``).

    A key that the table lacks is refused if the table is `closed`.

    Raises:
        WireError: 400 for the first thing that does not fit, with OpenAI's `param` and `code`.
    """
    if not isinstance(body, dict):
        place = f"'{where}'" if where else "The body of the request"
        raise WireError(400, f"{place} is an object, not {_described(body)}.", param=where or None, code="invalid_type")
    dot = f"{where}." if where else ""
    for name in body:
        if closed and name not in fields:
            raise WireError(400, f"There is no parameter '{dot}{name}'.", param=dot + name, code="unknown_parameter")
    for name, field in fields.items():
        param = dot + name
        if name not in body:
            if field.required:
                raise WireError(400, f"'{param}' is required.", param=param, code="missing_required_parameter")
            continue
        _check_value(body[name], field, param)
    return body


def _check_value(value: object, field: Field, param: str) -> None:
    if value is None and field.nullable:
        return
    kind = next((kind for kind in field.kinds if _is(value, kind)), None)
    if kind is None:
        expected = " or ".join(_PHRASES[kind] for kind in field.kinds)
        raise WireError(400, f"'{param}' is {expected}, but was {_described(value)}.", param=param, code="invalid_type")
    if kind == "metadata" and isinstance(value, dict):
        _check_metadata(value, param)
    if isinstance(value, int | float):
        if field.low is not None and value < field.low:
            raise WireError(
                400, f"'{param}' is at least {field.low}, not {value}.", param=param, code="decimal_below_min_value"
            )
        if field.high is not None and value > field.high:
            raise WireError(
                400, f"'{param}' is at most {field.high}, not {value}.", param=param, code="decimal_above_max_value"
            )


def _check_metadata(value: Mapping[str, object], param: str) -> None:
    if len(value) > 16:
        raise WireError(400, f"'{param}' has at most 16 pairs, not {len(value)}.", param=param)
    for key, text in value.items():
        if not isinstance(text, str):
            place = f"{param}.{key}"
            raise WireError(400, f"'{place}' is a string, not {_described(text)}.", param=place, code="invalid_type")
        if len(key) > 64 or len(text) > 512:
            raise WireError(400, f"'{param}' has keys of at most 64 and values of at most 512 letters.", param=param)


def _is(value: object, kind: Kind) -> bool:
    match kind:
        case "string":
            return isinstance(value, str)
        case "integer":
            return isinstance(value, int) and not isinstance(value, bool)
        case "number":
            return isinstance(value, int | float) and not isinstance(value, bool)
        case "boolean":
            return isinstance(value, bool)
        case "array":
            return isinstance(value, list)
        case "object" | "metadata":
            return isinstance(value, dict)


def _described(value: object) -> str:
    if value is None:
        return "null"
    kinds: tuple[Kind, ...] = ("boolean", "integer", "number", "string", "array", "object")
    return next(_PHRASES[kind] for kind in kinds if _is(value, kind))
