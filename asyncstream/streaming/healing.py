"""How a stream goes on whose body broke: `Healing`, which sends the request that fetches the rest, if there is one.

Some answers are kept by their server while they run, so that what a broken body did not bring can be asked for. Whether
that is so, and what to ask, the protocol says (`AfterBreak`); here it is asked, waited for, and given up, by the policy
for retries. Above it: the cursor, which goes on over both bodies as one answer. It holds no reference to the stream.

Rule 1: it is tried `max_retries` times at most until something new has come: until the protocol asks for another rest.
Rule 2: leaving a stream is no break, and what the server refuses is told in its own words.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeAlias, TypeVar

from msgspec import structs

from asyncstream.errors import (
    APIConnectionError,
    APIError,
    APITimeoutError,
    StreamError,
    StreamInterruptedError,
    StreamTimeoutError,
    StreamTruncatedError,
)
from asyncstream.streaming.opening import Opening
from asyncstream.streaming.reading import Accumulator
from asyncstream.transport.http import Transport
from asyncstream.transport.request import Request

if TYPE_CHECKING:
    from asyncstream.transport.live import LiveResponse

__all__ = ["AfterBreak", "GoingOn", "Healing", "failure_to_go_on"]

A = TypeVar("A", bound="Accumulator[Any]")


class GoingOn(NamedTuple, Generic[A]):
    """What a protocol says of a broken body whose answer may be running on."""

    request: Request | None
    """Asks for what the body did not bring; None if that cannot be asked for."""
    begin: Callable[[], A]
    """Gives the accumulator of the rest, once that is here."""
    word: str
    """What is said of it where the break is raised."""


AfterBreak: TypeAlias = Callable[[Request, A], GoingOn[A] | None]
"""Says how an answer goes on whose body broke, of the request that was sent for it and its accumulator.

None if it has ended with its connection. It must not know the stream.
"""


class Healing(Generic[A]):
    """Goes on with the answer of a stream after its body broke."""

    __slots__ = ("_after_break", "_last", "_transport")

    def __init__(self, transport: Transport, after_break: AfterBreak[A]) -> None:
        """Prepare; nothing is sent before something breaks.

        Args:
            transport: The door that opens responses.
            after_break: How the protocol goes on.
        """
        self._transport = transport
        self._after_break = after_break
        # What was asked for last: the same again means that nothing has come in between.
        self._last: Request | None = None

    def resume(self, broke: StreamError, sent: Request, accumulator: A, live: "LiveResponse") -> Opening[A] | None:
        """Send the request that goes on with a broken answer.

        Args:
            broke: How it broke; where it is to be raised, what is known of the answer is added to it.
            sent: What was sent for the answer.
            accumulator: What came of it.
            live: The response that broke.

        Returns:
            The request on its way; None if the break is to be raised.
        """
        if not isinstance(broke, StreamInterruptedError | StreamTruncatedError | StreamTimeoutError):
            return None
        going_on = self._after_break(sent, accumulator)
        if going_on is None:
            return None
        request = going_on.request
        # A deadline is the caller's own: it is kept, and what can be done then is the caller's choice.
        if request is not None and not isinstance(broke, StreamTimeoutError):
            retries = live.retries if request == self._last else 0
            delay = self._transport.delay_after_break(live, retries)
            if delay is not None:
                self._last = request
                # The deadlines are those of the answer, whatever brings it.
                opening = self._transport.reopen(
                    structs.replace(request, timeout=sent.timeout), live, retries=retries, delay=delay
                )
                return Opening(opening, request, going_on.begin, broke=broke)
        _say(broke, going_on.word)
        return None


def failure_to_go_on(error: Exception, broke: StreamError, accumulator: object) -> Exception:
    """Return what is raised when a request that goes on has failed.

    Args:
        error: How it failed.
        broke: The break that it was sent after.
        accumulator: What came of the answer before.
    """
    if not isinstance(error, APIError):
        error.__cause__ = broke
        return error
    if isinstance(error, APIConnectionError) and error.status is None:
        if not isinstance(error, APITimeoutError):
            # The network again. The stream had begun, so that it is the stream that has failed.
            _say(broke, f"it could not be gone on with: {error.message}")
            return broke
        error = StreamTimeoutError(error.message, events_seen=broke.events_seen)
    # Also on what is no error of a stream by its class: that had begun all the same.
    error.partial = accumulator  # type: ignore[attr-defined]
    error.__cause__ = broke
    return error


def _say(error: StreamError, more: str) -> None:
    error.message = f"{error.message}; {more}"
    error.args = (error.message,)
