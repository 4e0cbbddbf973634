"""What an answer is: what it says, whether it is what was asked for, and the error that it is if not. Pure.

Above it: `transport.http`, which reads the bodies. Errors are returned, never raised here.
"""

from collections.abc import Mapping
from typing import Any, TypeVar, get_origin

from msgspec import Struct
from msgspec.structs import fields
from multidict import CIMultiDict
from yarl import URL

from asyncstream.complaints import MOST_SHOWN, complaint_in, refusal_in, shown, text_of
from asyncstream.decoding import UnreadableJSON, decode_json, load_json, name_of
from asyncstream.errors import APIError, APIResponseValidationError, APIStatusError, StreamEventError, status_error_type
from asyncstream.halves import mend_halves
from asyncstream.transport.codings import unreadable_coding
from asyncstream.transport.redaction import Secrets
from asyncstream.transport.retry import MAX_RETRY_AFTER, server_delay

__all__ = [
    "MAX_BODY",
    "REDIRECTS",
    "Answer",
    "Misfit",
    "ServerWords",
    "coding_error",
    "make_answer",
    "may_stream",
    "misfit_error",
    "misfit_of",
    "oversize_error",
    "public_headers",
    "read_json",
    "redirect_error",
    "redirect_target",
    "server_words",
    "status_error",
    "stream_error",
    "told_error",
    "why_no_stream",
]

T = TypeVar("T")

REDIRECTS = frozenset({301, 302, 303, 307, 308})

MAX_BODY = 1 << 20
"""Bytes of a body that an error keeps. Error pages have a few KiB."""


class ServerWords(Struct, frozen=True, kw_only=True):
    """What a server says about an error; values keep their JSON types."""

    message: str | None = None
    code: object = None
    type: object = None
    param: object = None


class Answer(Struct, frozen=True, kw_only=True):
    """An answer as errors tell of it."""

    status: int
    reason: str
    headers: CIMultiDict[str]
    """Without cookies; picklable, unlike aiohttp's own."""
    body: bytes
    """At most `MAX_BODY`."""
    secrets: Secrets


class Misfit(Struct, frozen=True):
    """Why an answer is not what the endpoint answers."""

    expected: str
    problem: str
    words: ServerWords | None
    """What it says if it calls itself an error."""


def make_answer(status: int, reason: str | None, headers: Mapping[str, str], body: bytes, secrets: Secrets) -> Answer:
    """Return what may be told of an answer: no cookies, no secrets, no more than `MAX_BODY` of its body."""
    return Answer(
        status=status,
        reason=reason or "",
        headers=CIMultiDict((name, secrets.redact(value)) for name, value in public_headers(headers).items()),
        # Redacted before the cut, which may go through a secret.
        body=secrets.redact_bytes(body)[:MAX_BODY],
        secrets=secrets,
    )


def public_headers(headers: Mapping[str, str]) -> CIMultiDict[str]:
    """Return a copy of response headers without cookies: case-insensitive and, unlike aiohttp's own, picklable."""
    return CIMultiDict(pair for pair in headers.items() if not pair[0].lower().startswith("set-cookie"))


def server_words(body: bytes, *, strict: bool = False) -> ServerWords | None:
    """Return what a JSON body tells of an error; None if it is no JSON object, or tells of none.

    Seen in the wild: ``{"error": {"message": ...}}``, ``{"error": "..."}``, ``{"message": ...}``,
    ``{"detail": "..."}``, ``{"detail": [{"loc": [...], "msg": ...}]}`` (FastAPI), ``[{"error": {...}}]`` (Gemini), and
    what `complaints` knows.

    Args:
        body: The body.
        strict: Whether only an object that calls itself an error counts: by a truthy `error`, by `type` or `object`
            "error", or by a `base_resp` that refuses. Needed where the status does not say so.
    """
    try:
        payload = load_json(body)
    except UnreadableJSON:
        return None
    if isinstance(payload, list) and payload:
        payload = payload[0]
    if not isinstance(payload, dict):
        return None
    refusal = refusal_in(payload)
    error = payload.get("error")
    marked = error or payload.get("type") == "error" or payload.get("object") == "error"
    if strict and not marked and refusal is None:
        return None
    inner = error if isinstance(error, dict) else {}
    message = error if isinstance(error, str) else text_of(inner.get("message"))
    found = (None if message else complaint_in(inner)) or complaint_in(payload) or refusal
    if not message and found is not None:
        message = found.message
    # On the outside, "error" is a marker and no value.
    kind = None if payload.get("type") == "error" else payload.get("type")
    return ServerWords(
        message=mend_halves(message or text_of(payload.get("message")) or text_of(payload.get("detail"))) or None,
        code=_first(inner.get("code"), payload.get("code") if found is None else found.code),
        type=_first(inner.get("type"), kind),
        param=_first(inner.get("param"), payload.get("param")),
    )


def _first(inner: object, outer: object) -> object:
    return outer if inner is None else inner


def status_error(answer: Answer, *, now: float) -> APIError:
    """Return the error for an answer with an error status, in the server's own words."""
    asked = server_delay(answer.headers, now=now, status=answer.status)
    note = ""
    if asked is not None and asked > MAX_RETRY_AFTER:
        note = f" (the server asks to wait {asked:g} s; more than {MAX_RETRY_AFTER:g} s are left to the caller)"
    words = server_words(answer.body) or ServerWords()
    return _error(status_error_type(answer.status), answer, words.message or _describe(answer), words, note)


def redirect_target(method: str, url: URL, status: int, headers: Mapping[str, str]) -> URL | str:
    """Return where a redirect leads, or why it is not followed.

    Only the same origin is: the key, the organization and the prompt are for no other. 301, 302 and 303 turn a POST
    into a GET, which is never what the caller asked for.
    """
    location = headers.get("location")
    if not location:
        return "it names no location"
    try:
        target = url.join(URL(location)).with_fragment(None)
        origin = target.origin()
        same = origin == url.origin()
    except ValueError:
        return "its location is no URL"
    if not same:
        return f"it leads to another origin, {origin}"
    if method != "GET" and status not in (307, 308):
        return f"{status} would turn the {method} into a GET"
    return target.with_user(None)


def redirect_error(answer: Answer, problem: str) -> APIError:
    """Return the error for a redirect that is not followed."""
    return _error(APIStatusError, answer, f"the redirect ({answer.status}) was not followed: {problem}", ServerWords())


def read_json(type: type[T], data: bytes) -> T | Misfit:
    """Return the struct that an answer with a good status holds, or what it is instead."""
    # `"last_error"` has no such key: only answers that may be errors are parsed twice.
    words = server_words(data, strict=True) if b'"error"' in data or b'"base_resp"' in data else None
    members = _members(type)
    if "data" in members and words is None and data.lstrip()[:1] == b"[":
        # A list without what is around it, as Together's models: it is all there is.
        data = b'{"has_more":false,"data":%b}' % data
    try:
        result = decode_json(type, data)
    except UnreadableJSON as error:
        return misfit_of(type, data, str(error), words)
    if getattr(result, "id", None) or (words is None and not _needs_id(result.__class__)):
        return result
    # The lenient decoder gives an object without its id an empty one; no server's object has that.
    return misfit_of(type, data, "an object without an id", words)


def misfit_of(type: Any, data: bytes, problem: str, words: ServerWords | None = None) -> Misfit:
    """Return why a body is not what an endpoint answers: what is wrong with it, and what it says itself."""
    return Misfit(name_of(type), problem if data.strip() else "empty", words or _told(data))


def _told(data: bytes) -> ServerWords | None:
    words = server_words(data)
    return None if words is None or words.message is None else words


def _members(type: Any) -> tuple[str, ...]:
    """Return the names of a struct's fields; of a generic one, those of the struct that it is of."""
    members: tuple[str, ...] = getattr(get_origin(type) or type, "__struct_fields__", ())
    return members


def _needs_id(cls: type) -> bool:
    """Return True if objects of a class always have an id: chat completions of some servers have none."""
    return issubclass(cls, Struct) and any(field.name == "id" and field.required for field in fields(cls))


def misfit_error(answer: Answer, misfit: Misfit) -> APIError:
    """Return the error for an answer with a good status that is not what the endpoint answers."""
    problem = misfit.problem
    if misfit.words is not None:
        problem = "an error" if misfit.words.message is None else f"an error: {misfit.words.message}"
    kind = _content_type(answer.headers) or "no content type"
    coding = unreadable_coding(answer.headers)
    if coding is not None:
        kind = f"{kind} in the coding {coding!r}"
    message = f"expected {misfit.expected} as JSON, got {kind} (status {answer.status}): {problem}"
    return _error(APIResponseValidationError, answer, message, misfit.words or ServerWords())


def why_no_stream(status: int, headers: Mapping[str, str]) -> str | None:
    """Return what an answer with a good status says that it is instead of an event stream; None if it is one."""
    kind = _content_type(headers)
    if _is_empty(status, headers):
        return "an empty answer"
    # Some servers send no type, or that of text; their events are right all the same.
    if kind not in ("", "text/event-stream", "text/plain"):
        return kind
    coding = unreadable_coding(headers)
    return None if coding is None else f"one in the coding {coding!r}, which was not asked for"


def may_stream(status: int, headers: Mapping[str, str]) -> bool:
    """Return True if an answer may be an event stream under a wrong name: there is a body, and it can be read."""
    return not _is_empty(status, headers) and unreadable_coding(headers) is None


def _is_empty(status: int, headers: Mapping[str, str]) -> bool:
    return status in (204, 205) or headers.get("content-length", "").strip() == "0"


def stream_error(answer: Answer, problem: str) -> APIError:
    """Return the error for an answer that is no event stream: the server's, if it is JSON that tells one."""
    words = _told(answer.body) or ServerWords()
    own = "" if words.message is None else f": {words.message}"
    message = f"expected an event stream, got {problem} (status {answer.status}){own}"
    return told_error(answer) or _error(APIResponseValidationError, answer, message, words)


def told_error(answer: Answer, *, strict: bool = True) -> APIError | None:
    """Return the server's error, if the body is JSON that tells one; if not `strict`, in whatever words."""
    words = server_words(answer.body, strict=True) or (None if strict else _told(answer.body))
    return None if words is None else _error(StreamEventError, answer, words.message or _describe(answer), words)


def coding_error(answer: Answer, coding: str) -> APIError:
    """Return the error for content in a coding that cannot be read."""
    message = f"expected content without a coding, got it in the coding {coding!r} (status {answer.status})"
    return _error(APIResponseValidationError, answer, message, ServerWords())


def oversize_error(answer: Answer, limit: int) -> APIError:
    """Return the error for an answer that is over a limit in bytes."""
    return _error(APIResponseValidationError, answer, f"expected at most {limit >> 20} MiB, got more", ServerWords())


def _error(kind: type[APIError], answer: Answer, message: str, words: ServerWords, note: str = "") -> APIError:
    redact = answer.secrets.redact_value
    return kind(
        # JSON escapes may have hidden a secret from the redaction of the body.
        shown(answer.secrets.redact(message)) + note,
        code=redact(words.code),
        type=redact(words.type),
        param=redact(words.param),
        body=answer.body,
        status=answer.status,
        headers=answer.headers,
        request_id=answer.headers.get("x-request-id"),
    )


def _describe(answer: Answer) -> str:
    """Return a message for an answer that brings none: the beginning of its text, or its status line."""
    line = f"{answer.status} {answer.reason}".strip()
    coding = unreadable_coding(answer.headers)
    if coding is not None:
        return f"{line} (its body is in the coding {coding!r}, which was not asked for)"
    text = answer.body.decode("utf-8", "replace").strip()
    return text[:MOST_SHOWN] or line


def _content_type(headers: Mapping[str, str]) -> str:
    return headers.get("content-type", "").partition(";")[0].strip().lower()
