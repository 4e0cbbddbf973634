"""Reading a multipart body: fields and files by name. Pure; shares no code with what writes them in the client.

Only what ``multipart/form-data`` of an upload needs: no nesting, no transfer encodings.

Source: https://www.rfc-editor.org/rfc/rfc7578
"""

import email.message
import email.parser
import email.policy
from dataclasses import dataclass, field
from typing import Any

from asyncstream.server.problems import WireError

__all__ = ["Form", "Upload", "read_form"]


_MOST_HEAD = 2048
"""Bytes of the headers of a part: a name and a filename. `email` takes the square of the length for some of them."""


_MOST_PARTS = 100
"""Parts of a body: no upload has ten, and `email` takes a twentieth of a millisecond for each."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A part with a filename."""

    filename: str
    content_type: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Form:
    """The parts of a body; of a name that comes twice, the last."""

    fields: dict[str, Any]
    """Text by name; ``a[b]`` is the key b of an object a."""
    files: dict[str, Upload]


def read_form(raw: bytes, content_type: str) -> Form:
    """Split a body into its parts.

    Raises:
        WireError: 400 for a body that is no multipart form.
    """
    header = email.message.Message()
    header["Content-Type"] = content_type
    boundary = header.get_boundary()
    if header.get_content_type() != "multipart/form-data" or not boundary:
        raise WireError(400, f"The body is a 'multipart/form-data' with a boundary, not '{content_type}'.")
    # The line break before a boundary belongs to the boundary; the first one may lack it.
    pieces = (b"\r\n" + raw).split(b"\r\n--" + boundary.encode("latin-1", "replace"))
    if len(pieces) < 2 or not pieces[-1].startswith(b"--"):
        raise WireError(400, "The multipart body does not end with its boundary.")
    if len(pieces) > _MOST_PARTS + 2:
        raise WireError(400, f"The multipart body has at most {_MOST_PARTS} parts.")
    form = Form({}, {})
    for piece in pieces[1:-1]:
        head, blank, content = piece.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        if not blank:
            raise WireError(400, "A part of the multipart body has no end of its headers.")
        if len(head) > _MOST_HEAD:
            raise WireError(400, f"The headers of a part of the multipart body have at most {_MOST_HEAD} bytes.")
        _take(form, head, content)
    return form


def _take(form: Form, head: bytes, content: bytes) -> None:
    headers = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + b"\r\n\r\n", headersonly=True)
    name = headers.get_param("name", header="content-disposition")
    if not isinstance(name, str):
        raise WireError(400, "A part of the multipart body has no name.")
    filename = headers.get_filename()
    if filename is not None:
        form.files[name] = Upload(filename, headers.get_content_type(), content)
        return
    text = content.decode("utf-8", "replace")
    outer, bracket, key = name.partition("[")
    if bracket:
        form.fields.setdefault(outer, {})[key.removesuffix("]")] = text
    else:
        form.fields[name] = text
