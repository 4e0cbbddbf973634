"""The tokens of several answers together: `summed`. Pure; knows no protocol."""

from collections.abc import Iterable
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

__all__ = ["summed"]

U = TypeVar("U", bound=Struct)


def summed(usages: Iterable[U | None]) -> U | None:
    """Return a usage whose numbers are the sums of those that were told; None if none was."""
    total: U | None = None
    for usage in usages:
        if usage is not None:
            total = usage if total is None else _added(total, usage)
    return total


def _added(one: Any, other: Any) -> Any:
    if one is None or other is None:
        return other if one is None else one
    if isinstance(one, Struct) and type(one) is type(other):
        members = {name: _added(getattr(one, name), getattr(other, name)) for name in one.__struct_fields__}
        return msgspec.structs.replace(one, **members)
    if isinstance(one, int | float) and isinstance(other, int | float) and not isinstance(one, bool):
        return one + other
    return other
