"""What stands in `Annotated` beside a type: words for the model, and bounds that a value must keep. Pure.

Notes are known by their attributes, whoever made them: a plain text, msgspec's `Meta`, pydantic's `Field`, bounds of
`annotated_types`. Above it: `shapes`, which puts them into schemas and holds values against them.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Annotated, Any, TypeAlias

import msgspec
from msgspec import Meta, Struct

__all__ = ["Bounds", "Notes", "notes_of"]

Schema: TypeAlias = dict[str, Any]

_LIMITS = ("ge", "gt", "le", "lt", "multiple_of")
_LENGTHS = ("min_length", "max_length")
_WORDS = {"ge": "at least", "gt": "more than", "le": "at most", "lt": "less than", "multiple_of": "a multiple of"}
_NUMBERS = {
    "ge": "minimum",
    "gt": "exclusiveMinimum",
    "le": "maximum",
    "lt": "exclusiveMaximum",
    "multiple_of": "multipleOf",
}
_SIZES = {
    "string": {"min_length": "minLength", "max_length": "maxLength", "pattern": "pattern"},
    "array": {"min_length": "minItems", "max_length": "maxItems"},
    "object": {"min_length": "minProperties", "max_length": "maxProperties"},
}
_KEYWORDS: dict[str, dict[str, str]] = {"integer": _NUMBERS, "number": _NUMBERS, **_SIZES}
_ONLY_PYDANTIC = (
    "strip_whitespace",
    "to_lower",
    "to_upper",
    "max_digits",
    "decimal_places",
    "allow_inf_nan",
    "coerce_numbers_to_str",
    "discriminator",
)
"""What a note may ask for besides bounds; pydantic is left to do it."""


class Bounds(Struct, frozen=True):
    """What a value must keep."""

    limits: dict[str, Any] = {}
    """By the names that pydantic and msgspec share: ge, gt, le, lt, multiple_of, min_length, max_length, pattern."""
    checks: tuple[Callable[[Any], object], ...] = ()
    """Predicates of `annotated_types`."""

    def tell(self, schema: Schema) -> Schema:
        """Return a schema with the bounds that it can say, each with the type that it is for."""
        if isinstance(schema.get("anyOf"), list):
            return {**schema, "anyOf": [self.tell(option) for option in schema["anyOf"]]}
        kind = schema.get("type")
        keywords = _KEYWORDS.get(kind, {}) if isinstance(kind, str) else {}
        if "format" in schema or "contentEncoding" in schema:
            keywords = {}  # the text of a date or a Decimal is not what the bounds are for
        bounds = {keywords[name]: value for name, value in self.limits.items() if name in keywords}
        return {**schema, **bounds}

    def wrong(self, value: object) -> str:
        """Return which bound a value does not keep; "" if it keeps all. None keeps all that its type lets it."""
        if value is None:
            return ""
        for name, limit in self.limits.items():
            try:
                if not self._kept(name, limit, value):
                    return self._words(name, limit, value)
            except TypeError:
                continue  # a bound for another type of the union
        for check in self.checks:
            if not check(value):
                return f"Expected a value that passes {getattr(check, '__name__', 'its check')}"
        return ""

    def _kept(self, name: str, limit: Any, value: Any) -> bool:
        match name:
            case "ge":
                return bool(value >= limit)
            case "gt":
                return bool(value > limit)
            case "le":
                return bool(value <= limit)
            case "lt":
                return bool(value < limit)
            case "multiple_of":
                return not isinstance(value, str) and _is_multiple(value, limit)
            case "min_length":
                return bool(len(value) >= limit)
            case "max_length":
                return bool(len(value) <= limit)
            case _:
                return not isinstance(value, str) or _matches(limit, value)

    def _words(self, name: str, limit: Any, value: Any) -> str:
        if name in _WORDS:
            return f"Expected {_WORDS[name]} {limit}, got {str(value)[:100]}"
        if name in _LENGTHS:
            return f"Expected a length of at {'least' if name == 'min_length' else 'most'} {limit}, got {len(value)}"
        return f"Expected a text that matches {limit!r}"


def _is_multiple(value: Any, of: Any) -> bool:
    if isinstance(value, float) or isinstance(of, float):
        times = float(value) / float(of)
        return abs(times - round(times)) < 1e-9 * max(1.0, abs(times))
    return bool(value % of == 0)


def _is_readable(pattern: str) -> bool:
    """Tell whether an expression is one of Python's; pydantic has another engine besides."""
    try:
        msgspec.json.Decoder(Annotated[str, Meta(pattern=pattern)])
    except Exception:  # whatever the module for expressions raises
        return False
    return True


def _matches(pattern: str, value: str) -> bool:
    try:
        msgspec.convert(value, Annotated[str, Meta(pattern=pattern)])
    except msgspec.ValidationError:
        return False
    return True


class Notes(Struct, frozen=True):
    """All that stands beside one type."""

    description: str = ""
    title: str = ""
    examples: list[Any] = []
    extra: dict[str, Any] = {}
    """Keywords of the schema that the user wrote."""
    bounds: Bounds = Bounds()
    foreign: bool = False
    """Something of it is said in another way than msgspec's own."""
    delegated: bool = False
    """Something of it only pydantic can do."""

    def words(self) -> Schema:
        """Return the keywords of the schema that are for the model to read."""
        words: Schema = {**self.extra}
        if self.title:
            words["title"] = self.title
        if self.description:
            words["description"] = self.description
        if self.examples:
            words["examples"] = self.examples
        return words

    @property
    def unreadable_pattern(self) -> str:
        """The expression that nothing here can match with; "" if there is none."""
        pattern: str = self.bounds.limits.get("pattern", "")
        return "" if not pattern or _is_readable(pattern) else pattern


def notes_of(metadata: Iterable[object]) -> Notes:
    """Read notes; what comes later wins, but the first text that is no more than a text is the description."""
    words: dict[str, Any] = {}
    limits: dict[str, Any] = {}
    checks: list[Callable[[Any], object]] = []
    text = ""
    foreign = delegated = False
    for note in _flat(metadata):
        if isinstance(note, str):
            text = text or note
            foreign = True
            continue
        told = _words_of(note)
        kept: dict[str, Any] = {
            name: value for name in (*_LIMITS, *_LENGTHS, "pattern") if _is_limit(name, value := _got(note, name))
        }
        check = _got(note, "func")
        unread = "pattern" in kept and not _is_readable(kept["pattern"])
        only = (
            (unread and type(note).__module__.startswith("pydantic"))
            or hasattr(note, "__get_pydantic_core_schema__")
            or any(_got(note, word) for word in _ONLY_PYDANTIC)
        )
        checked = callable(check) and not only
        if checked:
            checks.append(check)
        words |= told
        limits |= kept
        delegated = delegated or only
        foreign = foreign or (not isinstance(note, Meta) and bool(told or kept or only or checked))
    if text:
        words.setdefault("description", text)
    return Notes(**words, bounds=Bounds(limits, tuple(checks)), foreign=foreign, delegated=delegated)


def _flat(metadata: Iterable[object]) -> Iterable[object]:
    """Give each note, and before it those that it is made of, as a pydantic `Field` is."""
    for note in metadata:
        inner = None if isinstance(note, Meta | str | type) else _got(note, "metadata")
        if isinstance(inner, list | tuple):
            yield from _flat(inner)
        yield note


def _got(note: object, name: str) -> Any:
    return None if isinstance(note, type) else getattr(note, name, None)


def _words_of(note: object) -> dict[str, Any]:
    words = {
        "description": _got(note, "description") or _got(note, "documentation"),
        "title": _got(note, "title"),
        "examples": _got(note, "examples"),
        "extra": _got(note, "extra_json_schema") or _got(note, "json_schema_extra"),
    }
    kinds = {"description": str, "title": str, "examples": Sequence, "extra": Mapping}
    return {
        name: list(value) if name == "examples" else dict(value) if name == "extra" else value
        for name, value in words.items()
        if value and isinstance(value, kinds[name])
    }


def _is_limit(name: str, value: object) -> bool:
    if name == "pattern":
        return isinstance(value, str)
    if name in _LENGTHS:
        return isinstance(value, int) and not (name == "min_length" and value == 0)
    return value is not None and not callable(value)
