"""Which kinds of types there are, which of them msgspec reads itself, and what the members of the others are. Pure."""

import collections.abc
import dataclasses
import datetime
import decimal
import enum
import types
import uuid
from collections.abc import Callable, Hashable, Mapping
from typing import (
    Annotated,
    Any,
    Literal,
    NamedTuple,
    NotRequired,
    Required,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

import msgspec
from msgspec import NODEFAULT, Raw, Struct

from asyncstream.errors import ConfigurationError
from asyncstream.shapes.names import type_key, type_name
from asyncstream.shapes.notes import notes_of

__all__ = [
    "DICTS",
    "LISTS",
    "Field",
    "aliased",
    "fields_of",
    "hints_of",
    "is_accepted",
    "is_alias",
    "is_data_type",
    "is_fields",
    "is_model",
    "is_named_tuple",
    "is_wrapper",
    "members_of",
    "needs_shape",
    "reads_itself",
]

_PLAIN = frozenset(
    {
        type(None),
        bool,
        int,
        float,
        str,
        bytes,
        bytearray,
        memoryview,
        datetime.datetime,
        datetime.date,
        datetime.time,
        datetime.timedelta,
        uuid.UUID,
        decimal.Decimal,
        msgspec.UnsetType,
        Raw,
        Any,
    }
)
"""Types without parts that msgspec reads."""


LISTS: dict[object, Callable[[list[Any]], object]] = {
    list: list,
    set: set,
    frozenset: frozenset,
    collections.abc.Collection: list,
    collections.abc.Iterable: list,
    collections.abc.Sequence: list,
    collections.abc.MutableSequence: list,
    collections.abc.Set: set,
    collections.abc.MutableSet: set,
}
DICTS = frozenset({dict, collections.abc.Mapping, collections.abc.MutableMapping})
_WRAPPERS = ("Required", "NotRequired", "ReadOnly", "Final")
_NOTHING: Any = object()


def is_data_type(target: object) -> bool:
    """Tell whether values of a type are read from objects: a Struct, dataclass, TypedDict or pydantic model."""
    origin = get_origin(target) or target
    return (isinstance(origin, type) and is_fields(origin)) or is_model(origin)


def members_of(value: Any) -> dict[str, Any]:
    """Return the members of a value that was read from an object, by name, as they are."""
    if isinstance(value, dict):
        return dict(value)
    kind: Any = type(value)
    names = next(
        getattr(kind, of) for of in ("__struct_fields__", "model_fields", "__dataclass_fields__") if hasattr(kind, of)
    )
    return {name: getattr(value, name) for name in names}


# Which types msgspec reads itself.


def needs_shape(target: Any, seen: set[Hashable]) -> bool:
    """Tell whether a type holds something that msgspec does not read, or not all of."""
    key = type_key(target)
    if key in _PLAIN or isinstance(target, TypeVar) or key in seen:
        return False
    seen.add(key)
    origin, inner = get_origin(target), get_args(target)
    if origin is Annotated:
        notes = notes_of(target.__metadata__)
        return notes.foreign or needs_shape(inner[0], seen)
    if origin is Literal:
        # Of several kinds of values msgspec 0.19 makes no schema.
        return len({type(value) for value in inner if value is not None}) > 1 or isinstance(inner[0], enum.Enum | bytes)
    if hasattr(target, "__supertype__"):
        return needs_shape(target.__supertype__, seen)
    if is_alias(target) or is_alias(origin):
        return needs_shape(aliased(target), seen)
    kind = origin or target
    if is_model(kind):
        return True
    if isinstance(kind, type) and is_fields(kind):
        return any(needs_shape(field.type, seen) for field in fields_of(target))
    if is_named_tuple(kind):
        return any(needs_shape(hint, seen) for hint in hints_of(kind).values())
    if isinstance(kind, type) and (issubclass(kind, enum.Enum) or hasattr(kind, "__attrs_attrs__")):
        return False
    known = kind in LISTS or kind in DICTS or kind in (tuple, Union, types.UnionType) or is_wrapper(kind)
    if not known or kind is collections.abc.Iterable:
        return True
    return any(needs_shape(part, seen) for part in inner if part is not ...)


def is_model(kind: object) -> bool:
    """Tell whether pydantic reads a type, or the type itself in pydantic's way."""
    return isinstance(kind, type) and (
        reads_itself(kind)
        or hasattr(kind, "__get_pydantic_core_schema__")
        or "__pydantic_validator__" in vars(kind)
        or kind.__module__.startswith("pydantic_core")
    )


def reads_itself(kind: object) -> bool:
    """Tell whether a type has the methods of a model; of other types only pydantic knows how they are read."""
    return isinstance(kind, type) and hasattr(kind, "model_json_schema") and hasattr(kind, "model_validate")


def is_fields(kind: type) -> bool:
    """Tell whether a class is a Struct, dataclass or TypedDict."""
    return issubclass(kind, Struct) or dataclasses.is_dataclass(kind) or is_typeddict(kind)


def is_named_tuple(kind: object) -> bool:
    """Tell whether a class is a tuple whose members have names."""
    return isinstance(kind, type) and issubclass(kind, tuple) and "_fields" in dir(kind)


def is_alias(kind: object) -> bool:
    """Tell whether something is a `type X = ...`, of Python's or of `typing_extensions`."""
    return type(kind).__name__ == "TypeAliasType"


def is_wrapper(kind: object) -> bool:
    """Tell whether something says how a member is held, not what it is: `Required`, `Final` and their kin.

    They are known by name, for those that are newer than Python 3.11 are also in `typing_extensions`.
    """
    return repr(kind).removeprefix("typing.").removeprefix("typing_extensions.") in _WRAPPERS


def aliased(target: Any) -> Any:
    """Return what a `type X = ...` stands for."""
    if is_alias(target):
        return target.__value__
    alias = get_origin(target)
    return _with_types(alias.__value__, dict(zip(alias.__type_params__, get_args(target), strict=False)))


def _with_types(hint: Any, types_: Mapping[Any, Any]) -> Any:
    """Put types in the place of type variables."""
    if isinstance(hint, TypeVar):
        return types_.get(hint, hint)
    open_ones = getattr(hint, "__parameters__", ())
    return hint[tuple(types_.get(one, one) for one in open_ones)] if open_ones and get_args(hint) else hint


def is_accepted(target: Any) -> bool:
    """Tell whether msgspec takes a type, whose parts it knows, as a whole."""
    try:
        msgspec.json.Decoder(target)
    except (TypeError, NotImplementedError):
        return False
    return True


# The members of structs, dataclasses and TypedDicts.


class Field(NamedTuple):
    """A member of a struct, dataclass or TypedDict."""

    name: str
    key: str
    """What it is called in JSON."""
    type: Any
    required: bool
    default: Any = _NOTHING


def fields_of(target: Any) -> list[Field]:
    """Return the members of a type that are read, with their own types in the place of type variables.

    Raises:
        ConfigurationError: The type of one cannot be found.
    """
    kind = get_origin(target) or target
    if issubclass(kind, Struct):
        return [
            Field(
                field.name,
                field.encode_name,
                field.type,
                field.required,
                _NOTHING if field.default is NODEFAULT else field.default,
            )
            for field in _struct_fields(target)
        ]
    bound = dict(zip(getattr(kind, "__parameters__", ()), get_args(target), strict=False))
    hints = {name: _with_types(hint, bound) for name, hint in hints_of(kind).items()}
    if is_typeddict(kind):
        return [Field(name, name, _bare(hint), _is_required(kind, name, hint)) for name, hint in hints.items()]
    return [
        Field(
            field.name,
            field.name,
            hints[field.name],
            field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING,
            _NOTHING if field.default is dataclasses.MISSING else field.default,
        )
        for field in dataclasses.fields(kind)
        if field.init
    ]


def _struct_fields(target: Any) -> tuple[msgspec.structs.FieldInfo, ...]:
    try:
        return msgspec.structs.fields(target)
    except NameError as error:
        raise ConfigurationError(f"a type in {type_name(target)} cannot be found: {error}") from error


def hints_of(kind: type) -> dict[str, Any]:
    """Return the types of a class's members, with their notes.

    Raises:
        ConfigurationError: One cannot be found.
    """
    try:
        return get_type_hints(kind, include_extras=True)
    except NameError as error:
        raise ConfigurationError(f"a type in {kind.__name__} cannot be found: {error}") from error


def _is_required(kind: Any, name: str, hint: Any) -> bool:
    # With postponed annotations the class itself does not see what stands around its types.
    origin = get_origin(hint)
    return origin is Required or (origin is not NotRequired and name in kind.__required_keys__)


def _bare(hint: Any) -> Any:
    while is_wrapper(get_origin(hint)):
        (hint,) = get_args(hint)
    return hint
