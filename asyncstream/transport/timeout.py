"""The deadlines of one call. Pure: what they are, never the clock that enforces them (that is `transport.http`)."""

import math
from typing import Protocol, cast

from msgspec import Struct

from asyncstream.errors import ConfigurationError

__all__ = ["Timeout", "TimeoutTypes", "as_timeout"]


class Timeout(Struct, frozen=True, kw_only=True):
    """The deadlines of one call, in seconds; None sets no deadline.

    Each is optional on its own: ``Timeout(event=30)`` leaves the others at their defaults.

    Raises:
        ConfigurationError: A deadline is no number above zero.
    """

    connect: float | None = 5.0
    """Name resolution, TCP and TLS of one attempt."""
    response: float | None = 600.0
    """One attempt, from its start to the headers of a stream, or to the last byte of a JSON answer. With each piece of
    an upload or a download it begins anew."""
    event: float | None = 600.0
    """Between two events of a stream; keep-alive comments do not count as events."""
    total: float | None = None
    """The whole call: all attempts, the waits between them, and the stream to its end, over all its breaks."""

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            _check(getattr(self, name), f"timeout {name}")


class HTTPXTimeout(Protocol):
    """The deadlines of httpx's ``Timeout``, in seconds."""

    @property
    def connect(self) -> float | None:
        """For a connection."""

    @property
    def read(self) -> float | None:
        """For the next bytes of an answer."""


TimeoutTypes = Timeout | HTTPXTimeout | float | None
"""What `timeout=` takes: deadlines, a number of seconds, or None; and httpx's ``Timeout``, for code that comes from
openai-python."""


def as_timeout(timeout: TimeoutTypes) -> Timeout:
    """Return the deadlines that `timeout=` stands for.

    A number bounds the wait for the response and the wait between events, and the connect where it is below 5; a
    stream may last as long as it keeps sending. None is no deadline at all. Of httpx's ``Timeout``, `connect` is taken
    as it is, and `read` for the wait for the response and between events.

    Raises:
        ConfigurationError: It is neither a `Timeout`, nor None, nor a number above zero.
    """
    if isinstance(timeout, Timeout):
        return timeout
    if timeout is None:
        return Timeout(connect=None, response=None, event=None)
    if not isinstance(timeout, int | float) and hasattr(timeout, "connect") and hasattr(timeout, "read"):
        return Timeout(connect=timeout.connect, response=timeout.read, event=timeout.read)
    _check(timeout, "timeout")
    seconds = cast("float", timeout)
    return Timeout(connect=min(5.0, seconds), response=seconds, event=seconds)


def _check(seconds: object, name: str) -> None:
    if seconds is None:
        return
    # bool is an int: `timeout=True` is a mistake, not a second.
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 < seconds < math.inf:
        raise ConfigurationError(f"{name} must be a number of seconds above zero, or None for no deadline: {seconds!r}")
