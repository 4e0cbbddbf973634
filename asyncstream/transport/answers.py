"""What an answer is: what it says, whether it is what was asked for, and the error that it is if not. Pure.

Above it: `transport.http`, which reads the bodies. Errors are returned, never raised here.
"""

from collections.abc import Mapping
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import fields
from multidict import CIMultiDict
from yarl import URL

from asyncstream.decoding import UnreadableJSON, decode_json, dump_json, load_json
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
    "misfit_error",
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

_MOST_PROBLEMS = 20
"""Entries of a `detail` that a message lists: one for each field that is wrong, or for each item of a long list."""

_TEXT_LIMIT = 500
"""Characters of a body without structure that a message shows: enough for a proxy's page title."""


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
    """Return what a JSON body says about an error; None if it is no JSON object, or says nothing.

    Seen in the wild: ``{"error": {"message": ...}}``, ``{"error": "..."}``, ``{"message": ...}``,
    ``{"detail": "..."}``, ``{"detail": [{"loc": [...], "msg": ...}]}`` (FastAPI), ``[{"error": {...}}]`` (Gemini).

    Args:
        body: The body.
        strict: Whether only an object that calls itself an error counts: by a truthy `error`, or `type` or `object`
            "error". Needed where the status does not say so.
    """
    try:
        payload = load_json(body)
    except UnreadableJSON:
        return None
    if isinstance(payload, list) and payload:
        payload = payload[0]
    if not isinstance(payload, dict):
        return None
    if strict and not (payload.get("error") or payload.get("type") == "error" or payload.get("object") == "error"):
        return None
    error = payload.get("error")
    inner = error if isinstance(error, dict) else {}
    message = error if isinstance(error, str) else _text(inner.get("message")) or _text(payload.get("message"))
    # On the outside, "error" is a marker and no value.
    kind = None if payload.get("type") == "error" else payload.get("type")
    return ServerWords(
        message=mend_halves(message or _detail(payload.get("detail")) or "") or None,
        code=_first(inner.get("code"), payload.get("code")),
        type=_first(inner.get("type"), kind),
        param=_first(inner.get("param"), payload.get("param")),
    )


def _first(inner: object, outer: object) -> object:
    return outer if inner is None else inner


def _text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    try:
        return dump_json(value)
    except UnreadableJSON:
        return None


def _detail(value: object) -> str | None:
    if not isinstance(value, list):
        return _text(value)
    problems = []
    for item in value[:_MOST_PROBLEMS]:
        if isinstance(item, dict) and isinstance(item.get("msg"), str):
            location = item.get("loc")
            place = ".".join(str(part) for part in location) if isinstance(location, list) else ""
            problems.append(f"{place}: {item['msg']}" if place else item["msg"])
        else:
            problems.append(_text(item) or "")
    if len(value) > _MOST_PROBLEMS:
        problems.append(f"and {len(value) - _MOST_PROBLEMS} more")
    return "; ".join(problems)


def status_error(answer: Answer, *, now: float) -> APIError:
    """Return the error for an answer with an error status, in the server's own words."""
    asked = server_delay(answer.headers, now=now)
    note = ""
    if asked is not None and asked > MAX_RETRY_AFTER:
        note = f" (the server asks to wait {asked:g} s; more than {MAX_RETRY_AFTER:g} s are left to the caller)"
    words = server_words(answer.body) or ServerWords()
    return _error(status_error_type(answer.status), answer, (words.message or _describe(answer)) + note, words)


def redirect_target(method: str, url: URL, status: int, headers: Mapping[str, str]) -> URL | str:
    """Return where a redirect leads, or why it is not followed.

    Only the same origin is: the key, the organization and the prompt are for nobody else. 301, 302 and 303 turn a POST
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
    words = server_words(data, strict=True) if b'"error"' in data else None
    expected = getattr(type, "__name__", str(type))
    try:
        result = decode_json(type, data)
    except UnreadableJSON as error:
        return Misfit(expected, str(error) if data.strip() else "empty", words)
    if getattr(result, "id", None) or (words is None and not _needs_id(result.__class__)):
        return result
    # The lenient decoder gives an object without its id an empty one; no server's object has that.
    return Misfit(expected, "an object without an id", words)


def _needs_id(cls: type) -> bool:
    """Tell whether objects of a class have an id for certain: chat completions of some servers have none."""
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
    """Return what an answer with a good status is instead of an event stream; None if it is one."""
    kind = _content_type(headers)
    if status in (204, 205) or headers.get("content-length", "").strip() == "0":
        return "an empty answer"
    # Some servers send no type, or that of text; their events are right all the same.
    if kind not in ("", "text/event-stream", "text/plain"):
        return kind
    coding = unreadable_coding(headers)
    return None if coding is None else f"one in the coding {coding!r}, which was not asked for"


def stream_error(answer: Answer, problem: str) -> APIError:
    """Return the error for an answer that is no event stream: the server's, if it is JSON that says one."""
    message = f"expected an event stream, got {problem} (status {answer.status})"
    return told_error(answer) or _error(APIResponseValidationError, answer, message, ServerWords())


def told_error(answer: Answer) -> APIError | None:
    """Return the server's error, if the body is JSON that says one."""
    words = server_words(answer.body, strict=True)
    return None if words is None else _error(StreamEventError, answer, words.message or _describe(answer), words)


def coding_error(answer: Answer, coding: str) -> APIError:
    """Return the error for content in a coding that cannot be read."""
    message = f"expected content without a coding, got it in the coding {coding!r} (status {answer.status})"
    return _error(APIResponseValidationError, answer, message, ServerWords())


def oversize_error(answer: Answer, limit: int) -> APIError:
    """Return the error for an answer that is over a limit in bytes."""
    return _error(APIResponseValidationError, answer, f"expected at most {limit >> 20} MiB, got more", ServerWords())


def _error(kind: type[APIError], answer: Answer, message: str, words: ServerWords) -> APIError:
    redact = answer.secrets.redact_value
    return kind(
        # JSON escapes may have hidden a secret from the redaction of the body.
        answer.secrets.redact(message),
        code=redact(words.code),
        type=redact(words.type),
        param=redact(words.param),
        body=answer.body,
        status=answer.status,
        headers=answer.headers,
        request_id=answer.headers.get("x-request-id"),
    )


def _describe(answer: Answer) -> str:
    """Return what can be said of an answer without words: the beginning of its text, or its status line."""
    line = f"{answer.status} {answer.reason}".strip()
    coding = unreadable_coding(answer.headers)
    if coding is not None:
        return f"{line} (its body is in the coding {coding!r}, which was not asked for)"
    text = answer.body.decode("utf-8", "replace").strip()
    return text[:_TEXT_LIMIT] or line


def _content_type(headers: Mapping[str, str]) -> str:
    return headers.get("content-type", "").partition(";")[0].strip().lower()
