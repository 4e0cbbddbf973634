"""What goes back for a call: the result of a function as text, or as `Content` where the protocol takes more. Pure.

Made by whoever runs tools; how a protocol sends it is in `looping`.
"""

import json
from typing import Any, TypeAlias, cast

import msgspec
from msgspec import Raw, Struct

from asyncstream.halves import mend_halves

__all__ = ["Content", "File", "Image", "Output", "json_of", "output_of"]


class Image(Struct, frozen=True, tag="image"):
    """A picture that the model may look at."""

    url: str
    """Its address, or a ``data:`` URL."""
    detail: str = "auto"
    """"low", "high" or "auto"."""


class File(Struct, frozen=True, kw_only=True, tag="file"):
    """A file that the model may read: one of the three ways to name it."""

    file_id: str | None = None
    file_url: str | None = None
    file_data: str | None = None
    """Its bytes as a ``data:`` URL."""
    filename: str | None = None


class Content:
    """What a function returns that is more than text: `Content("the map of", Image(url))`. Only Responses takes it.

    Attributes:
        parts: Texts, images and files, in order.
    """

    __slots__ = ("parts",)

    def __init__(self, *parts: str | Image | File) -> None:
        self.parts = parts

    def __repr__(self) -> str:
        return f"Content({', '.join(type(part).__name__ for part in self.parts)})"


Output: TypeAlias = str | list[str | Image | File]
"""What goes back for a call: text, or the parts of a `Content`."""


def output_of(value: object) -> Output:
    """Return what a function returned as the model is told it: text as it is, None as ``null``, all else as JSON.

    Raises:
        TypeError: JSON cannot say it.
        ValueError: The same.
    """
    if isinstance(value, str):
        return mend_halves(value)
    if isinstance(value, Content):
        return [mend_halves(part) if isinstance(part, str) else part for part in value.parts]
    return json_of(value).decode()


def json_of(value: object) -> bytes:
    """Return a value as JSON; a pydantic model by its own method.

    Raises:
        TypeError: JSON cannot say it.
        ValueError: The same.
    """
    try:
        return msgspec.json.encode(value, enc_hook=_model)
    except UnicodeEncodeError:
        # Half a surrogate pair somewhere in it, as in the name of a file that is no UTF-8.
        plain = msgspec.to_builtins(value, str_keys=True, enc_hook=_members)
        return mend_halves(json.dumps(plain, ensure_ascii=False, separators=(",", ":"))).encode()


def _model(value: Any) -> object:
    """Encode what msgspec does not know and that says itself how: a pydantic model."""
    encode = getattr(type(value), "model_dump_json", None)
    if encode is None:
        raise TypeError(f"{type(value).__name__} has no JSON: return text, or what msgspec or pydantic can encode")
    return Raw(cast("str", encode(value)).encode())


def _members(value: Any) -> object:
    """Do the same where JSON cannot be written at once."""
    return msgspec.json.decode(cast("Raw", _model(value)))
