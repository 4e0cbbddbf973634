"""The URL of a Redis, judged before anything is sent: where it is, and whether its options can be used. Pure.

Above it: `redis_link`, which has redis-py judge what is left: the values.

Rule 1: what was given is not repeated in a message, for it may hold a password.
"""

import re
from typing import Any
from urllib.parse import SplitResult, parse_qsl, urlsplit

from asyncstream.errors import ConfigurationError

__all__ = ["Address", "address_of"]

Address = tuple[str, int | None]
"""Host and port; of a socket in the file system its path and None."""

_EXPECTED = "expected the URL of a Redis: redis://HOST:PORT/DB, rediss://... or unix://PATH"

_OPTIONS = {
    "client_name",
    "db",
    "health_check_interval",
    "lib_name",
    "lib_version",
    "password",
    "socket_keepalive",
    "username",
}
_TLS_OPTIONS = {
    "ssl_ca_certs",
    "ssl_ca_data",
    "ssl_ca_path",
    "ssl_cert_reqs",
    "ssl_certfile",
    "ssl_check_hostname",
    "ssl_ciphers",
    "ssl_keyfile",
    "ssl_password",
}
"""The options that a URL can give; what else redis-py has breaks the store, or cannot be written as text."""

_ARGUMENTS = {"socket_connect_timeout": "connect_timeout", "socket_timeout": "connect_timeout"}
_NEVER = {
    "decode_responses",
    "encoding",
    "encoding_errors",
    "max_connections",
    "protocol",
    "retry",
    "retry_on_error",
    "retry_on_timeout",
    "single_connection_client",
    "timeout",
}
"""Named when they are refused. Any other word may be a part of a password with a `?` in it."""

_DATABASE = re.compile(r"/?|/[0-9]{1,9}/?")


def address_of(url: Any) -> Address:
    """Return where a Redis is.

    Raises:
        ConfigurationError: This is no URL of one Redis, or it has options that cannot be used.
    """
    try:
        parts = urlsplit(url)
        scheme = parts.scheme
        hosts = parts.netloc.rpartition("@")[2]
        port = None if "," in hosts else parts.port
    except (ValueError, TypeError, AttributeError):
        raise ConfigurationError(_EXPECTED) from None
    if isinstance(scheme, str):
        if "sentinel" in scheme or "cluster" in scheme or (scheme.startswith("redis") and "," in hosts):
            kind = "Sentinel" if "sentinel" in scheme else "Cluster"
            raise ConfigurationError(f"Redis {kind} is not supported yet; {_EXPECTED}")
        if scheme == "unix" and parts.path:
            _check_options(parts)
            return parts.path, None
        if scheme in ("redis", "rediss"):
            if not _DATABASE.fullmatch(parts.path):
                raise ConfigurationError("expected the path of the URL of a Redis to be the number of a database")
            _check_options(parts)
            return parts.hostname or "localhost", port or 6379
    raise ConfigurationError(_EXPECTED)


def _check_options(parts: SplitResult) -> None:
    allowed = _OPTIONS | _TLS_OPTIONS if parts.scheme == "rediss" else _OPTIONS
    given = [name for name, _ in parse_qsl(parts.query, keep_blank_values=True)]
    for name in given:
        if name in allowed:
            continue
        if name in _ARGUMENTS:
            why = f"{name} is the store's argument {_ARGUMENTS[name]}="
        elif name in _TLS_OPTIONS:
            why = f"{name} goes with rediss://"
        elif name in _NEVER:
            why = f"{name} is decided by the store"
        else:
            why = "expected one of " + ", ".join(sorted(allowed))
        raise ConfigurationError(f"the URL of the Redis has an option that cannot be used: {why}")
    if ("ssl_certfile" in given) != ("ssl_keyfile" in given):
        # Before 8.0 redis-py connects without either; of one file for both, both are the name.
        raise ConfigurationError("ssl_certfile and ssl_keyfile go together in the URL of the Redis")
