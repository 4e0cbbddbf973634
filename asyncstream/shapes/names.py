"""What types are called: in errors, in schemas, and as keys of what is remembered of them. Pure."""

import inspect
import types
from collections.abc import Hashable
from typing import Annotated, Union, get_args, get_origin

__all__ = ["class_doc", "part_name", "type_key", "type_name"]


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


def class_doc(kind: type) -> str:
    """Return what somebody wrote about a class; a dataclass without a docstring writes its signature there."""
    written = kind.__doc__ or ""
    return "" if written.startswith(f"{kind.__name__}(") else inspect.cleandoc(written)


def type_key(target: object) -> Hashable:
    """Return what a type is known by: some notes cannot be hashed, and what holds them cannot either."""
    try:
        hash(target)
    except TypeError:
        return repr(target)
    return target
