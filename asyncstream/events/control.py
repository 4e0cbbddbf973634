"""The events that no protocol owns: the end, an error, words that may be one, and an event nobody knows.

Each is a wrapper made by code, never decoded itself. `event` narrows a union beside its tag; `type` does it among
events that are tagged by that.
"""

from typing import ClassVar, Literal

from msgspec import Struct

from asyncstream.errors import ErrorValue, StreamEventError

__all__ = ["DoneEvent", "ErrorEvent", "ErrorObject", "RemarkEvent", "UnknownEvent"]


class ErrorObject(Struct, frozen=True, gc=False):
    """What an error event says. `code`, `type` and `param` keep the JSON type that the server sent.

    In `message` half of a surrogate pair is U+FFFD, so that the error can be printed.
    """

    message: str
    code: ErrorValue = None
    type: ErrorValue = None
    param: ErrorValue = None


class ErrorEvent(Struct, frozen=True, gc=False, tag_field="event", tag="error"):
    """The server reports that the stream failed. A stream raises it, `decode_stream` yields it."""

    event: ClassVar[Literal["error"]] = "error"
    type: ClassVar[Literal["error"]] = "error"
    data: ErrorObject
    raw: bytes = b""
    """The payload as received."""

    def to_error(self, partial: object = None, events_seen: int = 0) -> StreamEventError:
        """Return the error that ends a stream in which this event came.

        Args:
            partial: The accumulator with all that came before it, which is raised with it.
            events_seen: How many events came before it.
        """
        return StreamEventError(
            self.data.message,
            code=self.data.code,
            type=self.data.type,
            param=self.data.param,
            body=self.raw,
            partial=partial,
            events_seen=events_seen,
        )


class DoneEvent(Struct, frozen=True, gc=False, tag_field="event", tag="done"):
    """The server says that nothing follows (`[DONE]`). A stream ends with it, `decode_stream` yields it."""

    event: ClassVar[Literal["done"]] = "done"
    type: ClassVar[Literal["done"]] = "done"
    data: str = "[DONE]"
    raw: bytes = b""


class RemarkEvent(Struct, frozen=True, gc=False, tag_field="event", tag="remark"):
    """An object that is nothing of the protocol and speaks of a failure: that counts if the answer does not go on.

    It folds nothing. `decode_stream` yields it for the accumulator, which keeps it in mind; a stream does not.
    """

    event: ClassVar[Literal["remark"]] = "remark"
    type: ClassVar[Literal["remark"]] = "remark"
    data: ErrorObject
    certain: bool
    """Whether more than a message says that it is a failure: then `[DONE]` does not make the answer complete."""
    raw: bytes = b""
    """The payload as received."""

    def to_error(self, partial: object = None, events_seen: int = 0) -> StreamEventError:
        """Return the error that ends an answer which did not go on, as `ErrorEvent.to_error` does."""
        return ErrorEvent(self.data, self.raw).to_error(partial, events_seen)


class UnknownEvent(Struct, frozen=True, gc=False, tag_field="event", tag="unknown"):
    """An event under a name that the protocol does not have; it folds nothing."""

    event: ClassVar[Literal["unknown"]] = "unknown"
    type: ClassVar[Literal["unknown"]] = "unknown"
    name: str
    """The wire's name; "message" if it sent none."""
    raw: bytes = b""
