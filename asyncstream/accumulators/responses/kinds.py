"""Which class an item has, by its type. Pure. The one place that knows all of them."""

from typing import Any, Final

from asyncstream.accumulators.responses.calls import CALLS, CallItem, CodeItem, PatchItem
from asyncstream.accumulators.responses.items import GrowingItem, MessageItem, ReasoningItem
from asyncstream.accumulators.responses.pictures import PictureItem
from asyncstream.accumulators.responses.shells import ShellItem, ShellOutputItem

__all__ = ["make_item"]

_CLASSES: Final[dict[str, type[GrowingItem]]] = {
    "message": MessageItem,
    "reasoning": ReasoningItem,
    **dict.fromkeys(CALLS, CallItem),
    "code_interpreter_call": CodeItem,
    "apply_patch_call": PatchItem,
    "shell_call": ShellItem,
    "shell_call_output": ShellOutputItem,
    "image_generation_call": PictureItem,
}


def make_item(kind: str, **known: Any) -> GrowingItem:
    """Make an item of a type; of a type that nobody knows, one that consists of its members alone."""
    return _CLASSES.get(kind, GrowingItem)(kind, **known)
