"""Values that fit a JSON schema, drawn from a question's words and numbers: what the unscripted model writes.

Pure: the same schema and question give the same value. It is no validator: where a schema asks for what cannot be made
up (a pattern), the value is a guess.
"""

import re
from collections.abc import Mapping
from itertools import count
from typing import Any

__all__ = ["sample_arguments", "sample_value"]

# A schema may refer to itself; what lies deeper than this is left empty.
_MAX_DEPTH = 6
# A schema may ask for a list of a million.
_MAX_ITEMS = 16

_FORMATS = {
    "date-time": "2025-01-31T12:00:00Z",
    "date": "2025-01-31",
    "time": "12:00:00Z",
    "duration": "PT1H",
    "email": "ada@example.com",
    "hostname": "example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "uri": "https://example.com",
    "uuid": "00000000-0000-4000-8000-000000000001",
}
"""A value for each format that a string can have."""


def sample_arguments(schema: object, question: str) -> dict[str, object]:
    """Make arguments that fit a JSON schema, with the question's words and numbers where strings and numbers go."""
    sample = sample_value(schema, question)
    return sample if isinstance(sample, dict) else {}


def sample_value(schema: object, question: str) -> object:
    """Make any value that fits a JSON schema, as `sample_arguments` does."""
    return _Sampler(schema, question).sample(schema, depth=0)


class _Sampler:
    """Draws one value for each schema; string parameters get one word of the question each, names first."""

    def __init__(self, root: object, question: str) -> None:
        self._root = root
        words = re.findall(r"[^\W\d_][\w'-]*", question)
        # A capital inside the sentence is a name, and names are what functions ask for.
        names = [word for word in words[1:] if word[0].isupper() and word != "I"]
        self._words = iter(dict.fromkeys(names + sorted(words, key=len, reverse=True)))
        self._numbers = iter([int(digits) for digits in re.findall(r"\d{1,15}", question)])
        self._unnamed = count(1)

    def sample(self, schema: object, depth: int) -> object:
        schema = self._resolved(schema)
        if "const" in schema:
            return schema["const"]
        if isinstance(schema.get("enum"), list) and schema["enum"]:
            return schema["enum"][0]
        if "default" in schema:
            return schema["default"]
        for key in ("anyOf", "oneOf", "allOf"):
            options = [option for option in schema.get(key, ()) if self._resolved(option).get("type") != "null"]
            if options:
                return self.sample(options[0], depth + 1) if depth < _MAX_DEPTH else None
        kind = schema.get("type", "object" if "properties" in schema else "string")
        if isinstance(kind, list):
            kind = next((one for one in kind if one != "null"), "null")
        match kind:
            case "object":
                properties = schema.get("properties", {}) if depth < _MAX_DEPTH else {}
                return {name: self.sample(part, depth + 1) for name, part in properties.items()}
            case "array":
                return self._array(schema, depth)
            case "integer" | "number":
                return self._number(schema)
            case "boolean":
                return True
            case "string":
                return self._string(schema)
            case _:
                return None

    def _array(self, schema: Mapping[str, Any], depth: int) -> list[object]:
        if depth >= _MAX_DEPTH:
            return []
        first = schema.get("prefixItems", [])
        items = schema.get("items", {})
        low, high = schema.get("minItems", 0), schema.get("maxItems")
        rest = 0 if items is False else max(low - len(first), 0 if first else 1)
        if isinstance(high, int):
            rest = min(rest, high - len(first))
        parts = [*first, *[items] * min(rest, _MAX_ITEMS)]
        return [self.sample(part, depth + 1) for part in parts]

    def _string(self, schema: Mapping[str, Any]) -> str:
        text = _FORMATS.get(schema.get("format", ""))
        if text is None:
            text = next(self._words, None) or f"value {next(self._unnamed)}"
            text = text.ljust(min(schema.get("minLength", 0), 1024), ".")[: schema.get("maxLength")]
        return text

    def _number(self, schema: Mapping[str, Any]) -> int | float:
        number: int | float = next(self._numbers, 1)
        if isinstance(low := schema.get("minimum"), int | float):
            number = max(number, low)
        if isinstance(low := schema.get("exclusiveMinimum"), int | float):
            number = number if number > low else low + 1
        if isinstance(high := schema.get("maximum"), int | float):
            number = min(number, high)
        if isinstance(high := schema.get("exclusiveMaximum"), int | float):
            number = number if number < high else high - 1
        if isinstance(step := schema.get("multipleOf"), int) and step > 0:
            number = -(-number // step) * step
        return number

    def _resolved(self, schema: object) -> Mapping[str, Any]:
        for _ in range(_MAX_DEPTH):
            if not isinstance(schema, Mapping) or not isinstance(schema.get("$ref"), str):
                break
            target: object = self._root
            for key in schema["$ref"].removeprefix("#").strip("/").split("/"):
                target = target.get(key) if isinstance(target, Mapping) and key else target
            schema = target
        return schema if isinstance(schema, Mapping) else {}
