"""Members of what a page posted, of the kind that they must be: `text_in`, `list_in`, `object_in`. Pure.

`check_posted` looks at the whole first, so that whatever reads it meets no depth and no text that cannot be sent on.
"""

from typing import Any, Final

from asyncstream.ui.conversation import Attachment
from asyncstream.ui.errors import PostRefusedError

__all__ = ["attachment_of", "check_posted", "list_in", "object_in", "text_in"]

_DEEPEST: Final = 256
"""Levels of what is posted: twice as many as an answer of a server may have, which comes back in it."""


def check_posted(posted: object) -> None:
    """Check that what was posted is no deeper than `_DEEPEST` levels, and that UTF-8 has all its texts.

    Raises:
        PostRefusedError: It is deeper, or a text holds half of a surrogate pair.
    """
    level = [posted]
    for _ in range(_DEEPEST):
        inner: list[object] = []
        for value in level:
            if isinstance(value, dict):
                inner += value
                inner += value.values()
            elif isinstance(value, list):
                inner += value
            elif isinstance(value, str) and not _is_text(value):
                raise PostRefusedError("expected text, got half of a surrogate pair")
        if not inner:
            return
        level = inner
    raise PostRefusedError(f"expected at most {_DEEPEST} levels of JSON")


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def object_in(value: object, what: str) -> dict[str, Any]:
    """Return an object.

    Raises:
        PostRefusedError: It is none.
    """
    if not isinstance(value, dict):
        raise PostRefusedError(f"expected {what} to be an object, got {type(value).__name__}")
    return value


def list_in(value: object, what: str) -> list[Any]:
    """Return a list.

    Raises:
        PostRefusedError: It is none.
    """
    if not isinstance(value, list):
        raise PostRefusedError(f"expected {what} to be a list, got {type(value).__name__}")
    return value


def text_in(holder: dict[str, Any], member: str, *, default: str | None = None) -> str:
    """Return a text that stands in an object.

    Raises:
        PostRefusedError: It is none.
    """
    value = holder.get(member, default)
    if not isinstance(value, str):
        raise PostRefusedError(f"expected {member} to be text, got {type(value).__name__}")
    return value


def attachment_of(url: str, media_type: str, filename: str, *, allow_file_urls: bool) -> Attachment:
    """Return a file of a user.

    Raises:
        PostRefusedError: It is an address and not the file itself: a server would fetch it.
    """
    if not url.startswith("data:") and not allow_file_urls:
        raise PostRefusedError("expected a file to be a data: URL; addresses are not taken from browsers")
    return Attachment(url, media_type, filename)
