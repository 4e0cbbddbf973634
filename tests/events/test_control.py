"""The events that no protocol owns: an error event is the error that its stream raises."""

from asyncstream.errors import StreamEventError
from asyncstream.events.control import ErrorEvent, ErrorObject


def test_an_error_event_makes_its_error():
    event = ErrorEvent(ErrorObject("too busy", code=502, type="server_error", param="model"), b'{"error":{}}')

    error = event.to_error(event, 7)

    assert StreamEventError is type(error)
    assert ("too busy", 502, "server_error", "model") == (error.message, error.code, error.type, error.param)
    assert (b'{"error":{}}', event, 7) == (error.body, error.partial, error.events_seen)


def test_without_a_stream_it_has_no_partial():
    error = ErrorEvent(ErrorObject("x")).to_error()

    assert (None, 0, b"") == (error.partial, error.events_seen, error.body)
