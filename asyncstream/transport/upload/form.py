"""A form with one file, as the body of a request: text fields first, then the file, framed by aiohttp as it is sent.

Above it: `transport.http`, which asks for a writer for each attempt; below it: `transport.upload.file`.

Source: https://www.rfc-editor.org/rfc/rfc7578
"""

import contextlib
import math
import os
from collections.abc import Callable, Iterable, Mapping
from typing import NoReturn

import aiohttp
from aiohttp.abc import AbstractStreamWriter
from aiohttp.payload import StringPayload

from asyncstream.errors import ConfigurationError
from asyncstream.transport.upload.file import Upload

__all__ = ["Form"]


class Form:
    """The body of one upload.

    Attributes:
        upload: The file.
        content_type: The media type of the whole body, with the boundary of its parts.
    """

    def __init__(self, fields: Mapping[str, object], upload: Upload, *, file_field: str = "file") -> None:
        """Check the fields; `file_field` is the name under which the file goes.

        Raises:
            ConfigurationError: A field is no text, number, boolean, nor an object or list of these.
        """
        self.upload = upload
        self._file_field = file_field
        self._fields = [pair for name, value in fields.items() for pair in _pairs(name, value)]
        self._boundary = os.urandom(16).hex()
        self.content_type = f"multipart/form-data; boundary={self._boundary}"

    @property
    def sendable(self) -> bool:
        """Whether it can be sent now: whole, and from its beginning."""
        return self.upload.repeatable or not self.upload.begun

    def writer(self, on_sent: Callable[[], None]) -> aiohttp.MultipartWriter:
        """Return the body for one attempt; `on_sent` is called whenever the connection has taken a piece."""
        writer = aiohttp.MultipartWriter("form-data", boundary=self._boundary)
        for name, value in self._fields:
            field = StringPayload(value)
            # As browsers do: a field with a media type is a file to some servers.
            del field.headers["Content-Type"]
            field.headers["Content-Disposition"] = f'form-data; name="{_quoted(name)}"'
            writer.append_payload(field)
        file = _FilePayload(self.upload, on_sent)
        file.headers["Content-Disposition"] = (
            f'form-data; name="{_quoted(self._file_field)}"; filename="{_quoted(self.upload.filename)}"'
        )
        writer.append_payload(file)
        return writer


class _FilePayload(aiohttp.Payload):
    """The file's part of a form, as aiohttp writes it."""

    def __init__(self, upload: Upload, on_sent: Callable[[], None]) -> None:
        super().__init__(upload, content_type=upload.content_type)
        self._upload = upload
        self._on_sent = on_sent

    @property
    def size(self) -> int | None:
        """The bytes of the content; without it the whole body is sent in chunks."""
        return self._upload.size

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> NoReturn:
        """Refuse to hold the content in memory."""
        raise TypeError("an upload is streamed, and has no text")

    async def write(self, writer: AbstractStreamWriter) -> None:
        """Write the content piece by piece."""
        async with contextlib.aclosing(self._upload.pieces()) as pieces:
            async for piece in pieces:
                await writer.write(piece)
                self._on_sent()


def _quoted(text: str) -> str:
    # As browsers do; what aiohttp does by itself turns every blank of a name into "%20".
    return text.replace('"', "%22")


def _pairs(name: str, value: object) -> Iterable[tuple[str, str]]:
    """Return a field as a form has it: objects as ``name[key]``, lists as ``name[]``."""
    if not isinstance(name, str) or any(character in name for character in "\r\n\0"):
        raise ConfigurationError(f"the name of a form field must be text without line breaks: {name!r}")
    match value:
        case bool():
            return [(name, "true" if value else "false")]
        case str():
            return [(name, _valid(value, name))]
        case int() | float() if math.isfinite(value):
            return [(name, str(value))]
        case Mapping():
            return [pair for key, inner in value.items() for pair in _pairs(f"{name}[{key}]", inner)]
        case list() | tuple():
            return [pair for inner in value for pair in _pairs(f"{name}[]", inner)]
        case _:
            raise ConfigurationError(
                f"form field {name!r} must be text, a finite number, a boolean, an object or a list: {value!r}"
            )


def _valid(text: str, name: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ConfigurationError(f"form field {name!r} is no valid text") from None
    return text
