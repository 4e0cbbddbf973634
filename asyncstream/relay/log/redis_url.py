"""The URL of a Redis, judged before anything is sent: where it is, and whether its options can be used. Pure.

Above it: `redis_link`, which has redis-py judge what is left: the values.

Rule 1: what was given is not repeated in a message, for it may hold a password.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple
from urllib.parse import SplitResult, parse_qsl, unquote, urlencode, urlsplit

from asyncstream.errors import ConfigurationError

__all__ = ["Address", "Place", "place_of"]

Address = tuple[str, int | None]
"""Host and port; of a socket in the file system its path and None."""

_EXPECTED = (
    "expected the URL of a Redis: redis://HOST:PORT/DB, rediss://..., unix://PATH, redis+cluster://HOST:PORT,HOST:PORT "
    "or redis+sentinel://HOST:PORT,HOST:PORT/MASTER/DB"
)

_PORTS = {"one": 6379, "cluster": 6379, "sentinel": 26379}

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

_SENTINEL_OPTIONS = {"sentinel_username", "sentinel_password"}

_KINDS: Mapping[str, Any] = {
    "redis": "one",
    "rediss": "one",
    "unix": "unix",
    "redis+cluster": "cluster",
    "rediss+cluster": "cluster",
    "redis+sentinel": "sentinel",
    "rediss+sentinel": "sentinel",
}

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


class Place(NamedTuple):
    """Where an URL leads."""

    kind: Literal["one", "cluster", "sentinel"]
    addresses: Sequence[Address]
    """Of the Redis, of some nodes of the cluster, of the Sentinels; one at least."""
    url: str
    """What redis-py takes: of the first address, with the options of every connection. It may hold a password."""
    service: str = ""
    """What the Sentinels call the master."""
    sentinel_options: Mapping[str, str] = {}
    """The name and the password that the Sentinels themselves want."""


def _split(url: str) -> SplitResult:
    """Split an URL whose host may be several, of which Python 3.13 judges the brackets as if it were one."""
    scheme, _, rest = url.partition("://")
    hosts = rest
    for mark in "/?#":
        hosts = hosts.partition(mark)[0]
    parts = urlsplit(f"{scheme}://{rest[len(hosts) :]}")
    return SplitResult(parts.scheme, hosts, parts.path, parts.query, parts.fragment)


def place_of(url: Any) -> Place:
    """Return where an URL leads.

    Raises:
        ConfigurationError: This is no URL of a Redis, or it has options that cannot be used.
    """
    try:
        parts = _split(url)
        kind = _KINDS[parts.scheme]
        if kind == "unix":
            _check_options(parts)
            if not parts.path:
                raise ValueError
            return Place("one", [(parts.path, None)], url)
        credentials, _, hosts = parts.netloc.rpartition("@")
        addresses = [_address(host, _PORTS[kind]) for host in hosts.split(",")]
    except (KeyError, ValueError, TypeError, AttributeError):
        raise ConfigurationError(_EXPECTED) from None
    if kind == "one" and len(addresses) > 1:
        raise ConfigurationError(f"one Redis has one address, a Redis Cluster has redis+cluster://; {_EXPECTED}")
    service, database = "", parts.path
    if kind == "sentinel":
        service, slash, database = parts.path.removeprefix("/").partition("/")
        database = slash + database
        if not service:
            raise ConfigurationError(f"expected the name of the master in the path of the URL; {_EXPECTED}")
    if not _DATABASE.fullmatch(database) or (kind == "cluster" and database not in ("", "/", "/0")):
        raise ConfigurationError(
            "expected the path of the URL of a Redis to be the number of a database, which is 0 in a cluster"
        )
    _check_options(parts)
    given = parse_qsl(parts.query, keep_blank_values=True)
    theirs = {name.removeprefix("sentinel_"): value for name, value in given if name in _SENTINEL_OPTIONS}
    host, port = addresses[0]
    query = urlencode([(name, value) for name, value in given if name not in _SENTINEL_OPTIONS])
    plain = f"{parts.scheme.partition('+')[0]}://{credentials}{'@' * bool(credentials)}"
    plain += f"{f'[{host}]' if ':' in host else host}:{port}{database}{'?' * bool(query)}{query}"
    return Place(kind, addresses, plain, unquote(service), theirs)


def _address(text: str, port: int) -> Address:
    parts = urlsplit(f"//{text}")
    return parts.hostname or "localhost", parts.port or port


def _check_options(parts: SplitResult) -> None:
    allowed = _OPTIONS | _TLS_OPTIONS if parts.scheme.startswith("rediss") else _OPTIONS
    if "sentinel" in parts.scheme:
        allowed = allowed | _SENTINEL_OPTIONS
    if "cluster" in parts.scheme:
        allowed = allowed - {"db"}
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
