"""What all items of a stream share. Pure."""

from typing import Any

from asyncstream.accumulators.repairs import Repairs

__all__ = ["Context"]


class Context:
    """What all items of a stream share; so do their parts, and the response itself.

    Attributes:
        repairs: Where what was mended is recorded.
        text_format: The type that the request asked for.
        halves: Half of a surrogate pair came: it may stand in what is no text, under any name.
    """

    __slots__ = ("halves", "repairs", "text_format")

    def __init__(self, text_format: type[Any] | None = None) -> None:
        self.repairs = Repairs()
        self.text_format = text_format
        self.halves = False
