"""What OpenAI asks of a JSON schema that is to be strict: of `strict` functions and of strict `response_format`s. Pure.

Every object is closed and needs all of its keys, every list says what is in it, and what the model cannot be held to
is not there at all.

Source: https://platform.openai.com/docs/guides/structured-outputs
"""

from collections.abc import Mapping

from asyncstream.server.problems import WireError

__all__ = ["check_strict"]

_FORBIDDEN = (
    "allOf",
    "contains",
    "default",
    "dependentRequired",
    "dependentSchemas",
    "else",
    "if",
    "not",
    "oneOf",
    "patternProperties",
    "prefixItems",
    "then",
    "unevaluatedItems",
    "unevaluatedProperties",
    "uniqueItems",
)
_MAX_DEPTH = 10
"""Levels of objects."""


def check_strict(schema: object, what: str, param: str) -> None:
    """Check a schema that promises to be strict.

    Args:
        schema: The schema, at its root.
        what: Whose it is, for the message.
        param: Its place in the body.

    Raises:
        WireError: 400 for the first part that is not as it must be.
    """
    root = schema if isinstance(schema, Mapping) else {}
    if root.get("type") != "object" or "anyOf" in root:
        raise _wrong(what, param, (), "the root is an object, and no 'anyOf'")
    _check(root, (), what, param, 0)
    for key in ("$defs", "definitions"):
        for name, part in _parts(root, key).items():
            _check(part, (key, name), what, param, 0)


def _check(schema: object, place: tuple[str, ...], what: str, param: str, depth: int) -> None:
    if not isinstance(schema, Mapping):
        raise _wrong(what, param, place, "a schema is an object")
    for key in _FORBIDDEN:
        if key in schema:
            raise _wrong(what, param, place, f"'{key}' is not permitted")
    if "$ref" in schema:
        return
    for number, option in enumerate(schema.get("anyOf") or ()):
        _check(option, (*place, "anyOf", str(number)), what, param, depth)
    kind = schema.get("type")
    if kind is None and not {"anyOf", "enum", "const"} & set(schema):
        raise _wrong(what, param, place, "a schema has a 'type'")
    kinds = kind if isinstance(kind, list) else [kind]
    if "object" in kinds:
        if depth >= _MAX_DEPTH:
            raise _wrong(what, param, place, f"objects are nested in {_MAX_DEPTH} levels at most")
        properties = _parts(schema, "properties")
        if schema.get("additionalProperties") is not False:
            raise _wrong(what, param, place, "'additionalProperties' must be there and be false")
        if set(properties) != set(schema.get("required") or ()):
            raise _wrong(what, param, place, "'required' must have every key of 'properties', and no other")
        for name, part in properties.items():
            _check(part, (*place, "properties", name), what, param, depth + 1)
    if "array" in kinds:
        if "items" not in schema:
            raise _wrong(what, param, place, "a list says what its 'items' are")
        _check(schema["items"], (*place, "items"), what, param, depth)


def _parts(schema: Mapping[str, object], key: str) -> Mapping[str, object]:
    parts = schema.get(key)
    return parts if isinstance(parts, Mapping) else {}


def _wrong(what: str, param: str, place: tuple[str, ...], why: str) -> WireError:
    return WireError(
        400,
        f"The schema of {what} is not strict: at {'.'.join(place) or 'its root'}, {why}.",
        param=param,
        code="invalid_schema",
    )
