"""Whether a JSON value fits a schema of the published description; as much of JSON schema as that description uses."""

import functools
import json
from pathlib import Path


@functools.cache
def schemas(path: Path) -> dict:
    """Return the schemas of a description by their names."""
    return json.loads(path.read_bytes())["components"]["schemas"]


_KINDS = {
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "array": list,
    "object": dict,
    "null": type(None),
}


def misfits(value: object, schema: dict, known: dict, place: str = "") -> list[str]:
    """List what of a value does not fit a schema; what the schema does not mention fits."""
    if "$ref" in schema:
        return misfits(value, known[schema["$ref"].rpartition("/")[2]], known, place)
    if schema.get("nullable") and value is None:
        return []
    found = []
    for part in schema.get("allOf", ()):
        found += misfits(value, part, known, place)
    for key in ("anyOf", "oneOf"):
        options = [misfits(value, option, known, place) for option in schema.get(key, ())]
        if options and [] not in options:
            found += min(options, key=len)
    kind = schema.get("type")
    if kind in _KINDS and (not isinstance(value, _KINDS[kind]) or (isinstance(value, bool) and kind != "boolean")):
        return [*found, f"{place} is no {kind}: {value!r}"[:200]]
    if "enum" in schema and value not in schema["enum"]:
        found.append(f"{place} is not one of {schema['enum']}: {value!r}"[:200])
    if isinstance(value, dict):
        found += [f"{place}.{name} is not there" for name in schema.get("required", ()) if name not in value]
        for name, part in schema.get("properties", {}).items():
            # OpenAI itself sends null for what may be absent.
            if value.get(name) is not None or (name in value and name in schema.get("required", ())):
                found += misfits(value[name], part, known, f"{place}.{name}")
    if isinstance(value, list) and isinstance(schema.get("items"), dict):
        for number, one in enumerate(value):
            found += misfits(one, schema["items"], known, f"{place}[{number}]")
    return found
