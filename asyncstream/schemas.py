"""JSON Schemas of the user's types, as strict as servers want them that force a model to follow one. Pure.

`shapes` makes the schema; here it is tightened. What a schema cannot force is enforced
when the answer is decoded (`parsing`), so dropping a keyword that servers refuse loses nothing.

Source: https://platform.openai.com/docs/guides/structured-outputs#supported-schemas
"""

import re
from collections.abc import Iterator
from typing import TypeAlias, cast

from asyncstream.errors import ConfigurationError
from asyncstream.shapes.names import type_name
from asyncstream.shapes.parts import Parts
from asyncstream.shapes.reading import shape_of

__all__ = ["schema_name", "schema_of"]

Schema: TypeAlias = dict[str, object]

_FORMATS = frozenset({"date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"})
_REFUSED = frozenset(
    {
        "contentMediaType",
        "contentSchema",
        "default",
        "deprecated",
        "discriminator",
        "examples",
        "maxLength",
        "maxProperties",
        "minLength",
        "minProperties",
        "readOnly",
        "uniqueItems",
        "writeOnly",
    }
)
"""Keywords that strict servers answer with an error."""

# A pattern that looks around, or has a flag or a name in it, is refused by servers too; some of them answer 500.

_JSON_TYPES = {str: "string", bool: "boolean", int: "integer", float: "number", type(None): "null"}


def schema_name(name: str) -> str:
    """Make of a type's name one that servers take: letters, digits, underscores and dashes, at most 64."""
    return re.sub(r"[^A-Za-z0-9_-]+", "_", name).strip("_")[:64]


def schema_of(target: object, *, strict: bool = True) -> Schema:
    """Return the JSON Schema of a type, with the type itself at the top instead of a reference.

    Args:
        target: A `msgspec.Struct`, dataclass, TypedDict or pydantic model.
        strict: Every key is required, none besides is allowed, defaults are dropped.

    Raises:
        ConfigurationError: The type is no object, or, if strict, holds something that no strict schema can say: a
            free-form dict, a tuple, a value of any kind.
    """
    name = type_name(target)
    found = Parts()
    schema = shape_of(target).schema(found)
    parts = found.bodies
    schema = _without_reference(schema, parts)
    if strict:
        parts = {part: _tightened(body, parts, part) for part, body in parts.items()}
        schema = _tightened(schema, parts, name)
    if schema.get("type") != "object":
        raise ConfigurationError(f"the schema of {name} must be an object at the top: put it into a field of a struct")
    needed = _reachable(schema, parts)
    if needed:
        schema["$defs"] = {part: parts[part] for part in parts if part in needed}
    return schema


def _without_reference(schema: Schema, parts: dict[str, Schema]) -> Schema:
    """Put the part that a reference names in its place; what stands beside the reference wins."""
    while isinstance(schema.get("$ref"), str):
        beside = {key: value for key, value in schema.items() if key != "$ref"}
        schema = {**parts[_part_of(schema)], **beside}
    return schema


def _part_of(schema: Schema) -> str:
    return str(schema["$ref"]).rpartition("/")[2]


def _tightened(schema: Schema, parts: dict[str, Schema], path: str, inside: frozenset[str] = frozenset()) -> Schema:
    """Return a schema as strict servers take it; `inside` are the parts that it stands in the place of."""
    if "$ref" in schema:
        part = _part_of(schema)
        if set(schema) - _REFUSED == {"$ref"} or part in inside:
            return {"$ref": schema["$ref"]}
        return _tightened(_without_reference(schema, parts), parts, path, inside | {part})
    if isinstance(schema.get("allOf"), list) and len(cast("list[Schema]", schema["allOf"])) == 1:
        (only,) = cast("list[Schema]", schema["allOf"])
        beside = {key: value for key, value in schema.items() if key != "allOf"}
        return _tightened({**only, **beside}, parts, path, inside)
    tight = {key: value for key, value in schema.items() if key not in _REFUSED}
    if tight.get("format") not in _FORMATS:
        tight.pop("format", None)
    if "(?" in str(tight.get("pattern", "")).replace("(?:", ""):
        del tight["pattern"]
    if tight.pop("contentEncoding", None) == "base64":
        tight.setdefault("description", "Base64.")
    if "oneOf" in tight:
        tight["anyOf"] = tight.pop("oneOf")
    if isinstance(tight.get("anyOf"), list):
        options = cast("list[Schema]", tight["anyOf"])
        tight["anyOf"] = [_tightened(option, parts, path, inside) for option in options]
    elif isinstance(tight.get("enum"), list):
        tight.setdefault("type", _type_of(cast("list[object]", tight["enum"])))
    elif "const" in tight:
        tight.setdefault("type", _type_of([tight["const"]]))
    elif tight.get("type") == "object":
        _tighten_object(tight, parts, path, inside)
    elif tight.get("type") == "array":
        _tighten_array(tight, parts, path, inside)
    elif "type" not in tight:
        raise _cannot(path, "takes a value of any kind", "give it a type")
    return tight


def _tighten_object(schema: Schema, parts: dict[str, Schema], path: str, inside: frozenset[str]) -> None:
    properties = schema.get("properties")
    if not isinstance(properties, dict) or isinstance(schema.get("additionalProperties"), dict):
        raise _cannot(
            path, "is a free-form dict", "use a Struct, dataclass or TypedDict that names its keys, or a list of pairs"
        )
    schema["properties"] = {key: _tightened(value, parts, f"{path}.{key}", inside) for key, value in properties.items()}
    schema["required"] = list(properties)
    schema["additionalProperties"] = False


def _tighten_array(schema: Schema, parts: dict[str, Schema], path: str, inside: frozenset[str]) -> None:
    items = schema.get("items")
    if "prefixItems" in schema:
        raise _cannot(path, "is a tuple", "use a list, or a struct that names its members")
    if not isinstance(items, dict):
        raise _cannot(path, "is a list of anything", "give its items a type")
    schema["items"] = _tightened(items, parts, f"{path}[]", inside)


def _cannot(path: str, what: str, instead: str) -> ConfigurationError:
    return ConfigurationError(f"{path} {what}, which a strict schema cannot say: {instead}, or pass strict=False")


def _type_of(values: list[object]) -> str | list[str]:
    types = sorted({_JSON_TYPES.get(type(value), "string") for value in values})
    return types[0] if len(types) == 1 else types


def _reachable(schema: Schema, parts: dict[str, Schema]) -> set[str]:
    found: set[str] = set()
    left = [schema]
    while left:
        new = {part for part in _references(left.pop()) if part in parts} - found
        found |= new
        left += [parts[part] for part in new]
    return found


def _references(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield _part_of(value)
        for member in value.values():
            yield from _references(member)
    elif isinstance(value, list):
        for entry in value:
            yield from _references(entry)
