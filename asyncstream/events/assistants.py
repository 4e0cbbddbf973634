"""The events of the Assistants protocol, and the table event name -> decoder.

Pure. A module-level table maps the first line of a frame to its event class and cached decoder: the hot path is one
`partition`, one dict lookup, one typed decode. All that does not fit goes through `payloads`. A decoder is made when
the first payload of its type comes: making all would be a twentieth of the import.

Source: https://platform.openai.com/docs/api-reference/assistants-streaming/events
"""

from collections.abc import Callable
from functools import cache
from operator import attrgetter
from typing import ClassVar, Literal, TypeAlias, get_args

from msgspec import Struct

from asyncstream.decoding import (
    STRICT_ERRORS,
    Repair,
    UnreadableJSON,
    coerce_json,
    strict_decoder,
)
from asyncstream.errors import StreamDecodeError
from asyncstream.events.assistants_withheld import WITHHELD
from asyncstream.events.control import DoneEvent, ErrorEvent, UnknownEvent
from asyncstream.events.payloads import Payload, error_in, read_payloads, reading_repairs, unreadable
from asyncstream.events.wire import Wire
from asyncstream.nesting import SHALLOW, nested_too_deep
from asyncstream.sse import parse_frame
from asyncstream.types.messages import Message, MessageDeltaEvent
from asyncstream.types.run_steps import RunStep, RunStepDeltaEvent
from asyncstream.types.runs import Run
from asyncstream.types.threads import Thread

__all__ = [
    "AssistantStreamEvent",
    "ThreadCreated",
    "ThreadMessageCompleted",
    "ThreadMessageCreated",
    "ThreadMessageDelta",
    "ThreadMessageInProgress",
    "ThreadMessageIncomplete",
    "ThreadRunCancelled",
    "ThreadRunCancelling",
    "ThreadRunCompleted",
    "ThreadRunCreated",
    "ThreadRunExpired",
    "ThreadRunFailed",
    "ThreadRunInProgress",
    "ThreadRunIncomplete",
    "ThreadRunQueued",
    "ThreadRunRequiresAction",
    "ThreadRunStepCancelled",
    "ThreadRunStepCompleted",
    "ThreadRunStepCreated",
    "ThreadRunStepDelta",
    "ThreadRunStepExpired",
    "ThreadRunStepFailed",
    "ThreadRunStepInProgress",
]


class ThreadCreated(Struct, frozen=True, gc=False, tag_field="event", tag="thread.created"):
    """A thread was made, by a request that makes one and runs it."""

    event: ClassVar[Literal["thread.created"]] = "thread.created"
    data: Thread
    raw: bytes = b""
    repairs: tuple[Repair, ...] = ()


class ThreadRunCreated(Struct, frozen=True, gc=False, tag_field="event", tag="thread.run.created"):
    """The run exists."""

    event: ClassVar[Literal["thread.run.created"]] = "thread.run.created"
    data: Run
    raw: bytes = b""
    repairs: tuple[Repair, ...] = ()


class ThreadRunQueued(Struct, frozen=True, gc=False, tag_field="event", tag="thread.run.queued"):
    """The run waits for its turn."""

    event: ClassVar[Literal["thread.run.queued"]] = "thread.run.queued"
    data: Run
    raw: bytes = b""
    repairs: tuple[Repair, ...] = ()


class ThreadRunInProgress(Struct, frozen=True, gc=False, tag_field="event", tag="thread.run.in_progress"):
    """The run works."""

    event: ClassVar[Literal["thread.run.in_progress"]] = "thread.run.in_progress"
    data: Run
    raw: bytes = b""
    repairs: tuple[Repair, ...] = ()


class ThreadRunRequiresAction(Struct, frozen=True, gc=False, tag_field="event", tag="thread.run.requires_action"):
    """The run waits for tool outputs or approvals; `data.required_action` lists the calls."""

    event: ClassVar[Literal["thread.run.requires_action"]] = "thread.run.requires_action"
    data: Run
    raw: bytes = b""
    repairs: tuple[Repair, ...] = ()


class ThreadRunCompleted(Struct, frozen=True, gc=False, tag_field="event", tag="thread.run.completed"):
    """The run is finished."""

    event: ClassVar[Literal["thread.run.completed"]] = "thread.run.completed"
    data: Run
    raw: bytes = b""
    repairs: tuple[Repair, ...] = ()


class ThreadRunIncomplete(Struct, frozen=True, gc=False, tag_field="event", tag="thread.run.incomplete"):
    """The run stopped at a limit; `data.incomplete_details` says which."""

    event: ClassVar[Literal["thread.run.incomplete"]] = "thread.run.incomplete"
    data: Run
    raw: bytes = b""
    repairs: tuple[Repair, ...] = ()


class ThreadRunFailed(Struct, frozen=True, gc=False, tag_field="event", tag="thread.run.failed"):
    """The run failed; `data.last_error` says why."""

    event: ClassVar[Literal["thread.run.failed"]] = "thread.run.failed"
    data: Run
    raw: bytes = b""
    repairs: tuple[Repair, ...] = ()


class ThreadRunCancelling(Struct, frozen=True, gc=False, tag_field="event", tag="thread.run.cancelling"):
    """The run is being cancelled."""

    event: ClassVar[Literal["thread.run.cancelling"]] = "thread.run.cancelling"
    data: Run
    raw: bytes = b""
    repairs: tuple[Repair, ...] = ()


class ThreadRunCancelled(Struct, frozen=True, gc=False, tag_field="event", tag="thread.run.cancelled"):
    """The run was cancelled."""

    event: ClassVar[Literal["thread.run.cancelled"]] = "thread.run.cancelled"
    data: Run
    raw: bytes = b""
    repairs: tuple[Repair, ...] = ()


class ThreadRunExpired(Struct, frozen=True, gc=False, tag_field="event", tag="thread.run.expired"):
    """The run waited too long."""

    event: ClassVar[Literal["thread.run.expired"]] = "thread.run.expired"
    data: Run
    raw: bytes = b""
    repairs: tuple[Repair, ...] = ()


class ThreadRunStepCreated(Struct, frozen=True, gc=False, tag_field="event", tag="thread.run.step.created"):
    """A step of the run exists."""

    event: ClassVar[Literal["thread.run.step.created"]] = "thread.run.step.created"
    data: RunStep
    raw: bytes = b""
    repairs: tuple[Repair, ...] = ()


class ThreadRunStepInProgress(Struct, frozen=True, gc=False, tag_field="event", tag="thread.run.step.in_progress"):
    """A step works."""

    event: ClassVar[Literal["thread.run.step.in_progress"]] = "thread.run.step.in_progress"
    data: RunStep
    raw: bytes = b""
    repairs: tuple[Repair, ...] = ()


class ThreadRunStepDelta(Struct, frozen=True, gc=False, tag_field="event", tag="thread.run.step.delta"):
    """A step grew: pieces of tool calls."""

    event: ClassVar[Literal["thread.run.step.delta"]] = "thread.run.step.delta"
    data: RunStepDeltaEvent
    raw: bytes = b""
    repairs: tuple[Repair, ...] = ()


class ThreadRunStepCompleted(Struct, frozen=True, gc=False, tag_field="event", tag="thread.run.step.completed"):
    """A step is finished; its details are authoritative."""

    event: ClassVar[Literal["thread.run.step.completed"]] = "thread.run.step.completed"
    data: RunStep
    raw: bytes = b""
    repairs: tuple[Repair, ...] = ()


class ThreadRunStepFailed(Struct, frozen=True, gc=False, tag_field="event", tag="thread.run.step.failed"):
    """A step failed."""

    event: ClassVar[Literal["thread.run.step.failed"]] = "thread.run.step.failed"
    data: RunStep
    raw: bytes = b""
    repairs: tuple[Repair, ...] = ()


class ThreadRunStepCancelled(Struct, frozen=True, gc=False, tag_field="event", tag="thread.run.step.cancelled"):
    """A step was cancelled."""

    event: ClassVar[Literal["thread.run.step.cancelled"]] = "thread.run.step.cancelled"
    data: RunStep
    raw: bytes = b""
    repairs: tuple[Repair, ...] = ()


class ThreadRunStepExpired(Struct, frozen=True, gc=False, tag_field="event", tag="thread.run.step.expired"):
    """A step waited too long."""

    event: ClassVar[Literal["thread.run.step.expired"]] = "thread.run.step.expired"
    data: RunStep
    raw: bytes = b""
    repairs: tuple[Repair, ...] = ()


class ThreadMessageCreated(Struct, frozen=True, gc=False, tag_field="event", tag="thread.message.created"):
    """A message exists."""

    event: ClassVar[Literal["thread.message.created"]] = "thread.message.created"
    data: Message
    raw: bytes = b""
    repairs: tuple[Repair, ...] = ()


class ThreadMessageInProgress(Struct, frozen=True, gc=False, tag_field="event", tag="thread.message.in_progress"):
    """A message is being written."""

    event: ClassVar[Literal["thread.message.in_progress"]] = "thread.message.in_progress"
    data: Message
    raw: bytes = b""
    repairs: tuple[Repair, ...] = ()


class ThreadMessageDelta(Struct, frozen=True, gc=False, tag_field="event", tag="thread.message.delta"):
    """A message grew: pieces of its content."""

    event: ClassVar[Literal["thread.message.delta"]] = "thread.message.delta"
    data: MessageDeltaEvent
    raw: bytes = b""
    repairs: tuple[Repair, ...] = ()


class ThreadMessageCompleted(Struct, frozen=True, gc=False, tag_field="event", tag="thread.message.completed"):
    """A message is finished; its content is authoritative."""

    event: ClassVar[Literal["thread.message.completed"]] = "thread.message.completed"
    data: Message
    raw: bytes = b""
    repairs: tuple[Repair, ...] = ()


class ThreadMessageIncomplete(Struct, frozen=True, gc=False, tag_field="event", tag="thread.message.incomplete"):
    """A message ended before it was finished."""

    event: ClassVar[Literal["thread.message.incomplete"]] = "thread.message.incomplete"
    data: Message
    raw: bytes = b""
    repairs: tuple[Repair, ...] = ()


AssistantStreamEvent: TypeAlias = (
    ThreadCreated
    | ThreadRunCreated
    | ThreadRunQueued
    | ThreadRunInProgress
    | ThreadRunRequiresAction
    | ThreadRunCompleted
    | ThreadRunIncomplete
    | ThreadRunFailed
    | ThreadRunCancelling
    | ThreadRunCancelled
    | ThreadRunExpired
    | ThreadRunStepCreated
    | ThreadRunStepInProgress
    | ThreadRunStepDelta
    | ThreadRunStepCompleted
    | ThreadRunStepFailed
    | ThreadRunStepCancelled
    | ThreadRunStepExpired
    | ThreadMessageCreated
    | ThreadMessageInProgress
    | ThreadMessageDelta
    | ThreadMessageCompleted
    | ThreadMessageIncomplete
    | ErrorEvent
    | DoneEvent
    | UnknownEvent
)
"""Every event of the protocol. A stream yields all but `ErrorEvent`, which it raises, and `DoneEvent`, which ends it.

`raw` is the payload as received, `repairs` what had to be mended for it to fit its type.
"""


class _Kind(Struct, frozen=True):
    """What a known event name leads to."""

    make: "Callable[..., AssistantStreamEvent]"
    payload: type


def _known_events() -> dict[str, _Kind]:
    kinds = {}
    for event in get_args(AssistantStreamEvent):
        if event not in (ErrorEvent, DoneEvent, UnknownEvent):
            kinds[event.event] = _Kind(event, event.__annotations__["data"])
    return kinds


_OPEN = frozenset({Thread, Run, RunStep, RunStepDeltaEvent})
"""Payloads that hold JSON of no fixed shape: folding walks that, so it must not be too deep."""


@cache
def _decode_of(payload: type) -> Callable[[bytes], object]:
    decode: Callable[[bytes], object] = strict_decoder(payload).decode
    return decode


def _on_first_use(line: bytes, kind: _Kind) -> Callable[[bytes], object]:
    """Give what makes the decoder of an event, and then leaves the table to it."""

    def decode_first(data: bytes) -> object:
        decode = _decode_of(kind.payload)
        _BY_FIRST_LINE[line] = (kind.make, decode, kind.payload in _OPEN)
        return decode(data)

    return decode_first


_BY_NAME = _known_events()
_BY_FIRST_LINE = {
    (line := b"event: " + name.encode()): (kind.make, _on_first_use(line, kind), kind.payload in _OPEN)
    for name, kind in _BY_NAME.items()
}


def decode_plain(frame: bytes) -> AssistantStreamEvent | None:
    """Decode a frame that is as the protocol has it: the hot path. None for any other, and for what ends a stream."""
    first_line, _, data = frame.partition(b"\ndata: ")
    kind = _BY_FIRST_LINE.get(first_line)
    # The length first: short payloads, which nearly all are, cannot be nested too deep.
    if kind is None or 10 in data or (len(data) > SHALLOW and kind[2] and nested_too_deep(data)):
        return None
    try:
        return kind[0](kind[1](data), data)
    except STRICT_ERRORS:
        return None


def decode_frame(frame: bytes) -> list[AssistantStreamEvent | StreamDecodeError]:
    """Decode a frame of `sse.FrameSplitter` into its events: mostly one.

    A frame that cannot be read gives the error as its last item, so that what came before it is not lost.
    """
    plain = decode_plain(frame)
    if plain is not None:
        return [plain]
    event, lines = parse_frame(frame)
    return decode_data(event, lines)


def decode_long(frames: list[bytes]) -> list[AssistantStreamEvent | StreamDecodeError]:
    """Take the first frame off a list and decode it as `decode_frame` does, without holding it meanwhile.

    An event keeps its payload, and what is decoded from it is as large again: the frame would be a third copy.
    """
    first_line, _, data = frames[0].partition(b"\ndata: ")
    kind = _BY_FIRST_LINE.get(first_line)
    if kind is None or 10 in data or (kind[2] and nested_too_deep(data)):
        return decode_frame(frames.pop(0))
    del frames[0]
    try:
        return [kind[0](kind[1](data), data)]
    except STRICT_ERRORS:
        return decode_data(first_line[len(b"event: ") :].decode(), [data])


def decode_data(event: str, lines: list[bytes]) -> list[AssistantStreamEvent | StreamDecodeError]:
    """Decode the data of a frame by the rules, whatever shape it has."""
    if not lines:
        return []
    raw = b"\n".join(lines)
    if event == "done":
        return [DoneEvent(raw=raw)]
    known = _BY_NAME.get(event)
    decoded: list[AssistantStreamEvent | StreamDecodeError] = []
    for item in read_payloads(event, lines, _BY_NAME.__contains__):
        if not isinstance(item, Payload):
            decoded.append(item)
        elif known is not None:
            decoded.append(_decode_known(event, known, item, lines))
        else:
            error = error_in(event, item.value)
            if error is not None:
                decoded.append(ErrorEvent(error, item.raw))
        if decoded and isinstance(decoded[-1], ErrorEvent | StreamDecodeError):
            return decoded
    is_comment = raw.lstrip().startswith(b":")
    if known is None and event != "error" and not decoded and raw.strip() and not is_comment:
        decoded.append(UnknownEvent(event or "message", raw))
    return decoded


def _decode_known(
    event: str, kind: _Kind, payload: Payload, lines: list[bytes]
) -> "AssistantStreamEvent | StreamDecodeError":
    try:
        data = _decode_of(kind.payload)(payload.raw)
        repairs = reading_repairs(event, payload, lines, fits=True)
    except STRICT_ERRORS:
        try:
            data, mended = coerce_json(kind.payload, payload.value)
        except UnreadableJSON as error:
            return unreadable(event, payload.raw, error)
        repairs = reading_repairs(event, payload, lines, fits=False) + mended
    return kind.make(data, payload.raw, tuple(repairs))


def relayed(event: AssistantStreamEvent, frame: bytes) -> tuple[str, bytes]:
    """Return the name of an event and its payload as received."""
    return (event.name if type(event) is UnknownEvent else event.event), event.raw


WIRE = Wire[AssistantStreamEvent](
    decode_frame, decode_data, decode_plain, relayed, WITHHELD, attrgetter("data"), decode_long
)
