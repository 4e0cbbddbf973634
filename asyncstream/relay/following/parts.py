"""How the protocols of pages are read by a program: `PARTS`, a `Wire` of each, whose events are parts, as dicts. Pure.

Below it: `sse`, `decoding`. Above it: `following.follow`.

Rule 1: an answer ends with a part that says how. Whatever else ends it, also the `[DONE]` of a UI message stream, is an
error: half an answer must not look like a whole one.
"""

from collections.abc import Mapping
from typing import Any, Final

from asyncstream.decoding import UnreadableJSON, load_json
from asyncstream.errors import StreamDecodeError
from asyncstream.events.control import DoneEvent
from asyncstream.events.wire import Decoded, Decoding, Wire
from asyncstream.events.withheld import Withheld
from asyncstream.sse import parse_frame

__all__ = ["PARTS", "Part"]

Part = dict[str, Any]


def _wire(*last: str) -> Wire[Part]:
    """Return how parts are read, given the types of those that end an answer."""

    def decode(lines: list[bytes]) -> Decoded[Part]:
        if not lines:
            return ()
        data = b"\n".join(lines)
        if data == b"[DONE]":
            return (StreamDecodeError("the stream ended before a part that says how the answer ended"),)
        try:
            part = load_json(data)
        except UnreadableJSON as error:
            return (_unreadable(str(error), data),)
        if not isinstance(part, dict) or not isinstance(part.get("type"), str):
            return (_unreadable("expected an object with a type", data),)
        return (part, DoneEvent()) if part["type"] in last else (part,)

    def decode_frame(frame: bytes) -> Decoded[Part]:
        return decode(parse_frame(frame)[1])

    def decode_data(name: str, lines: list[bytes]) -> Decoding[Part]:
        return iter(decode(lines))

    def decode_long(frames: list[bytes]) -> Decoding[Part]:
        return iter(decode_frame(frames.pop(0)))

    return Wire(
        decode_frame=decode_frame,
        decode_data=decode_data,
        decode_plain=lambda frame: None,
        decode_long=decode_long,
        relayed=lambda part, frame: ("", frame),
        withheld=Withheld(members={}, answers=frozenset(), texts={}),
        understood=lambda part: part,
        keeps_payloads=False,
    )


def _unreadable(why: str, data: bytes) -> StreamDecodeError:
    error = StreamDecodeError(f"a part cannot be read: {why}")
    error.raw = data
    return error


PARTS: Final[Mapping[str, Wire[Part]]] = {
    "ui-messages": _wire("finish", "error", "abort"),
    "ag-ui": _wire("RUN_FINISHED", "RUN_ERROR"),
}
"""By the name of the view."""
