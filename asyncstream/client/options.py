"""The options of a client: what they are, where an absent one comes from, and what makes one unusable. Opens nothing.

Above it: `client`. Beside it: `azure`, which fills them in for Azure.
"""

import os
import ssl
from collections.abc import Mapping
from typing import TypedDict

from yarl import URL

from asyncstream.errors import ConfigurationError
from asyncstream.transport.connections import BaseConnector, ClientSession, Connections
from asyncstream.transport.dialects import OPENAI, Dialect
from asyncstream.transport.http import ApiKey, Transport
from asyncstream.transport.observing import Observer
from asyncstream.transport.proxies import parse_proxy
from asyncstream.transport.request import (
    HeaderValues,
    check_key,
    check_mapping,
    join_url,
    merge_headers,
    parse_base_url,
)
from asyncstream.transport.timeout import Timeout, TimeoutTypes, as_timeout

__all__ = [
    "DEFAULT_BASE_URL",
    "ClientOptions",
    "CommonOptions",
    "ConnectionOptions",
    "make_connections",
    "make_transport",
    "merge_options",
]

DEFAULT_BASE_URL = "https://api.openai.com/v1"


class ConnectionOptions(TypedDict, total=False):
    """How connections are made. A derived client that is given one of these has connections of its own."""

    session: ClientSession | None
    connector: BaseConnector | None
    proxy: str | None
    trust_env: bool
    ssl_context: ssl.SSLContext | None


class CommonOptions(ConnectionOptions, total=False):
    """The keywords that all ways to make a client have."""

    timeout: TimeoutTypes
    max_retries: int
    default_headers: HeaderValues | None
    default_query: Mapping[str, object] | None
    max_event_bytes: int | None
    observer: Observer | None


class ClientOptions(CommonOptions, total=False):
    """The keywords of `AsyncClient`; an absent one keeps what a derived client has."""

    api_key: ApiKey | None
    base_url: str | None
    organization: str | None
    project: str | None
    dialect: Dialect


def merge_options(given: ClientOptions, changed: ClientOptions) -> ClientOptions:
    """Return the options of a derived client: headers and queries are merged, all others replaced."""
    merged: ClientOptions = {**given, **changed}
    merged["default_headers"] = {**(given.get("default_headers") or {}), **(changed.get("default_headers") or {})}
    merged["default_query"] = {**(given.get("default_query") or {}), **(changed.get("default_query") or {})}
    if changed.get("session") is not None:
        # A session brings its own; what the other client had is not meant.
        for name in _WITHOUT_SESSION - changed.keys():
            merged.pop(name, None)  # type: ignore[misc]  # the names are keys, but no literals here
    elif not changed.keys().isdisjoint(_WITHOUT_SESSION) and "session" not in changed:
        merged["session"] = None
    return merged


_WITHOUT_SESSION = ConnectionOptions.__optional_keys__ - {"session"}


def make_connections(options: ConnectionOptions) -> Connections:
    """Return connections as the options want them; none is opened yet.

    Raises:
        ConfigurationError: One cannot be used, or stands beside a session, whose own business it is.
    """
    session = options.get("session")
    if session is not None:
        for name in sorted(_WITHOUT_SESSION):
            if options.get(name):
                raise ConfigurationError(f"{name} and session exclude each other: give it to the session")
    context = options.get("ssl_context")
    if context is not None and not isinstance(context, ssl.SSLContext):
        raise ConfigurationError(f"ssl_context must be an ssl.SSLContext, not {type(context).__name__}")
    connector = options.get("connector")
    if connector is not None and context is not None:
        raise ConfigurationError("ssl_context and connector exclude each other: give it to the connector")
    proxy = options.get("proxy")
    return Connections(
        session,
        connector=connector,
        proxy=None if proxy is None else parse_proxy(proxy, "proxy"),
        trust_env=options.get("trust_env", False),
        ssl_context=context,
    )


def make_transport(options: ClientOptions, connections: Connections) -> Transport:
    """Return the door that the options describe; what is absent comes from the environment.

    Raises:
        ConfigurationError: There is no key, or an option cannot be used.
    """
    base_url = _base_url(options.get("base_url"))
    query = options.get("default_query")
    check_mapping(query, "default_query")
    # A wrong value is found now, and not by the first call.
    join_url(base_url, "", query or {})
    return Transport(
        connections,
        base_url=base_url,
        api_key=_api_key(options.get("api_key")),
        headers=_headers(options),
        query=query,
        timeout=as_timeout(options.get("timeout", Timeout())),
        max_retries=_count(options.get("max_retries", 2), "max_retries", least=0),
        max_event_bytes=_limit(options.get("max_event_bytes")),
        dialect=options.get("dialect", OPENAI),
        observer=_observer(options.get("observer")),
    )


def _api_key(given: ApiKey | None) -> ApiKey:
    if given is None:
        found = os.environ.get("OPENAI_API_KEY", "").strip()
        if not found:
            raise ConfigurationError(
                "no API key: give `api_key=`, or set the environment variable OPENAI_API_KEY "
                '(`api_key=""` is for servers that need none)'
            )
        return check_key(found, "OPENAI_API_KEY")
    return given if callable(given) else check_key(given, "api_key")


def _base_url(given: str | None) -> URL:
    if given is not None:
        return parse_base_url(given)
    found = os.environ.get("OPENAI_BASE_URL", "").strip()
    return parse_base_url(found or DEFAULT_BASE_URL, "OPENAI_BASE_URL")


def _headers(options: ClientOptions) -> HeaderValues:
    headers: dict[str, str | None] = {}
    for name, variable, given in (
        ("OpenAI-Organization", "OPENAI_ORG_ID", options.get("organization")),
        ("OpenAI-Project", "OPENAI_PROJECT_ID", options.get("project")),
    ):
        value = os.environ.get(variable, "").strip() if given is None else given
        if value:
            headers[name] = value
    check_mapping(options.get("default_headers"), "default_headers")
    headers |= options.get("default_headers") or {}
    merge_headers(headers)
    return headers


def _count(value: object, name: str, *, least: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ConfigurationError(f"{name} must be an integer of at least {least}: {value!r}")
    return value


def _limit(given: int | None) -> int | None:
    return None if given is None else _count(given, "max_event_bytes", least=1)


def _observer(given: Observer | None) -> Observer | None:
    if given is not None and not callable(given):
        raise ConfigurationError(f"observer must be a function of one observation, not {type(given).__name__}")
    return given
