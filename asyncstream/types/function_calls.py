"""What every call of a function can do, in whichever protocol it came: give its arguments as a type.

The structs of the calls stand with their protocols (`chat`, `runs`, `tool_calls`); they have `name` and `arguments`,
and this as their base.
"""

import builtins
from typing import Protocol, TypeVar, overload

from asyncstream.parsing import parse_json
from asyncstream.types.structs import WireStruct

__all__ = ["CallArguments"]

T = TypeVar("T")


class _Call(Protocol):
    @property
    def name(self) -> str | None: ...
    @property
    def arguments(self) -> str | None: ...


class CallArguments(WireStruct, gc=False):
    """A call whose arguments are JSON."""

    @overload
    def parse(self: _Call) -> dict[str, object]: ...

    @overload
    def parse(self: _Call, target: builtins.type[T]) -> T: ...

    def parse(self: _Call, target: builtins.type[object] = dict[str, object]) -> object:
        """Decode the arguments; without a type, into a plain dict. No arguments, or `null`, are an empty object.

        Raises:
            ParseError: The arguments are cut, are no JSON, or do not fit; it has their `raw` text and the `path`.
        """
        # A call that is folded from a stream knows whether it is whole.
        cut: str | None = getattr(self, "cut", None)
        return parse_json(self.arguments or "", target, what=f"the call of {self.name!r}", cut=cut, empty="{}")

    def arguments_as(self: _Call, target: builtins.type[T]) -> T:
        """Decode the arguments into a `msgspec.Struct`, dataclass, TypedDict or pydantic model.

        Raises:
            ParseError: The arguments are cut, are no JSON, or do not fit; it has their `raw` text and the `path`.
        """
        cut: str | None = getattr(self, "cut", None)
        return parse_json(self.arguments or "", target, what=f"the call of {self.name!r}", cut=cut, empty="{}")
