"""The error of what a page posted: `PostRefusedError`. Pure."""

from typing import ClassVar

from asyncstream.errors import AsyncStreamError

__all__ = ["PostRefusedError"]


class PostRefusedError(AsyncStreamError):
    """400, the page: what was posted is no conversation, or claims what the application does not know of."""

    status: ClassVar[int] = 400
    """The HTTP status that says it."""
