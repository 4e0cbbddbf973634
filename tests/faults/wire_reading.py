"""What a cut body must give, found without the package: `str.split` and `json.loads`, for bodies that are well-formed.

It knows what the wire's rules say of ends (1.3, 4.15, 5.7, 9.23) and of payloads in lists or
glued (2.2, 2.3), and no other quirk of servers: the transcripts that are cut here have none.
"""

import codecs
import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal, NamedTuple

__all__ = ["BODIES", "PROTOCOLS", "Body", "Event", "Protocol", "Reading", "has_evidence", "read"]

Protocol = Literal["assistants", "chat", "responses"]

PROTOCOLS: tuple[Protocol, ...] = ("assistants", "chat", "responses")

TRANSCRIPTS = Path(__file__).parents[1] / "transcripts"

TERMINAL = {
    f"thread.run.{word}" for word in ("completed", "requires_action", "failed", "cancelled", "expired", "incomplete")
}

ENDING = {f"response.{word}" for word in ("completed", "incomplete", "cancelled", "failed")}


class Event(NamedTuple):
    """An event as the wire has it."""

    name: str
    """"" in chat, whose frames have none, and in Responses, whose payloads say it."""
    payload: Any


class Reading(NamedTuple):
    """What a body gives, up to where it was cut."""

    events: list[Event]
    end: Literal["complete", "truncated", "error"]


class Body(NamedTuple):
    """A transcript."""

    name: str
    data: bytes

    @property
    def protocol(self) -> Protocol:
        return next(protocol for protocol in PROTOCOLS if self.name.startswith(protocol))

    @property
    def frame_ends(self) -> list[int]:
        """The offsets behind each blank line."""
        return [blank_line.end() for blank_line in re.finditer(rb"\r?\n\r?\n|\r\r", self.data)]


BODIES = [
    Body(name, TRANSCRIPTS.joinpath(f"{name}.sse").read_bytes())
    for name in (
        "assistants_tools_1",  # ends at requires_action; function arguments in pieces; raw UTF-8
        "assistants_mixed_crlf",  # CRLF here and there, comments, `retry`
        "assistants_late_attach_cr",  # a BOM, CR alone, lists, glued payloads, raw UTF-8
        "assistants_cut",  # never has its evidence; its last frame is half
        "assistants_error",  # an error event at the end
        "chat_text",  # UTF-8 of two, three and four bytes, comments, usage
        "chat_tools_crlf",  # two choices, two calls, CRLF
        "responses_text",  # UTF-8 of two, three and four bytes, a comment, a keepalive; ends at completed
        "responses_tools_crlf",  # data only, three calls, CRLF, `[DONE]`
        "responses_failed",  # a response that failed
        "responses_error",  # an error event at the end
    )
]


def read(data: bytes, protocol: Protocol) -> Reading:
    """Read a body that ends where the bytes end."""
    *whole, rest = _lf(data.removeprefix(codecs.BOM_UTF8)).decode("utf-8", "replace").split("\n\n")
    events: list[Event] = []
    for block in [*whole, rest]:
        lines = [line.partition(":")[::2] for line in block.split("\n")]
        values = [value.removeprefix(" ").strip() for field, value in lines if field == "data"]
        name = next((value.removeprefix(" ") for field, value in lines if field == "event"), "")
        # Lines that are no JSON together are glued payloads; of a cut block, the last one is cut.
        joined = "\n".join(values)
        for payload in [joined] if _is_json(joined) else values:
            if block is rest and payload and payload != "[DONE]" and not _is_json(payload):
                break
            if payload == "[DONE]":
                whole_answer = protocol == "chat" or has_evidence(events, protocol)
                return Reading(events, "complete" if whole_answer else "truncated")
            if not payload:
                continue
            value = json.loads(payload) if name != "error" or protocol == "responses" else None
            if name == "error" or (isinstance(value, dict) and value.get("type") == "error"):
                return Reading(events, "error")
            name = "" if protocol == "responses" else name
            events.extend(Event(name, item) for item in (value if isinstance(value, list) else [value]))
    if protocol == "responses" and any(event.payload["type"] == "response.failed" for event in events):
        return Reading(events, "error")
    return Reading(events, "complete" if has_evidence(events, protocol) else "truncated")


def has_evidence(events: Iterable[Event], protocol: Protocol) -> bool:
    """Tell whether an answer is complete that gave these events, and then nothing, not even `[DONE]`."""
    if protocol == "assistants":
        return any(event.name in TERMINAL for event in events)
    if protocol == "responses":
        return any(event.payload["type"] in ENDING for event in events)
    finished: dict[int, bool] = {}
    for event in events:
        for choice in event.payload["choices"]:
            finished[choice["index"]] = bool(choice["finish_reason"]) or finished.get(choice["index"], False)
    return bool(finished) and all(finished.values())


def _lf(data: bytes) -> bytes:
    return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True
