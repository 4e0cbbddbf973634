"""What a JSON object says of a failure, in whatever words: the one place that knows them. Pure; decides nothing.

OpenAI has `error`. Gateways, proxies and other APIs have their own: FastAPI `detail`, Cloudflare `errors`, AWS
`Message`, MiniMax `base_resp` and a status of 200. Above it: `events` for what comes in a stream, `transport.answers`
for the bodies of answers. Whether it is an error is for them to say.

Rule 1: no message repeats more than `MOST_SHOWN` characters of what a server sent, which may be a whole page.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

from asyncstream.decoding import UnreadableJSON, dump_json
from asyncstream.halves import mend_halves

__all__ = ["MOST_SHOWN", "Complaint", "complaint_in", "refusal_in", "shown", "text_of"]

MOST_SHOWN: Final = 500
"""Characters of a server's words that a message has: enough for an explanation, or for the title of a proxy's page."""

_MOST_PROBLEMS = 20
"""Entries of a `detail` that a message lists: one for each field that is wrong, or for each item of a long list."""

_NEUTRAL = ("message", "Message", "msg")
"""Under these names servers also say what is no failure."""

_TELLING = ("detail", "error_msg", "error_message")

_FAILED = frozenset({"failure", "failed", "error"})


class Complaint(NamedTuple):
    """What an object says of a failure."""

    message: str
    code: object
    certain: bool
    """Whether more than a message says that it is a failure."""


def shown(text: str) -> str:
    """Return as much of a server's words as a message may repeat, without halves of surrogate pairs."""
    text = mend_halves(text)
    return text if len(text) <= MOST_SHOWN else text[: MOST_SHOWN - 1] + "…"


def complaint_in(value: dict[str, object]) -> Complaint | None:
    """Find the words of a failure in an object that does not call itself an error; None if it has none."""
    telling = next(_telling(value), "")
    message = next(_neutral(value), "") or telling
    if not message:
        return None
    code = _code(value)
    status = value.get("status")
    certain = (
        bool(telling)
        or _says_failure(code)
        or value.get("success") is False
        or (isinstance(status, str) and status.lower() in _FAILED)
    )
    return Complaint(shown(message), code, certain)


def refusal_in(value: dict[str, object]) -> Complaint | None:
    """Find what MiniMax says beside an answer that it refuses; None if it says that all is well, or nothing."""
    told = value.get("base_resp")
    if not isinstance(told, dict) or told.get("status_code") in (None, "", 0, "0"):
        return None
    found = complaint_in(value)
    return found or Complaint(
        "the server refused and did not say why: " + dump_json(told)[:MOST_SHOWN], _code(value), True
    )


def text_of(value: object) -> str:
    """Return the words of a `message` or `detail`: a text; each of a list of problems, as FastAPI has it; else JSON."""
    if not isinstance(value, list):
        return _text(value)
    problems = []
    for item in value[:_MOST_PROBLEMS]:
        if isinstance(item, dict) and isinstance(item.get("msg"), str):
            location = item.get("loc")
            place = ".".join(str(part) for part in location) if isinstance(location, list) else ""
            problems.append(f"{place}: {item['msg']}" if place else item["msg"])
        else:
            problems.append(_text(item))
    if len(value) > _MOST_PROBLEMS:
        problems.append(f"and {len(value) - _MOST_PROBLEMS} more")
    return "; ".join(problems)


def _text(value: object) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    try:
        return dump_json(value)
    except UnreadableJSON:
        return ""


def _neutral(value: dict[str, object]) -> Iterator[str]:
    return (text for name in _NEUTRAL if isinstance(text := value.get(name), str) and text)


def _telling(value: dict[str, object]) -> Iterator[str]:
    for name in _TELLING:
        text = value.get(name)
        if isinstance(text, str | list) and text:
            yield text_of(text)
    first = _first_error(value)
    text = first.get("message") if isinstance(first, dict) else first
    if isinstance(text, str) and text:
        yield text
    told = value.get("base_resp")
    if isinstance(told, dict) and told.get("status_code") not in (0, "0"):
        text = told.get("status_msg")
        if isinstance(text, str) and text:
            yield text


def _first_error(value: dict[str, object]) -> object:
    errors = value.get("errors")
    return errors[0] if isinstance(errors, list) and errors else None


def _code(value: dict[str, object]) -> object:
    first, told = _first_error(value), value.get("base_resp")
    codes = (
        value.get("code"),
        value.get("error_code"),
        first.get("code") if isinstance(first, dict) else None,
        told.get("status_code") if isinstance(told, dict) else None,
    )
    return next((code for code in codes if code is not None), None)


def _says_failure(code: object) -> bool:
    if code is None or code == "":
        return False
    if isinstance(code, str) and code.isascii() and code.isdigit() and len(code) < 19:
        code = int(code)
    return not (isinstance(code, int) and (code == 0 or 200 <= code < 300))
