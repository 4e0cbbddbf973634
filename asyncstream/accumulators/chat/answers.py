"""Fold a whole chat answer, as it comes to a request that did not ask for a stream, by the rules for streams. Pure.

It was paid for, so it is read in whatever form it comes: as JSON, as JSON with a `data: [DONE]` behind it, or as the
event stream that was not asked for.
"""

from collections.abc import Callable, Mapping

from asyncstream.accumulators.chat.accumulator import ChatAccumulator
from asyncstream.decoding import UnreadableJSON, split_first_json
from asyncstream.errors import APIResponseValidationError, StreamDecodeError, StreamTruncatedError
from asyncstream.events.chat import Decoded, decode_data
from asyncstream.events.control import DoneEvent
from asyncstream.events.decode import decode_stream
from asyncstream.sse import begins_as_stream
from asyncstream.types.chat import ChatCompletion
from asyncstream.types.structs import ParsedT

__all__ = ["fold_answer"]


def fold_answer(
    data: bytes,
    *,
    response_format: type[ParsedT] | None = None,
    tool_types: Mapping[str, Callable[..., object]] | None = None,
) -> ChatCompletion[ParsedT]:
    """Read the body of a whole answer.

    Args:
        data: The body of the response.
        response_format: The type that the request asked for.
        tool_types: The types of its tools, as in `ChatAccumulator`.

    Raises:
        StreamEventError: The body reports an error.
        StreamTruncatedError: It is an event stream that was cut.
        StreamDecodeError: It is an event stream, of which something cannot be read.
        APIResponseValidationError: It is no chat completion.
    """
    accumulator = ChatAccumulator(response_format=response_format, tool_types=tool_types)
    if begins_as_stream(data):
        for event in decode_stream(data, "chat"):
            accumulator.push(event)
        accumulator.finish()
        return accumulator.completion
    for item in _decode(data):
        if isinstance(item, StreamDecodeError):
            raise APIResponseValidationError(item.message, body=data) from item
        if not isinstance(item, DoneEvent):
            accumulator.push(item)
    try:
        if accumulator.events_seen:
            # It need not say that it is whole.
            accumulator.push(DoneEvent())
        accumulator.finish()
    except StreamTruncatedError as error:
        raise APIResponseValidationError("no chat completion", body=data) from error
    return accumulator.completion


def _decode(data: bytes) -> Decoded:
    if not data.lstrip().startswith((b"{", b"[")):
        raise APIResponseValidationError("no JSON object", body=data)
    decoded = _decode_payload(data)
    if decoded and isinstance(decoded[-1], StreamDecodeError):
        try:
            first, rest = split_first_json(data)
        except UnreadableJSON:
            return decoded
        rest = rest.strip()
        if rest == b"[DONE]":
            return _decode_payload(first)
        if begins_as_stream(rest):
            return [*_decode_payload(first), *decode_stream(rest, "chat")]
    return decoded


def _decode_payload(data: bytes) -> Decoded:
    return [event for event in decode_data("", [data]) if event is not None]
