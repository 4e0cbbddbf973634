"""Fold a whole response, as it comes to a request that did not ask for a stream, by the rules for streams. Pure.

It was paid for, so it is read in whatever form it comes: as JSON, as JSON with a `data: [DONE]` behind it, or as the
event stream that was not asked for. A response says itself how it ended, so that one that has not ended, or has failed,
is returned like any other.
"""

from typing import Final

from asyncstream.accumulators.responses.accumulator import ResponseAccumulator
from asyncstream.decoding import UnreadableJSON, load_json, split_first_json
from asyncstream.errors import APIResponseValidationError
from asyncstream.events.control import ErrorEvent
from asyncstream.events.decode import decode_stream
from asyncstream.events.payloads import error_in
from asyncstream.events.responses import WIRE
from asyncstream.sse import begins_as_stream
from asyncstream.types.responses import Response
from asyncstream.types.structs import ParsedT

__all__ = ["fold_answer"]

_STATES: Final = frozenset({"queued", "in_progress", "completed", "incomplete", "failed", "cancelled"})


def fold_answer(data: bytes, *, text_format: type[ParsedT] | None = None) -> Response[ParsedT]:
    """Read the body of a whole response.

    Args:
        data: The body.
        text_format: The type that the request asked for.

    Raises:
        StreamEventError: The body reports an error, or is the event stream of a response that failed.
        StreamTruncatedError: It is an event stream that was cut.
        StreamDecodeError: It is an event stream, of which something cannot be read.
        APIResponseValidationError: It is no response.
    """
    accumulator = ResponseAccumulator(text_format=text_format)
    if begins_as_stream(data):
        for event in decode_stream(data, "responses"):
            accumulator.push(event)
        accumulator.finish()
        return accumulator.response
    whole, state = _checked(data, accumulator)
    for item in WIRE.decode_data("", [b'{"type":"response.%b","response":%b}' % (state.encode(), whole)]):
        if isinstance(item, Exception):
            raise APIResponseValidationError(str(item), body=data) from item
        if item is not None:
            accumulator.push(item)
    return accumulator.response


def _checked(data: bytes, accumulator: object) -> tuple[bytes, str]:
    """Return the JSON of a response, and how far that is."""
    whole = data
    try:
        try:
            value = load_json(data)
        except UnreadableJSON:
            whole, rest = split_first_json(data)
            if rest.strip() != b"data: [DONE]" and rest.strip() != b"[DONE]":
                raise
            value = load_json(whole)
    except UnreadableJSON as error:
        raise APIResponseValidationError("no JSON object", body=data) from error
    if not isinstance(value, dict):
        raise APIResponseValidationError("no JSON object", body=data)
    if value.get("object") != "response" and not isinstance(value.get("output"), list):
        reported = error_in("", value)
        if reported is not None:
            raise ErrorEvent(reported, data).to_error(accumulator, 0)
        raise APIResponseValidationError("no response", body=data)
    status = value.get("status")
    return whole, status if isinstance(status, str) and status in _STATES else "completed"
