"""JSON bytes to structs: strictly first, and, where the payload does not fit, by one lenient pass over it.

Pure: no IO, no protocol. Below it: `lenient_json`, whose names it hands on, and the wire structs, as arguments only.
Above it: the events and the HTTP door.

Strict is msgspec with one cached decoder a type: the hot path. A payload that does not fit a type is read again by
`load_json` and walked along the type:

- NaN and Infinity, which are read as null, count as absent;
- a scalar of the wrong kind is converted where nothing is lost (`"3"` for an int), else it counts as absent;
- null where no null may stand counts as absent; absent means the field's default (a required id: "");
- one object where a list of objects belongs is a list of one;
- a tagged object without a tag is what its one payload key says (`{"text": {...}}` is a text);
- a tagged object whose tag nobody knows becomes the union's `Unknown...` struct with its JSON.

Each of these is reported as a `Repair`. Rule 1: nothing here raises but `UnreadableJSON`.
"""

from collections.abc import Callable
from functools import cache
from typing import Any, TypeAlias, TypeVar, cast, get_args

import msgspec
from msgspec import Struct, inspect

from asyncstream.lenient_json import (
    UnreadableJSON,
    dump_json,
    dump_raw,
    has_constants,
    has_halves,
    load_json,
    refuse_depth,
    split_first_json,
)
from asyncstream.members import EXTRA, OWN_MEMBER

__all__ = [
    "Repair",
    "UnreadableJSON",
    "coerce_json",
    "decode_json",
    "dump_json",
    "dump_raw",
    "has_constants",
    "has_halves",
    "load_json",
    "name_of",
    "split_first_json",
    "strict_decoder",
]

T = TypeVar("T")

STRICT_ERRORS = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What a strict decoder raises for bytes that do not fit: `msgspec.ValidationError` is a `DecodeError`."""

MOST_REPAIRS = 1000
"""How many repairs of one payload are told of: one of 16 MiB can be wrong in millions of places."""


class Repair(Struct, frozen=True):
    """One thing that the wire got wrong and that was mended.

    Attributes:
        rule: The number of the rule that says how it is mended; `tests/test_rules.py` lists them.
        where: What it was found in: an id, a slot, or a path in the payload.
        raw: The value as it came, as JSON; an accumulator keeps 4 KiB of it.
    """

    rule: str
    where: str
    raw: bytes = b""


_DECODERS: "dict[Any, msgspec.json.Decoder[Any]]" = {}


def strict_decoder(type: Any) -> "msgspec.json.Decoder[Any]":
    """Return the one decoder of a type; making one costs 2 to 4 us, more than most decodes."""
    decoder = _DECODERS.get(type)
    if decoder is None:
        decoder = _DECODERS[type] = msgspec.json.Decoder(type)
    return decoder


def decode_json(type: type[T], data: bytes) -> T:
    """Decode JSON into a type, leniently where it does not fit.

    Raises:
        UnreadableJSON: The bytes are no JSON, are nested too deep, or nothing of the type can be found in them.
    """
    refuse_depth(data)
    try:
        return cast("T", strict_decoder(type).decode(data))
    except STRICT_ERRORS:
        return coerce_json(type, load_json(data))[0]


def coerce_json(type: type[T], value: object) -> tuple[T, list[Repair]]:
    """Fit a value from `load_json` into a type.

    Returns:
        The typed value and what was mended in it, the first `MOST_REPAIRS` of it.

    Raises:
        UnreadableJSON: The value is of another kind than the type.
    """
    repairs = _Mended()
    fitted = _coercer(type)(value, _TOP, repairs)
    if fitted is _ABSENT:
        raise UnreadableJSON(f"expected {name_of(type)}, got {_kind(value)}")
    return cast("T", fitted), repairs.made


def name_of(type: Any) -> str:
    """Return what a user calls a type: its name; that of a list's answer, which is one of our own, by its items."""
    items = get_args(type)
    return f"a list of {name_of(items[0])} objects" if items else getattr(type, "__name__", str(type))


_Path: TypeAlias = tuple[Any, str | int]
"""Where a value stands: where what holds it stands, and its key or position there. Most are never written out."""

_TOP: _Path = (None, "$")


class _Mended:
    """What was mended, the first `MOST_REPAIRS` of it."""

    __slots__ = ("full", "made")

    def __init__(self) -> None:
        self.made: list[Repair] = []
        self.full = False

    def note(self, path: _Path, value: object) -> None:
        """Record a value that was converted, or counts as absent."""
        if not self.full:
            self.made.append(Repair("6.4", _written(path), dump_raw(value)))
            self.full = len(self.made) >= MOST_REPAIRS


def _written(path: _Path) -> str:
    steps: list[str] = []
    within: Any = path
    while within is not None:
        within, step = within
        steps.append(f"[{step}]" if isinstance(step, int) else f".{step}")
    return "".join(reversed(steps))[1:]


def _kind(value: object) -> str:
    names = {
        dict: "an object",
        list: "an array",
        str: "a string",
        bool: "a boolean",
        int: "a number",
        float: "a number",
    }
    return names.get(type(value), "null")


_ABSENT: Any = type("_Absent", (), {"__repr__": lambda _: "<absent>"})()

_Coercer: TypeAlias = Callable[[object, _Path, _Mended], Any]


_COERCERS: dict[Any, _Coercer] = {}


def _coercer(type: Any) -> _Coercer:
    coercer = _COERCERS.get(type)
    if coercer is None:
        coercer = _COERCERS[type] = _compile(inspect.type_info(type))
    return coercer


@cache
def _struct_coercer(cls: type[Struct]) -> _Coercer:
    """Compile lazily, a struct at a time: wire types may contain themselves."""
    info = inspect.type_info(cls)
    assert isinstance(info, inspect.StructType)
    fields = {
        field.encode_name: (field.name, _compile(field.type))
        for field in info.fields
        if not field.encode_name.startswith(OWN_MEMBER)
    }
    required = {key: fields[key] for key in (field.encode_name for field in info.fields if field.required)}
    keeps = next((field.name for field in info.fields if field.encode_name == EXTRA), None)
    known = fields.keys() | {EXTRA, info.tag_field}

    def coerce(value: object, path: _Path, repairs: _Mended) -> Any:
        if not isinstance(value, dict):
            return _ABSENT
        present: dict[str, Any] = {}
        # What was sent, not all that could be: a list may hold a million objects of one key.
        for key, given in value.items():
            field = fields.get(key)
            if field is None:
                continue
            name, fit = field
            fitted = fit(given, (path, key), repairs)
            if fitted is _ABSENT:
                repairs.note((path, key), given)
            else:
                present[name] = fitted
        for key, (name, fit) in required.items():
            if name not in present:
                # Only ids are required. Killing a paid stream for a missing one would lose what came with it.
                fallback = fit("", (path, key), repairs)
                if fallback is _ABSENT:
                    return _ABSENT
                present[name] = fallback
        if keeps is not None:
            extra = {key: member for key, member in value.items() if key not in known and member is not None}
            # Some may have been put there before this; a server that writes the name itself has it in vain.
            before = value.get(EXTRA)
            if extra or isinstance(before, dict):
                present[keeps] = {**before, **extra} if isinstance(before, dict) else extra
        return cls(**present)

    return coerce


def _compile(info: inspect.Type) -> _Coercer:
    match info:
        case inspect.StructType():
            return lambda value, path, repairs: (
                _struct_coercer(info.cls)(value, path, repairs) if isinstance(value, dict) else _ABSENT
            )
        case inspect.UnionType():
            return _compile_union(info)
        case inspect.ListType():
            return _list_coercer(_compile(info.item_type))
        case inspect.DictType():
            return _dict_coercer(_compile(info.value_type))
        case inspect.LiteralType():
            return lambda value, _path, _repairs: value if value in info.values else _ABSENT
        case inspect.StrType():
            return _fit_str
        case inspect.IntType():
            return _fit_int
        case inspect.FloatType():
            return _fit_float
        case inspect.BoolType():
            return _fit_bool
        case inspect.NoneType():
            return lambda value, _path, _repairs: None if value is None else _ABSENT
        case inspect.AnyType():
            return lambda value, _path, _repairs: value
        case inspect.CustomType() if info.cls is object:
            return lambda value, _path, _repairs: value
        case _:
            raise TypeError(f"no lenient reading of {info}")


def _fit_str(value: object, path: _Path, repairs: _Mended) -> Any:
    if isinstance(value, str):
        return value
    if value is None:
        return _ABSENT
    text = dump_json(value)
    repairs.note(path, value)
    return text


def _fit_int(value: object, path: _Path, repairs: _Mended) -> Any:
    if isinstance(value, int) and not isinstance(value, bool):
        # What JSON writers and databases call an integer ends here, and msgspec does not encode more.
        return value if -(2**63) <= value < 2**64 else _ABSENT
    fitted: Any = _ABSENT
    if (isinstance(value, float) and value.is_integer() and abs(value) < 2**63) or (
        isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 19
    ):
        fitted = int(value)
    if fitted is not _ABSENT:
        repairs.note(path, value)
    return fitted


def _fit_float(value: object, path: _Path, repairs: _Mended) -> Any:
    if isinstance(value, str):
        try:
            number = float(value)
        except ValueError:
            return _ABSENT
        repairs.note(path, value)
        return number if abs(number) < float("inf") else _ABSENT
    if isinstance(value, bool) or not isinstance(value, int | float):
        return _ABSENT
    return float(value) if abs(value) < 2**1023 else _ABSENT


def _fit_bool(value: object, path: _Path, repairs: _Mended) -> Any:
    if isinstance(value, bool):
        return value
    fitted: Any = {"true": True, "false": False}.get(value, _ABSENT) if isinstance(value, str) else _ABSENT
    if fitted is not _ABSENT:
        repairs.note(path, value)
    return fitted


def _list_coercer(fit: _Coercer) -> _Coercer:
    def coerce(value: object, path: _Path, repairs: _Mended) -> Any:
        if isinstance(value, dict):
            repairs.note(path, value)
            value = [value]
        if not isinstance(value, list):
            return _ABSENT
        fitted = []
        for position, item in enumerate(value):
            one = fit(item, (path, position), repairs)
            if one is _ABSENT:
                if not repairs.full:
                    repairs.note((path, position), item)
            else:
                fitted.append(one)
        return fitted

    return coerce


def _dict_coercer(fit: _Coercer) -> _Coercer:
    def coerce(value: object, path: _Path, repairs: _Mended) -> Any:
        if not isinstance(value, dict):
            return _ABSENT
        fitted = {}
        for key, item in value.items():
            one = fit(item, (path, key), repairs)
            if one is _ABSENT:
                repairs.note((path, key), item)
            else:
                fitted[key] = one
        return fitted

    return coerce


def _compile_union(info: inspect.UnionType) -> _Coercer:
    structs = {t.tag: t for t in info.types if isinstance(t, inspect.StructType)}
    tagged = len(structs) > 1
    plain = [(t, _compile(t)) for t in info.types if not isinstance(t, inspect.StructType)]
    converting = [fit for t, fit in plain if not isinstance(t, inspect.NoneType)]
    # Which of them takes a value as it is, by the value's class; asking each in turn takes twice as long.
    by_class = {
        cls: fit
        for t, fit in reversed(plain)
        for cls in _KINDS.get(type(t), ())
        if all(type(other) in _KINDS for other, _ in plain)
    }
    unknown = structs.get("unknown")
    tag_field = next((t.tag_field for t in structs.values()), None) or "type"

    def coerce_object(value: dict[str, object], path: _Path, repairs: _Mended) -> Any:
        if not tagged:
            (only,) = structs.values()
            return _struct_coercer(only.cls)(value, path, repairs)
        tag = value.get(tag_field)
        if not tag:
            keys = [key for key in structs if isinstance(key, str) and value.get(key) is not None]
            if len(keys) == 1:
                tag = keys[0]
                repairs.note((path, tag_field), tag)
        known = structs.get(tag) if isinstance(tag, str) else None
        if known is not None and known is not unknown:
            return _struct_coercer(known.cls)(value, path, repairs)
        if unknown is None:
            return _ABSENT
        named = {}
        for name, key, fit in _named_of(unknown.cls):
            fitted = fit(value[key], (path, key), repairs) if key in value else _ABSENT
            if fitted is not _ABSENT:
                named[name] = fitted
        return unknown.cls(wire_type=tag if isinstance(tag, str) else "", raw=dump_raw(value), **named)

    def coerce(value: object, path: _Path, repairs: _Mended) -> Any:
        if structs and isinstance(value, dict):
            return coerce_object(value, path, repairs)
        fit = by_class.get(type(value))
        if fit is not None:
            return fit(value, path, repairs)
        if not by_class:
            for wanted, fit in plain:
                if _is_of(wanted, value):
                    return fit(value, path, repairs)
        for fit in converting:
            fitted = fit(value, path, repairs)
            if fitted is not _ABSENT:
                return fitted
        return _ABSENT

    return coerce


@cache
def _named_of(unknown: type[Struct]) -> list[tuple[str, str, _Coercer]]:
    """Give the fields of an `Unknown...` struct that name members of the wire, beside its type and its JSON."""
    info = inspect.type_info(unknown)
    assert isinstance(info, inspect.StructType)
    return [
        (field.name, field.encode_name, _compile(field.type))
        for field in info.fields
        if field.name not in ("wire_type", "raw") and not field.encode_name.startswith(OWN_MEMBER)
    ]


_KINDS: dict[type[inspect.Type], tuple[type, ...]] = {
    inspect.StrType: (str,),
    inspect.IntType: (int,),
    inspect.FloatType: (float, int),
    inspect.BoolType: (bool,),
    inspect.NoneType: (type(None),),
    inspect.ListType: (list,),
    inspect.DictType: (dict,),
}


def _is_of(wanted: inspect.Type, value: object) -> bool:
    """Tell whether a value needs no conversion to be of a type."""
    if isinstance(wanted, inspect.LiteralType):
        return value in wanted.values
    kinds = _KINDS.get(type(wanted))
    if kinds is None:
        return True
    return isinstance(value, kinds) and (not isinstance(value, bool) or bool in kinds)
