"""The user's types, and how JSON becomes their values: what msgspec reads itself, and what it does not. Pure.

msgspec reads most types whole, and where it does nothing stands between. It knows no pydantic models, takes only its
own `Meta` for a note in `Annotated`, and refuses unions of types that it cannot tell apart. A type that holds such a
thing anywhere is taken apart here as far as it needs to be; every part is a *shape*, which gives its JSON Schema and
decodes its JSON. Above it: `schemas`, which tightens the schemas, and `parsing`, which words the errors.

Rule 1: pydantic is never imported. Its models are known by their methods and its notes by their attributes; for what
has neither, the pydantic that the user's own module has loaded is asked.
"""

import collections.abc
import dataclasses
import datetime
import decimal
import enum
import functools
import inspect
import sys
import types
import uuid
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import (
    Annotated,
    Any,
    Literal,
    NamedTuple,
    NotRequired,
    Protocol,
    Required,
    TypeAlias,
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
from asyncstream.notes import Bounds, Notes, notes_of

__all__ = [
    "Model",
    "Parts",
    "Schema",
    "Shape",
    "Unfit",
    "class_doc",
    "is_data_type",
    "members_of",
    "part_name",
    "shape_of",
    "type_name",
]

Schema: TypeAlias = dict[str, Any]
Data: TypeAlias = bytes | Raw

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

_LISTS: dict[object, Callable[[list[Any]], object]] = {
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
_DICTS = frozenset({dict, collections.abc.Mapping, collections.abc.MutableMapping})
_WRAPPERS = ("Required", "NotRequired", "ReadOnly", "Final")
_NOTHING: Any = object()


class Unfit(Exception):
    """A value does not fit: where, from the value on inwards, and why."""

    def __init__(self, reason: str, path: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.path = path

    def inside(self, step: str) -> "Unfit":
        """Return the same, as seen from one level further out."""
        return Unfit(self.reason, step + self.path)


class Parts:
    """The schemas that others refer to by name: each name once, with one body."""

    def __init__(self) -> None:
        self.bodies: dict[str, Schema] = {}
        self._names: dict[Hashable, str] = {}
        self._generated: dict[Hashable, Schema] = {}

    def generated(self, target: object, generate: Callable[[], Schema]) -> Schema:
        """Return the schema that somebody else makes of a type, with references to its parts, which are taken over."""
        key = _key(target)
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
        key = _key(target)
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


class Shape(Protocol):
    """One part of a type."""

    def schema(self, parts: Parts) -> Schema:
        """Return its JSON Schema; what that refers to goes into the parts."""
        ...

    def keys(self) -> frozenset[str]:
        """Return the keys that it takes from an object."""
        ...

    def decode(self, data: Data) -> object:
        """Return the value of a JSON text that is whole.

        Raises:
            Unfit: It does not fit.
        """
        ...


def is_data_type(target: object) -> bool:
    """Tell whether values of a type are read from objects: a Struct, dataclass, TypedDict or pydantic model."""
    origin = get_origin(target) or target
    return (isinstance(origin, type) and _is_fields(origin)) or _is_model(origin)


def members_of(value: Any) -> dict[str, Any]:
    """Return the members of a value that was read from an object, by name, as they are."""
    if isinstance(value, dict):
        return dict(value)
    kind: Any = type(value)
    names = next(
        getattr(kind, of) for of in ("__struct_fields__", "model_fields", "__dataclass_fields__") if hasattr(kind, of)
    )
    return {name: getattr(value, name) for name in names}


def class_doc(kind: type) -> str:
    """Return what somebody wrote about a class; a dataclass without a docstring writes its signature there."""
    written = kind.__doc__ or ""
    return "" if written.startswith(f"{kind.__name__}(") else inspect.cleandoc(written)


def type_name(target: object) -> str:
    """Return what a type is called, with what a generic one is of."""
    if get_origin(target) is Annotated:
        return type_name(get_args(target)[0])
    inner = get_args(target)
    if get_origin(target) in (Union, types.UnionType):
        return " | ".join("None" if part is type(None) else type_name(part) for part in inner)
    name = getattr(get_origin(target) if inner else target, "__name__", None)
    if not isinstance(name, str):
        return str(target)
    return f"{name}[{', '.join(type_name(part) for part in inner)}]" if inner else name


def part_name(target: object) -> str:
    """Return the name of a type's part of a schema."""
    return "".join(character if character.isalnum() else "_" for character in type_name(target))


def shape_of(target: object) -> Shape:
    """Return the shape of a type; the same one for the same type.

    Raises:
        ConfigurationError: A part of it is no type that JSON can be read into; the message says which.
    """
    try:
        return _remembered(target)
    except TypeError:  # it cannot be hashed, for a note in it cannot
        return _Reading().shape(target, type_name(target))


@functools.lru_cache(maxsize=512)
def _remembered(target: object) -> Shape:
    return _Reading().shape(target, type_name(target))


# Which types msgspec reads itself.


def _key(target: object) -> Hashable:
    """Return what a type is known by: some notes cannot be hashed, and what holds them cannot either."""
    try:
        hash(target)
    except TypeError:
        return repr(target)
    return target


def _needs(target: Any, seen: set[Hashable]) -> bool:
    """Tell whether a type holds something that msgspec does not read, or not all of."""
    key = _key(target)
    if key in _PLAIN or isinstance(target, TypeVar) or key in seen:
        return False
    seen.add(key)
    origin, inner = get_origin(target), get_args(target)
    if origin is Annotated:
        notes = notes_of(target.__metadata__)
        return notes.foreign or _needs(inner[0], seen)
    if origin is Literal:
        # Of several kinds of values msgspec 0.19 makes no schema.
        return len({type(value) for value in inner if value is not None}) > 1 or isinstance(inner[0], enum.Enum | bytes)
    if hasattr(target, "__supertype__"):
        return _needs(target.__supertype__, seen)
    if _is_alias(target) or _is_alias(origin):
        return _needs(_aliased(target), seen)
    kind = origin or target
    if _is_model(kind):
        return True
    if isinstance(kind, type) and _is_fields(kind):
        return any(_needs(field.type, seen) for field in _fields_of(target))
    if isinstance(kind, type) and issubclass(kind, tuple) and kind is not tuple:
        return not hasattr(kind, "_fields") or any(_needs(hint, seen) for hint in _hints(kind).values())
    if isinstance(kind, type) and (issubclass(kind, enum.Enum) or hasattr(kind, "__attrs_attrs__")):
        return False
    known = kind in _LISTS or kind in _DICTS or kind in (tuple, Union, types.UnionType) or _is_wrapper(kind)
    if not known or kind is collections.abc.Iterable:
        return True
    return any(_needs(part, seen) for part in inner if part is not ...)


def _is_model(kind: object) -> bool:
    return isinstance(kind, type) and (
        _reads_itself(kind)
        or hasattr(kind, "__get_pydantic_core_schema__")
        or "__pydantic_validator__" in vars(kind)
        or kind.__module__.startswith("pydantic_core")
    )


def _reads_itself(kind: object) -> bool:
    """Tell whether a type has the methods of a model; of other types only pydantic knows how they are read."""
    return isinstance(kind, type) and hasattr(kind, "model_json_schema") and hasattr(kind, "model_validate")


def _is_fields(kind: type) -> bool:
    return issubclass(kind, Struct) or dataclasses.is_dataclass(kind) or is_typeddict(kind)


def _is_alias(kind: object) -> bool:
    return type(kind).__name__ == "TypeAliasType"


def _is_wrapper(kind: object) -> bool:
    # By its name, for those that are newer than Python 3.11 are also in `typing_extensions`.
    return repr(kind).removeprefix("typing.").removeprefix("typing_extensions.") in _WRAPPERS


def _aliased(target: Any) -> Any:
    """Return what a `type X = ...` stands for."""
    if _is_alias(target):
        return target.__value__
    alias = get_origin(target)
    return _with_types(alias.__value__, dict(zip(alias.__type_params__, get_args(target), strict=False)))


def _with_types(hint: Any, types_: Mapping[Any, Any]) -> Any:
    """Put types in the place of type variables."""
    if isinstance(hint, TypeVar):
        return types_.get(hint, hint)
    open_ones = getattr(hint, "__parameters__", ())
    return hint[tuple(types_.get(one, one) for one in open_ones)] if open_ones and get_args(hint) else hint


def _accepted(target: Any) -> bool:
    try:
        msgspec.json.Decoder(target)
    except (TypeError, NotImplementedError, RecursionError):
        return False
    return True


# The members of structs, dataclasses and TypedDicts.


class _Field(NamedTuple):
    name: str
    key: str
    """What it is called in JSON."""
    type: Any
    required: bool
    default: Any = _NOTHING


def _fields_of(target: Any) -> list[_Field]:
    kind = get_origin(target) or target
    if issubclass(kind, Struct):
        return [
            _Field(
                field.name,
                field.encode_name,
                field.type,
                field.required,
                _NOTHING if field.default is NODEFAULT else field.default,
            )
            for field in msgspec.structs.fields(target)
        ]
    bound = dict(zip(getattr(kind, "__parameters__", ()), get_args(target), strict=False))
    hints = {name: _with_types(hint, bound) for name, hint in _hints(kind).items()}
    if is_typeddict(kind):
        return [_Field(name, name, _bare(hint), _is_required(kind, name, hint)) for name, hint in hints.items()]
    return [
        _Field(
            field.name,
            field.name,
            hints[field.name],
            field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING,
            _NOTHING if field.default is dataclasses.MISSING else field.default,
        )
        for field in dataclasses.fields(kind)
        if field.init
    ]


def _hints(kind: type) -> dict[str, Any]:
    try:
        return get_type_hints(kind, include_extras=True)
    except NameError as error:
        raise ConfigurationError(f"a type in {kind.__name__} cannot be found: {error}") from error


def _is_required(kind: Any, name: str, hint: Any) -> bool:
    # With postponed annotations the class itself does not see what stands around its types.
    origin = get_origin(hint)
    return origin is Required or (origin is not NotRequired and name in kind.__required_keys__)


def _bare(hint: Any) -> Any:
    while _is_wrapper(get_origin(hint)):
        (hint,) = get_args(hint)
    return hint


# Shapes.


class _Reading:
    """Takes one type apart; keeps the shapes of classes, which may hold themselves."""

    def __init__(self) -> None:
        self._classes: dict[Hashable, _Fields] = {}

    def shape(self, target: Any, path: str) -> Shape:
        """Return the shape of a part; the path says where it stands, for the error."""
        if target is object:
            target = Any
        if not _needs(target, set()) and _accepted(target):
            return _Plain(target, path)
        origin, inner = get_origin(target), get_args(target)
        if origin is Annotated:
            return self._annotated(target, path)
        if origin is Literal:
            return _Choice([(_literal(value, path), value) for value in inner])
        if hasattr(target, "__supertype__"):
            return self.shape(target.__supertype__, path)
        if _is_alias(target) or _is_alias(origin):
            return self.shape(_aliased(target), path)
        if _is_wrapper(origin):
            return self.shape(inner[0], path)
        if origin in (Union, types.UnionType):
            return self._union(inner, path)
        return self._of_class(target, origin or target, inner, path)

    def _of_class(self, target: Any, kind: Any, inner: tuple[Any, ...], path: str) -> Shape:
        if _is_model(kind):
            return Model(target, path)
        if isinstance(kind, type) and _is_fields(kind):
            return self._fields(target, kind)
        if isinstance(kind, type) and issubclass(kind, enum.Enum):
            return _Choice([(_literal(member, path), member) for member in kind])
        if kind is tuple and len(inner) == 2 and inner[1] is ...:
            return _Items(self.shape(inner[0], f"{path}[]"), tuple)
        if kind is tuple and inner:
            return _Members([self.shape(part, f"{path}[]") for part in inner], tuple)
        if isinstance(kind, type) and issubclass(kind, tuple) and hasattr(kind, "_fields"):
            make: Any = kind
            members = [self.shape(part, f"{path}[]") for part in _hints(kind).values()]
            return _Members(members, lambda values: make(*values))
        if kind in _LISTS:
            item = inner[0] if inner else Any
            return _Items(self.shape(item, f"{path}[]"), _LISTS[kind])
        if kind in _DICTS and inner:
            return _Entries(inner[0], self.shape(inner[1], f"{path}{{}}"))
        raise ConfigurationError(
            f"{path} is of the type {type_name(target)}, which JSON cannot be read into: "
            "use a Struct, dataclass, TypedDict or pydantic model"
        )

    def _fields(self, target: Any, kind: type) -> "_Fields":
        key = _key(target)
        if key not in self._classes:
            made = self._classes[key] = _Fields(target, kind)
            for field in _fields_of(target):
                made.members.append((field, self.shape(field.type, f"{type_name(target)}.{field.name}")))
        return self._classes[key]

    def _annotated(self, target: Any, path: str) -> Shape:
        notes = notes_of(target.__metadata__)
        bare = get_args(target)[0]
        kind = get_origin(bare) or bare
        delegated = notes.delegated or (_is_model(kind) and not _reads_itself(kind))
        if delegated and "pydantic" in sys.modules:
            return _Noted(Model(target, path), notes, Bounds())
        if notes.unreadable_pattern:
            raise ConfigurationError(f"{path} has a pattern that cannot be read: {notes.unreadable_pattern!r}")
        return _Noted(self.shape(bare, path), notes, notes.bounds)

    def _union(self, options: Iterable[Any], path: str) -> Shape:
        plain = [option for option in options if not _needs(option, set()) and _accepted(option)]
        together: Any = Union[tuple(plain)] if plain else None  # noqa: UP007  # made of what is found
        if len(plain) > 1 and _accepted(together):
            others = [option for option in options if option not in plain]
            return _Options([_Plain(together, path), *(self.shape(option, path) for option in others)])
        return _Options([self.shape(option, path) for option in options])


class _Plain:
    """What msgspec reads."""

    def __init__(self, target: Any, path: str) -> None:
        self._target = target
        self._path = path
        self._decoder = msgspec.json.Decoder(target)

    def schema(self, parts: Parts) -> Schema:
        try:
            return parts.generated(self._target, lambda: msgspec.json.schema(self._target))
        except (TypeError, ValueError) as error:
            raise _no_schema(self._path, self._target, error) from error

    def keys(self) -> frozenset[str]:
        return _keys_of(self)

    def decode(self, data: Data) -> object:
        try:
            return self._decoder.decode(data)
        except msgspec.ValidationError as error:
            # "Expected `int`, got `str` - at `$.a`", or "- at `key` in `$.a`"; at the top nothing follows.
            reason, at, place = str(error).removesuffix("`").rpartition(" - at `")
            if not at:
                raise Unfit(str(error)) from error
            raise Unfit(reason, place.removeprefix("key` in `").removeprefix("$")) from error


def _no_schema(path: str, target: object, error: Exception) -> ConfigurationError:
    return ConfigurationError(f"{path} is of the type {type_name(target)}, which has no JSON schema: {error}")


def _keys_of(shape: Shape) -> frozenset[str]:
    parts = Parts()
    keys: set[str] = set()
    left = [shape.schema(parts)]
    while left:
        schema = left.pop()
        keys.update(schema.get("properties", ()))
        left += schema.get("anyOf", ())
        if isinstance(schema.get("$ref"), str):
            left.append(parts.bodies[schema["$ref"].rpartition("/")[2]])
    return frozenset(keys)


class Model:
    """A pydantic model, or whatever else pydantic reads."""

    def __init__(self, target: Any, path: str) -> None:
        self.target = target
        self._path = path
        self._adapter: Any = None
        self._is_own = _reads_itself(get_origin(target) or target)
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
            raise _no_schema(self._path, self.target, error) from error
        if not self._is_own or "$ref" in schema:
            return schema
        name = part_name(self.target)
        return {"$ref": f"#/$defs/{name}", "$defs": {**schema.pop("$defs", {}), name: schema}}

    def keys(self) -> frozenset[str]:
        return _keys_of(self)

    def decode(self, data: Data) -> object:
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


class _Fields:
    """A struct, dataclass or TypedDict with a member that msgspec does not read."""

    def __init__(self, target: Any, kind: type) -> None:
        self._target = target
        self._kind = kind
        self.members: list[tuple[_Field, Shape]] = []
        config = kind.__struct_config__ if issubclass(kind, Struct) else None
        self._tag: str | int | None = None if config is None else config.tag
        self._tag_key = "" if config is None else config.tag_field or ""
        self._closed = config is not None and config.forbid_unknown_fields
        if config is not None and config.array_like:
            raise ConfigurationError(f"{kind.__name__} is read from a list: its members must be types of msgspec's")

    def schema(self, parts: Parts) -> Schema:
        return parts.described(self._target, lambda: self._describe(parts))

    def _describe(self, parts: Parts) -> Schema:
        properties: dict[str, Schema] = {} if self._tag is None else {self._tag_key: {"enum": [self._tag]}}
        required = [*properties]
        for field, shape in self.members:
            properties[field.key] = shape.schema(parts)
            if field.required:
                required.append(field.key)
            elif isinstance(field.default, str | int | float | None):
                properties[field.key] = {**properties[field.key], "default": field.default}
        schema: Schema = {
            "title": type_name(self._target),
            "type": "object",
            "properties": properties,
            "required": required,
        }
        if self._closed:
            schema["additionalProperties"] = False
        documented = class_doc(self._kind)
        if documented:
            schema["description"] = documented
        return schema

    def keys(self) -> frozenset[str]:
        return frozenset(field.key for field, _ in self.members)

    def decode(self, data: Data) -> object:
        given = _object(data)
        self._check_keys(given)
        values: dict[str, object] = {}
        for field, shape in self.members:
            if field.key in given:
                try:
                    values[field.name] = shape.decode(given[field.key])
                except Unfit as unfit:
                    raise unfit.inside(f".{field.key}") from unfit.__cause__
            elif field.required:
                raise Unfit(f"Object missing required field `{field.key}`")
        try:
            return self._kind(**values)
        except (TypeError, ValueError) as error:
            raise Unfit(str(error)) from error

    def _check_keys(self, given: Mapping[str, Raw]) -> None:
        if self._tag is not None and self._tag_key in given and msgspec.json.decode(given[self._tag_key]) != self._tag:
            raise Unfit(f"Expected {self._tag!r}", f".{self._tag_key}")
        if self._closed:
            for key in given:
                if key not in self.keys() and key != self._tag_key:
                    raise Unfit(f"Object contains unknown field `{key}`")


class _Items:
    """A list of one kind, or a set, or a tuple of any length."""

    def __init__(self, item: Shape, make: Callable[[list[Any]], object]) -> None:
        self._item = item
        self._make = make

    def schema(self, parts: Parts) -> Schema:
        schema: Schema = {"type": "array", "items": self._item.schema(parts)}
        if self._make in (set, frozenset):
            schema["uniqueItems"] = True
        return schema

    def keys(self) -> frozenset[str]:
        return frozenset()

    def decode(self, data: Data) -> object:
        items = _list(data)
        try:
            return self._make([_at(position, self._item, item) for position, item in enumerate(items)])
        except TypeError as error:  # what cannot be hashed is no member of a set
            raise Unfit(str(error)) from error


class _Members:
    """A tuple whose every member has a type of its own."""

    def __init__(self, members: list[Shape], make: Callable[[Iterable[Any]], object]) -> None:
        self._members = members
        self._make = make

    def schema(self, parts: Parts) -> Schema:
        members = [member.schema(parts) for member in self._members]
        return {
            "type": "array",
            "prefixItems": members,
            "items": False,
            "minItems": len(members),
            "maxItems": len(members),
        }

    def keys(self) -> frozenset[str]:
        return frozenset()

    def decode(self, data: Data) -> object:
        items = _list(data)
        if len(items) != len(self._members):
            raise Unfit(f"Expected `array` of length {len(self._members)}, got {len(items)}")
        pairs = enumerate(zip(self._members, items, strict=True))
        return self._make([_at(position, member, item) for position, (member, item) in pairs])


class _Entries:
    """A dict."""

    def __init__(self, key: Any, value: Shape) -> None:
        self._key = key
        self._value = value

    def schema(self, parts: Parts) -> Schema:
        return {"type": "object", "additionalProperties": self._value.schema(parts)}

    def keys(self) -> frozenset[str]:
        return frozenset()

    def decode(self, data: Data) -> object:
        given = _object(data)
        try:
            keys = msgspec.convert(dict.fromkeys(given), dict[self._key, None], str_keys=True)  # type: ignore[name-defined]  # a type that is found
        except msgspec.ValidationError as error:
            raise Unfit(str(error).partition(" - at ")[0]) from error
        made = {}
        for key, (name, item) in zip(keys, given.items(), strict=True):
            try:
                made[key] = self._value.decode(item)
            except Unfit as unfit:
                raise unfit.inside(f".{name}") from unfit.__cause__
        return made


class _Choice:
    """One of some values, each with the JSON that stands for it."""

    def __init__(self, values: list[tuple[Any, Any]]) -> None:
        self._values = values

    def schema(self, parts: Parts) -> Schema:
        return {"enum": [said for said, _ in self._values]}

    def keys(self) -> frozenset[str]:
        return frozenset()

    def decode(self, data: Data) -> object:
        value = msgspec.json.decode(data)
        for said, meant in self._values:
            if type(said) is type(value) and said == value:
                return meant
        raise Unfit(f"Expected one of {', '.join(repr(said) for said, _ in self._values)}")


def _literal(value: Any, path: str) -> Any:
    said = value.value if isinstance(value, enum.Enum) else value
    if said is None or isinstance(said, str | int | float):
        return said
    raise ConfigurationError(f"{path} has the value {value!r}, which is no JSON: use texts or numbers")


class _Options:
    """One of several types: the one that fits; of several that fit, the one that takes most of the keys."""

    def __init__(self, options: list[Shape]) -> None:
        self._options = options

    def schema(self, parts: Parts) -> Schema:
        schemas = [option.schema(parts) for option in self._options]
        return {"anyOf": [inner for schema in schemas for inner in _alternatives(schema)]}

    def keys(self) -> frozenset[str]:
        return frozenset[str]().union(*(option.keys() for option in self._options))

    def decode(self, data: Data) -> object:
        fitting: list[tuple[Shape, object]] = []
        failures: list[Unfit] = []
        for option in self._options:
            try:
                fitting.append((option, option.decode(data)))
            except Unfit as unfit:
                failures.append(unfit)
        if not fitting:
            # What got furthest was most likely meant.
            raise max(failures, key=lambda unfit: (len(unfit.path), "`null`" not in unfit.reason))
        if len(fitting) > 1 and bytes(data).lstrip()[:1] == b"{":
            given = frozenset(_object(data))
            return max(fitting, key=lambda found: len(given & found[0].keys()))[1]
        return fitting[0][1]


def _alternatives(schema: Schema) -> list[Schema]:
    return schema["anyOf"] if schema.keys() == {"anyOf"} else [schema]


class _Noted:
    """A type with what its notes say: words for the schema, bounds for schema and value."""

    def __init__(self, inner: Shape, notes: Notes, bounds: Bounds) -> None:
        self._inner = inner
        self._notes = notes
        self._bounds = bounds

    def schema(self, parts: Parts) -> Schema:
        return {**self._bounds.tell(self._inner.schema(parts)), **self._notes.words()}

    def keys(self) -> frozenset[str]:
        return self._inner.keys()

    def decode(self, data: Data) -> object:
        value = self._inner.decode(data)
        wrong = self._bounds.wrong(value)
        if wrong:
            raise Unfit(wrong)
        return value


_OBJECT = msgspec.json.Decoder(dict[str, Raw])
_LIST = msgspec.json.Decoder(list[Raw])


def _object(data: Data) -> dict[str, Raw]:
    try:
        return _OBJECT.decode(data)
    except msgspec.ValidationError as error:
        raise Unfit(str(error)) from error


def _list(data: Data) -> Sequence[Raw]:
    try:
        return _LIST.decode(data)
    except msgspec.ValidationError as error:
        raise Unfit(str(error)) from error


def _at(position: int, shape: Shape, data: Data) -> object:
    try:
        return shape.decode(data)
    except Unfit as unfit:
        raise unfit.inside(f"[{position}]") from unfit.__cause__
