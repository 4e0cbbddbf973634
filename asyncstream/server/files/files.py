"""The endpoints of files."""

import mimetypes

from aiohttp import web

from asyncstream.server.calls import Call, Route, json_reply
from asyncstream.server.forms import read_form
from asyncstream.server.pages import page
from asyncstream.server.problems import WireError

__all__ = ["ROUTES"]

_PURPOSES = ("fine-tune", "assistants", "batch", "user_data", "vision", "evals")
_FIELDS = frozenset({"purpose", "expires_after"})
_MIN_SECONDS, _MAX_SECONDS = 3600, 2592000
_LIMIT = 10_000


async def _create(call: Call) -> web.StreamResponse:
    form = read_form(call.raw, call.request.headers.get("Content-Type", ""))
    for name in (*form.fields, *form.files):
        if name not in _FIELDS and name != "file":
            raise WireError(400, f"There is no parameter '{name}'.", param=name, code="unknown_parameter")
    upload, purpose = form.files.get("file"), form.fields.get("purpose")
    if upload is None or purpose is None:
        name = "file" if upload is None else "purpose"
        raise WireError(400, f"'{name}' is required.", param=name, code="missing_required_parameter")
    if purpose not in _PURPOSES:
        raise WireError(400, f"'{purpose}' is not one of {list(_PURPOSES)} - 'purpose'", param="purpose")
    file = call.library.add_file(upload.filename, upload.content, purpose, _expiry(form.fields.get("expires_after")))
    return json_reply(file.wire)


def _expiry(given: object) -> int | None:
    if given is None:
        return None
    if not isinstance(given, dict) or given.get("anchor") != "created_at":
        param = "expires_after[anchor]"
        raise WireError(400, f"'{param}' is 'created_at'.", param=param, code="invalid_value")
    seconds = str(given.get("seconds", ""))
    if not (seconds.isascii() and seconds.isdecimal()) or not _MIN_SECONDS <= int(seconds) <= _MAX_SECONDS:
        param = "expires_after[seconds]"
        limits = f"from {_MIN_SECONDS} to {_MAX_SECONDS}"
        raise WireError(400, f"'{param}' is {limits}, not '{seconds}'.", param=param, code="invalid_value")
    return int(seconds)


async def _list(call: Call) -> web.StreamResponse:
    purpose = call.request.query.get("purpose")
    files = [file for file in call.library.files() if purpose in (None, file["purpose"])]
    return json_reply(page(files, call.request.query, default=_LIMIT, most=_LIMIT))


async def _retrieve(call: Call) -> web.StreamResponse:
    return json_reply(call.library.file(call.id("file_id")).wire)


async def _delete(call: Call) -> web.StreamResponse:
    id = call.library.file(call.id("file_id")).wire["id"]
    call.library.delete_file(id)
    return json_reply({"id": id, "object": "file", "deleted": True})


async def _content(call: Call) -> web.StreamResponse:
    file = call.library.file(call.id("file_id"))
    name = file.wire["filename"]
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    response = web.StreamResponse(headers={"Content-Type": kind})
    response.headers["Content-Disposition"] = f'attachment; filename="{name.encode("ascii", "replace").decode()}"'
    response.content_length = len(file.content)
    await response.prepare(call.request)
    for start in range(0, len(file.content), 1 << 18):
        await response.write(file.content[start : start + (1 << 18)])
    return response


ROUTES: tuple[Route, ...] = (
    ("POST", "/files", _create),
    ("GET", "/files", _list),
    ("GET", "/files/{file_id}", _retrieve),
    ("DELETE", "/files/{file_id}", _delete),
    ("GET", "/files/{file_id}/content", _content),
)
