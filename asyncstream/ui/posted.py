"""Members of what a page posted, of the kind that they must be: `text_in`, `list_in`, `object_in`. Pure."""

from typing import Any

from asyncstream.ui.conversation import Attachment
from asyncstream.ui.errors import PostRefusedError

__all__ = ["attachment_of", "list_in", "object_in", "text_in"]


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
