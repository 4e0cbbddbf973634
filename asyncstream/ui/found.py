"""What an answer brings besides text: sources, files and the usage, in words that both projections write. Pure.

Read by the members that they have, alike for all protocols. Above it: `answer`.
"""

from collections.abc import Iterable, Iterator
from typing import Any, Final

from msgspec import Struct

__all__ = ["File", "Source", "files_of", "sources_of", "usage_of"]


class Source(Struct, frozen=True):
    """What a text leans on: a page, or a file."""

    id: str
    """Its address, or the id of its file."""
    title: str
    is_page: bool


class File(Struct, frozen=True):
    """A picture: its address, or the id of its file."""

    url: str = ""
    file_id: str = ""
    media_type: str = "image/png"


def sources_of(annotations: Iterable[Any] | None) -> Iterator[Source]:
    """Give the sources that annotations name; what is no source is passed over."""
    for annotation in annotations or ():
        kind = getattr(annotation, "type", "")
        # Of some protocols the members stand in an object of the type's name.
        held = getattr(annotation, str(kind), None) or annotation
        url = getattr(held, "url", "")
        file_id = getattr(held, "file_id", "")
        if url:
            yield Source(url, getattr(held, "title", None) or "", is_page=True)
        elif file_id:
            yield Source(file_id, getattr(held, "filename", "") or getattr(annotation, "text", "") or file_id, False)


def files_of(holder: Any) -> Iterator[File]:
    """Give the pictures that stand in a call or a message."""
    result = getattr(holder, "result", None)
    if isinstance(result, str) and result:
        media_type = f"image/{getattr(holder, 'output_format', None) or 'png'}"
        yield File(f"data:{media_type};base64,{result}", media_type=media_type)
    for image in getattr(holder, "images", None) or ():
        held = image.get("image_url") if isinstance(image, dict) else None
        url = held.get("url") if isinstance(held, dict) else None
        if isinstance(url, str) and url:
            media_type = url[5:].partition(";")[0] if url.startswith("data:") else "image/png"
            yield File(url, media_type=media_type)


_USAGE: Final = (
    ("inputTokens", ("input_tokens", "prompt_tokens")),
    ("outputTokens", ("output_tokens", "completion_tokens")),
    ("totalTokens", ("total_tokens",)),
)
_DETAILS: Final = (
    ("reasoningTokens", "reasoning_tokens", ("output_tokens_details", "completion_tokens_details")),
    ("cachedInputTokens", "cached_tokens", ("input_tokens_details", "prompt_tokens_details")),
)


def usage_of(usage: Any) -> dict[str, int]:
    """Return the tokens of an answer by the names that pages use."""
    told: dict[str, int] = {}
    for name, members in _USAGE:
        for member in members:
            tokens = getattr(usage, member, None)
            if isinstance(tokens, int):
                told[name] = tokens
    for name, member, holders in _DETAILS:
        for holder in holders:
            tokens = getattr(getattr(usage, holder, None), member, None)
            if isinstance(tokens, int):
                told[name] = tokens
    return told
