"""Foreign exceptions, mapped to the package's own errors: the one place where they are mapped. Pure; raises nothing.

Above it: `transport.http`.

Rule 1: no foreign exception becomes a `__cause__` that would print a secret of the request.
"""

import aiohttp

from asyncstream.errors import (
    APIConnectionError,
    APIResponseValidationError,
    APITimeoutError,
    AsyncStreamError,
    ConfigurationError,
)
from asyncstream.transport.redaction import Secrets
from asyncstream.transport.retry import FailureKind

__all__ = ["FOREIGN", "broken_body", "connection_error", "safe_cause"]

FOREIGN = (aiohttp.ClientError, OSError, RuntimeError, ValueError, TypeError)
"""What aiohttp raises for a request or a body; `TimeoutError` is an `OSError`."""


def connection_error(
    error: Exception, *, target: str, connect: float | None, sent: bool, secrets: Secrets
) -> tuple[AsyncStreamError, FailureKind]:
    """Return the package's error for a foreign exception of an attempt without an answer, and the kind of failure.

    Args:
        error: What aiohttp raised.
        target: The host and port that were called.
        connect: The connect deadline in seconds.
        sent: Whether the request may have left.
        secrets: What the message must not repeat.
    """
    make, message, kind = _explain(error, target, connect, sent=sent)
    return make(secrets.redact(message)), kind


def _explain(
    error: Exception, target: str, connect: float | None, *, sent: bool
) -> tuple[type[AsyncStreamError], str, FailureKind]:
    match error:
        case aiohttp.ConnectionTimeoutError():
            limit = "" if connect is None else f" within {connect:g} s"
            return APITimeoutError, f"no connection to {target}{limit}", "connect"
        case aiohttp.ClientConnectorCertificateError():
            return APIConnectionError, f"the certificate of {target} was refused: {error.certificate_error}", "final"
        case aiohttp.ServerFingerprintMismatch():
            return APIConnectionError, f"the certificate of {target} has another fingerprint than expected", "final"
        case aiohttp.ClientProxyConnectionError():
            return APIConnectionError, f"no connection to the proxy for {target}: {_os_reason(error)}", "connect"
        case aiohttp.ClientConnectorError():
            return APIConnectionError, f"no connection to {target}: {_os_reason(error)}", "connect"
        case aiohttp.ClientHttpProxyError():
            return APIConnectionError, f"the proxy for {target} answered {error.status} {error.message}", "final"
        case aiohttp.ClientResponseError():
            # What is left once redirects and `raise_for_status` are off: no HTTP, or in a coding that needs a package.
            message = f"the answer from {target} cannot be read: {_first_line(error.message)}"
            return APIResponseValidationError, message, "final"
        case aiohttp.InvalidURL() | aiohttp.NonHttpUrlClientError():
            return ConfigurationError, f"the URL of {target} cannot be called", "final"
        case TimeoutError():
            return APITimeoutError, f"no response from {target}", "response_timeout"
        case aiohttp.ServerDisconnectedError():
            return APIConnectionError, f"{target} closed the connection before an answer", _disconnected(error)
        case OSError():
            message = f"the connection to {target} broke before an answer: {_os_reason(error)}"
            return APIConnectionError, message, "disconnected"
        case aiohttp.ClientConnectionError():
            message = f"the connection to {target} failed: {type(error).__name__}"
            return APIConnectionError, message, "disconnected" if sent else "connect"
        case RuntimeError() | ValueError() | TypeError():
            # A closed session, a loop that is gone, a header or URL that aiohttp refuses.
            return ConfigurationError, f"the request to {target} could not be made: {_first_line(str(error))}", "final"
        case _:
            return APIConnectionError, f"the request to {target} failed: {type(error).__name__}", "final"


def _disconnected(error: aiohttp.ServerDisconnectedError) -> FailureKind:
    # With the first bytes of an answer aiohttp gives the half-read head instead of a text: the server had begun.
    return "disconnected" if isinstance(error.message, str) else "broken"


def _os_reason(error: OSError) -> str:
    # What aiohttp says of a body that it could not write names the URL; the system's own error below it does not.
    below = error.__cause__ if isinstance(error.__cause__, OSError) else error
    cause = getattr(error, "os_error", below)
    return cause.strerror or str(cause) or type(cause).__name__


def _first_line(text: str) -> str:
    return next((line.strip().rstrip(":") for line in text.splitlines() if line.strip()), "unreadable")


def broken_body(error: Exception, secrets: Secrets) -> str:
    """Return why a body could not be read to its end, in a few words."""
    # aiohttp puts the reason last, below a status that no server sent.
    return secrets.redact(str(error).strip().rpartition("\n")[2].strip() or type(error).__name__)


def safe_cause(error: BaseException | None, secrets: Secrets) -> BaseException | None:
    """Return the exception to chain from: the nearest that neither prints a secret nor holds one in its repr.

    It comes without its traceback: the frames of aiohttp have the headers of the request among their local variables,
    which trackers of errors print.
    """
    while error is not None and _is_telling(error, secrets):
        error = error.__cause__
    if error is not None:
        error.__traceback__ = error.__context__ = None
        error.__cause__ = safe_cause(error.__cause__, secrets)
    return error


def _is_telling(error: BaseException, secrets: Secrets) -> bool:
    if isinstance(error, aiohttp.ClientResponseError | aiohttp.ClientProxyConnectionError):
        # The repr of the one shows the request's headers, of the other the proxy's password.
        return True
    # Attributes too: a JSONDecodeError keeps all that was decoded.
    text = f"{error} {error!r} {vars(error)}"
    return secrets.redact(text) != text
