"""The texts in which the deltas of a run differ: of a message, and the code or arguments of a call. Pure; see `alike`.

Here is no name of an event: the events' file hands this to its `WIRE`.
"""

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from asyncstream.events.alike import Pattern, holds_only_plain
from asyncstream.types.messages import MessageDeltaEvent, TextDeltaBlock
from asyncstream.types.run_steps import RunStepDeltaEvent, ToolCallDeltaObject
from asyncstream.types.tool_calls import CodeInterpreterToolCallDelta, FunctionToolCallDelta

__all__ = ["pattern_of"]


def pattern_of(event: Any) -> Pattern[Any] | None:
    """Tell in which text others may differ from an event: one that adds to one text part, or to one call."""
    payload = event.data
    if type(payload) is MessageDeltaEvent:
        return _of_text(event, payload)
    if type(payload) is RunStepDeltaEvent:
        return _of_call(event, payload)
    return None


def _of_text(event: Any, payload: MessageDeltaEvent) -> Pattern[Any] | None:
    content = payload.delta.content
    if content is None or len(content) != 1:
        return None
    block = content[0]
    text = block.text if type(block) is TextDeltaBlock else None
    if text is None or not holds_only_plain(text):
        return None
    # Copies, as all below: those of the event are its reader's, who may change them.
    payload, delta, block, text = replace(payload), replace(payload.delta), replace(block), replace(text)
    kind, data = type(event), _data_of(event)

    def make(piece: str, frame: bytes, _padding: str | None) -> Any:
        grown = replace(block, text=replace(text, value=piece))
        return kind(replace(payload, delta=replace(delta, content=[grown])), frame[data])

    return Pattern(b"value", make)


def _of_call(event: Any, payload: RunStepDeltaEvent) -> Pattern[Any] | None:
    details = payload.delta.step_details
    if type(details) is not ToolCallDeltaObject or details.tool_calls is None or len(details.tool_calls) != 1:
        return None
    growing = _growing_call(details.tool_calls[0])
    if growing is None:
        return None
    payload, delta, details = replace(payload), replace(payload.delta), replace(details)
    kind, data = type(event), _data_of(event)
    key, grow = growing

    def make(piece: str, frame: bytes, _padding: str | None) -> Any:
        step = replace(delta, step_details=replace(details, tool_calls=[grow(piece)]))
        return kind(replace(payload, delta=step), frame[data])

    return Pattern(key, make)


def _growing_call(call: object) -> tuple[bytes, Callable[[str], Any]] | None:
    """Return the member of a call that grows, and what makes the call with another piece of it."""
    if isinstance(call, CodeInterpreterToolCallDelta):
        code, call = call.code_interpreter, replace(call)
        if code is None or not holds_only_plain(code):
            return None
        code = replace(code)
        return b"input", lambda piece: replace(call, code_interpreter=replace(code, input=piece))
    if isinstance(call, FunctionToolCallDelta):
        function, call = call.function, replace(call)
        if function is None or not holds_only_plain(function):
            return None
        function = replace(function)
        return b"arguments", lambda piece: replace(call, function=replace(function, arguments=piece))
    return None


def _data_of(event: Any) -> slice:
    """Return where the data stands in a plain frame with the name of an event."""
    return slice(len(f"event: {event.event}\ndata: ".encode()), None)
