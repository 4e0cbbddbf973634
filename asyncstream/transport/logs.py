"""The log of the package: an observer that writes to the logger ``asyncstream``, and the variables that switch it on.

DEBUG has a line for each request, answer, first event and tool that begins, INFO one for each end and each retry. As
all observers it knows no bodies, no headers, no query and no error texts, so that no line can hold a secret.
"""

import logging
import os

from asyncstream.transport.observing import (
    CallFailed,
    CallFinished,
    FirstEvent,
    Observation,
    Observer,
    RequestSent,
    ToolBegan,
    ToolEnded,
)

__all__ = ["LOG", "log_from_environment", "observers_of"]

LOG = logging.getLogger("asyncstream")

_VARIABLES = ("ASYNCSTREAM_LOG", "OPENAI_LOG")

_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}

_FORMAT = "%(asctime)s %(name)s %(levelname)s %(message)s"


def log_from_environment() -> None:
    """Set the level of the logger as ``ASYNCSTREAM_LOG``, else ``OPENAI_LOG`` says: debug, info, warning or error.

    If no logging is configured, the lines go to stderr. Any other value changes nothing, and so does a second call.
    """
    named = next((name for name in _VARIABLES if os.environ.get(name, "").strip()), None)
    level = None if named is None else _LEVELS.get(os.environ[named].strip().lower())
    if level is None:
        return
    LOG.setLevel(level)
    if not LOG.hasHandlers():
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter(_FORMAT))
        LOG.addHandler(handler)


def observers_of(observer: Observer | None) -> tuple[Observer, ...]:
    """Return who observes a call that begins now: the client's observer, and the log if it is on."""
    logged = (_log,) if LOG.isEnabledFor(logging.INFO) else ()
    return logged if observer is None else (observer, *logged)


def _log(seen: Observation) -> None:
    if isinstance(seen, ToolBegan | ToolEnded):
        _log_tool(seen)
        return
    call = seen.call
    what = f"call {call.id}: {call.method} {call.host}:{call.port} {call.path}"
    # A request id comes from the server: its repr has no control characters.
    match seen:
        case RequestSent():
            LOG.debug("%s: attempt %d, %d bytes", what, seen.attempt, seen.size)
        case FirstEvent():
            LOG.debug("%s: first event after %.3f s", what, seen.elapsed)
        case CallFinished():
            size = f"{seen.events} events, {seen.size} bytes" if call.streamed else f"{seen.size} bytes"
            end = f"{seen.status}, left" if seen.left else str(seen.status)
            LOG.info("%s: %s in %.3f s, %s, request id %r", what, end, seen.elapsed, size, seen.request_id)
        case CallFailed():
            then = "" if seen.retry_in is None else f", again in {seen.retry_in:.3f} s"
            status = "no answer" if seen.status is None else f"status {seen.status}, request id {seen.request_id!r}"
            LOG.info("%s: %s after %.3f s, %s%s", what, seen.error, seen.elapsed, status, then)
        case _:
            LOG.debug("%s: %d after %.3f s, request id %r", what, seen.status, seen.elapsed, seen.request_id)


def _log_tool(seen: ToolBegan | ToolEnded) -> None:
    what = f"tool {seen.id}: {seen.name}, round {seen.round}"
    if isinstance(seen, ToolBegan):
        LOG.debug("%s", what)
    else:
        LOG.info("%s: %s after %.3f s", what, seen.status, seen.elapsed)
