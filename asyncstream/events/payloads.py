"""What the data of a frame is: objects, an error, the end, or nothing. The slow path of every protocol.

Pure. Below it: `sse` (frames), `decoding` (JSON). Above it: one file a protocol, which knows the event names.
Whatever a hot path recognises never comes here; here are the frames that servers get wrong.
"""

from collections.abc import Callable, Iterator
from typing import Final, NamedTuple, TypeAlias

from asyncstream.complaints import Complaint, complaint_in, refusal_in, shown, text_of
from asyncstream.decoding import Repair, UnreadableJSON, dump_json, dump_raw, has_constants, has_halves, load_json
from asyncstream.errors import StreamDecodeError
from asyncstream.events.control import DoneEvent, ErrorEvent, ErrorObject, RemarkEvent

__all__ = [
    "Payload",
    "error_in",
    "parses_alone",
    "read_payloads",
    "reading_repairs",
    "refusal_of",
    "remark_in",
    "unreadable",
    "whole_lines",
]

DONE = b"[DONE]"

_TRIED: Final = 1000
"""Lines of which one must be a payload by itself for all to be read one by one; reading one in vain costs 5 us."""


_NAME: Final = 100
"""Characters of an event's name that an error repeats."""


class Payload(NamedTuple):
    """One JSON object of a frame."""

    value: dict[str, object]
    raw: bytes
    """Its JSON as received, but for NaN and Infinity, which are null."""
    alone: bool = True
    """Whether it is all that the frame held."""
    constants: bool = False
    """Whether NaN or Infinity stood in it."""


Item: TypeAlias = Payload | ErrorEvent | DoneEvent | StreamDecodeError


def read_payloads(event: str, lines: list[bytes], is_data: Callable[[str], bool]) -> Iterator[Item | None]:
    """Read the data of a frame, payload by payload.

    Args:
        event: The event's name; "" if the frame had none.
        lines: The values of its `data` fields.
        is_data: Tells of an event name whether its frames always hold JSON, so that text there is a torn payload.

    Yields:
        Objects in order, which the protocol judges (`error_in`), and what needs no judging: text that is an error,
        the end. After an error or the end nothing follows. Text of an event that may hold text yields nothing. None for
        a line, or an item of a list, that is none of these.
    """
    data = b"\n".join(lines)
    text = data.strip()
    if not text:
        return
    if text == DONE:
        yield DoneEvent(raw=data)
        return
    try:
        value = load_json(data)
    except UnreadableJSON as error:
        if len(lines) > 1 and any(map(parses_alone, lines[:_TRIED])):
            for line in lines:
                yield None
                for item in read_payloads(event, [line], is_data):
                    if isinstance(item, Payload):
                        yield Payload(item.value, item.raw, alone=False, constants=item.constants)
                    elif item is not None:
                        yield item
                        return
        else:
            yield from _read_text(event, text, data, is_data, error)
        return
    match value:
        case dict():
            constants = has_constants(data)
            yield Payload(value, dump_raw(value) if constants else data, constants=constants)
        case list():
            constants = has_constants(data)
            for item in value:
                if isinstance(item, dict):
                    yield Payload(item, dump_raw(item), alone=False, constants=constants)
                else:
                    yield None
        case str() if event == "error":
            message = shown(value.strip()) or "the server sent an error without a message"
            yield ErrorEvent(ErrorObject(message), data)


def _read_text(
    event: str, text: bytes, data: bytes, is_data: Callable[[str], bool], cause: UnreadableJSON
) -> Iterator[Item]:
    if event == "error":
        yield ErrorEvent(ErrorObject(shown(text.decode("utf-8", "replace"))), data)
    elif text.startswith(b":"):
        return  # a comment that a gateway sent again as data
    elif text.startswith((b"{", b"[")) or is_data(event):
        yield unreadable(event, data, cause)
    elif event in ("", "message"):
        yield ErrorEvent(ErrorObject(shown(text.decode("utf-8", "replace"))), data)


def reading_repairs(event: str, payload: Payload, lines: list[bytes], *, fits: bool) -> list[Repair]:
    """List what was wrong with a frame, whatever its payload is.

    Args:
        event: The event's name.
        payload: One of the frame's payloads.
        lines: All that the frame held: more than the payload, where several lines or an array brought it.
        fits: The strict decoder took the payload, so that there is no bad UTF-8 and no half of a surrogate pair in it.
    """
    where = event or "message"
    repairs = []
    if not payload.alone:
        repairs.append(Repair("2.3" if len(lines) > 1 else "2.2", where, payload.raw))
    if payload.constants:
        repairs.append(Repair("6.2", where, payload.raw))
    if not fits:
        try:
            payload.raw.decode()
        except UnicodeDecodeError:
            repairs.append(Repair("1.2", where, payload.raw))
        # Only an escape can bring one.
        if b"\\u" in payload.raw and has_halves(payload.value):
            repairs.append(Repair("6.2", where, payload.raw))
    return repairs


def unreadable(event: str, data: bytes, cause: UnreadableJSON) -> StreamDecodeError:
    """Make the error for a frame that may have held text and cannot be read."""
    name = (event or "message")[:_NAME]
    error = StreamDecodeError(f"cannot read the data of event {name!r} ({len(data)} bytes): {cause}")
    error.raw = error.body = data
    error.__cause__ = cause
    return error


def parses_alone(line: bytes) -> bool:
    """Return True if one data line is a payload by itself: an object, an array or `[DONE]`."""
    text = line.strip()
    if text == DONE:
        return True
    if text[:1] + text[-1:] not in (b"{}", b"[]"):
        return False
    try:
        return isinstance(load_json(line), dict | list)
    except UnreadableJSON:
        return False


def whole_lines(lines: list[bytes]) -> Iterator[bytes]:
    """Give what of a frame's data may be read when the bytes ended before its blank line.

    Data that starts an object or array and is not whole is cut: then only its leading lines that are each whole JSON
    (or `[DONE]`) count, and the rest is dropped.
    """
    data = b"\n".join(lines).strip()
    if not data.startswith((b"{", b"[")) or data == DONE or _is_json(data):
        yield from lines
    elif len(lines) > 1:
        for line in lines:
            if not (line.strip() == DONE or _is_json(line)):
                return
            yield line


def _is_json(data: bytes) -> bool:
    try:
        load_json(data)
    except UnreadableJSON:
        return False
    return True


def error_in(event: str, value: dict[str, object], *, inner: object = None) -> ErrorObject | None:
    """Find the error that a payload reports, if it reports one.

    Args:
        event: The event's name; under `error` every object is one.
        value: The payload.
        inner: An error object that the protocol found elsewhere in the payload.
    """
    inner = value.get("error") or inner
    if not (event == "error" or inner or value.get("type") == "error" or value.get("object") == "error"):
        return None
    source = inner if isinstance(inner, dict) else {}
    message = source.get("message") or (inner if isinstance(inner, str) else None) or value.get("message")
    words = None
    if not message:
        words = complaint_in(source) or complaint_in(value)
        message = "the server sent an error: " + dump_json(inner or value) if words is None else words.message
    kind = source.get("type") or None
    if kind is None and value.get("type") != "error":
        kind = value.get("type") or None
    code = source.get("code")
    param = source.get("param")
    return ErrorObject(
        message=shown(text_of(message)),
        code=value.get("code") if code is None else code,
        type=kind,
        param=value.get("param") if param is None else param,
    )


def refusal_of(value: dict[str, object]) -> ErrorObject | None:
    """Find the error that `base_resp` reports, whatever else the payload has."""
    found = refusal_in(value)
    return None if found is None else _error_of(found, value)


def remark_in(payload: Payload) -> RemarkEvent | None:
    """Find what a payload that is nothing of the protocol says of a failure."""
    found = complaint_in(payload.value)
    return None if found is None else RemarkEvent(_error_of(found, payload.value), found.certain, payload.raw)


def _error_of(complaint: Complaint, value: dict[str, object]) -> ErrorObject:
    return ErrorObject(complaint.message, complaint.code, value.get("type") or None, value.get("param"))
