"""The definition of a tool's function that remembers what it was made from. Pure.

Made by `functions`; `typed` reads it. To whoever sends it, it is the dict that goes into the body.

Rule 1: a pickle holds of a type no more than its name. What no import finds again is left out, and its calls are no
longer parsed; so are methods and partial applications, for what they have bound may be secret.
"""

from collections.abc import Callable
from types import FunctionType
from typing import Self, TypeAlias, cast, get_origin

from asyncstream.params.shared import FunctionDefinitionParam

__all__ = ["ToolType", "TypedDefinition", "found_by_name"]

ToolType: TypeAlias = Callable[..., object]
"""A type, or a function: its parameters are the type."""


class TypedDefinition(dict[str, object]):
    """The definition of a function, a plain dict to whoever sends it; `made_from` says what it was made from."""

    __slots__ = ("made_from",)

    def __init__(self, definition: FunctionDefinitionParam, made_from: ToolType | None) -> None:
        super().__init__(definition)
        self.made_from = made_from

    def __deepcopy__(self, memo: dict[int, object]) -> Self:
        from copy import deepcopy  # hardly any is copied

        return type(self)(cast("FunctionDefinitionParam", deepcopy(dict(self), memo)), self.made_from)

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (dict(self), found_by_name(self.made_from))


def found_by_name(made_from: ToolType | None) -> ToolType | None:
    """Return a type or function that a pickle can hold by its name alone; None for any other."""
    if not isinstance(made_from, type | FunctionType) and get_origin(made_from) is None:
        return None
    import pickle  # whoever pickles has it

    try:
        pickle.dumps(made_from)
    except (pickle.PicklingError, AttributeError, TypeError):
        return None
    return made_from
