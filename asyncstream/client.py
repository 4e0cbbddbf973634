"""The client: where the server is, who calls, and the nouns that can be called.

It owns (or borrows) the connections and hands one `Transport` to every noun. It knows endpoints by name only: what they
take and give is in `resources`, what is sent and retried in `transport`.
"""

import os
from collections.abc import Mapping
from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING, NoReturn, TypedDict, Unpack

from yarl import URL

from asyncstream.errors import ConfigurationError
from asyncstream.resources.assistants import Assistants
from asyncstream.resources.threads import Threads
from asyncstream.transport.connections import Connections
from asyncstream.transport.http import ApiKey, Transport
from asyncstream.transport.request import (
    HeaderValues,
    check_key,
    check_mapping,
    join_url,
    merge_headers,
    parse_base_url,
)
from asyncstream.transport.timeout import Timeout, TimeoutTypes, as_timeout

if TYPE_CHECKING:
    from aiohttp import ClientSession

__all__ = ["AsyncClient", "ClientOptions"]

DEFAULT_BASE_URL = "https://api.openai.com/v1"

_MAX_EVENT_BYTES = 16 << 20
"""Bytes of one event: a base64 image in a delta has some MiB, and a line that never ends must end somewhere."""


class ClientOptions(TypedDict, total=False):
    """The keywords of `AsyncClient`; an absent one keeps what a derived client has."""

    api_key: ApiKey | None
    base_url: str | None
    organization: str | None
    project: str | None
    timeout: TimeoutTypes
    max_retries: int
    default_headers: HeaderValues | None
    default_query: Mapping[str, object] | None
    session: "ClientSession | None"
    max_event_bytes: int


class AsyncClient:
    """A client for APIs that speak OpenAI's protocols.

    Use it with ``async with``, or call `close` at the end. It opens no connection before the first call, and belongs to
    the event loop of that call. Every call takes `timeout=` (None is the client's), `extra_headers=`, `extra_query=`
    and `extra_body=` of its own, which come last.

    Args:
        api_key: The key; None takes ``OPENAI_API_KEY``. "" sends no ``Authorization`` header, for local servers. An
            async function is asked for a key for each request.
        base_url: Where the paths begin, with or without a trailing slash; a query in it is sent with each request. None
            takes ``OPENAI_BASE_URL``, else OpenAI's.
        organization: Sent as ``OpenAI-Organization``; None takes ``OPENAI_ORG_ID``.
        project: Sent as ``OpenAI-Project``; None takes ``OPENAI_PROJECT_ID``.
        timeout: The deadlines of each call. A number of seconds bounds the wait for a response and between events; None
            sets no deadline.
        max_retries: How often a failed request is repeated at most, where that cannot begin a second run.
        default_headers: Sent with each request, over the client's own; None as a value removes one of these.
        default_query: Sent with each request.
        session: An aiohttp session to use instead of an own one, for proxies or tracing; it is never closed here. A
            connection in it that the server has closed meanwhile is not replaced, as its reuse cannot be seen.
        max_event_bytes: The most that one event of a stream may have.

    Raises:
        ConfigurationError: There is no key, or an argument cannot be used.
    """

    def __init__(
        self,
        *,
        api_key: ApiKey | None = None,
        base_url: str | None = None,
        organization: str | None = None,
        project: str | None = None,
        timeout: TimeoutTypes = Timeout(),  # noqa: B008 - frozen, so that one default serves all clients
        max_retries: int = 2,
        default_headers: HeaderValues | None = None,
        default_query: Mapping[str, object] | None = None,
        session: "ClientSession | None" = None,
        max_event_bytes: int = _MAX_EVENT_BYTES,
    ) -> None:
        options = ClientOptions(
            api_key=api_key,
            base_url=base_url,
            organization=organization,
            project=project,
            timeout=timeout,
            max_retries=max_retries,
            default_headers=default_headers,
            default_query=default_query,
            session=session,
            max_event_bytes=max_event_bytes,
        )
        self._set_up(options, Connections(session), owner=True)

    def _set_up(self, options: ClientOptions, connections: Connections, *, owner: bool) -> None:
        self._options = options
        self._connections = connections
        self._owner = owner
        self._base_url = _base_url(options.get("base_url"))
        check_mapping(options.get("default_query"), "default_query")
        # A wrong value is found now, and not by the first call.
        join_url(self._base_url, "", options.get("default_query") or {})
        self._transport = Transport(
            connections,
            base_url=self._base_url,
            api_key=_api_key(options.get("api_key")),
            headers=_headers(options),
            query=options.get("default_query"),
            timeout=as_timeout(options.get("timeout", Timeout())),
            max_retries=_count(options.get("max_retries", 2), "max_retries", least=0),
            max_event_bytes=_count(options.get("max_event_bytes", _MAX_EVENT_BYTES), "max_event_bytes", least=1),
        )

    def __repr__(self) -> str:
        return f"AsyncClient(base_url={self.base_url!r})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a client holds a key and connections: make one where it is needed instead of pickling it")

    @property
    def base_url(self) -> str:
        """Where the paths begin, without a query."""
        return str(self._base_url.with_query(None))

    @property
    def closed(self) -> bool:
        """Whether no more calls can be made."""
        return self._connections.closed

    @cached_property
    def assistants(self) -> Assistants:
        """Models with instructions and tools."""
        return Assistants(self._transport)

    @cached_property
    def threads(self) -> Threads:
        """Conversations, their messages and runs."""
        return Threads(self._transport)

    @cached_property
    def beta(self) -> "Beta":
        """The same nouns under openai-python's name for them."""
        return Beta(self)

    def with_options(self, **options: Unpack[ClientOptions]) -> "AsyncClient":
        """Return a client with other options on the same connections.

        An absent keyword keeps this client's option; `default_headers` and `default_query` are merged over its own.
        Closing the derived client closes nothing; closing this one closes both. With `session` the derived client is on
        its own.

        Raises:
            ConfigurationError: As in `AsyncClient`.
        """
        merged: ClientOptions = {**self._options, **options}
        merged["default_headers"] = {
            **(self._options.get("default_headers") or {}),
            **(merged.get("default_headers") or {}),
        }
        merged["default_query"] = {**(self._options.get("default_query") or {}), **(merged.get("default_query") or {})}
        derived = object.__new__(type(self))
        if "session" in options:
            derived._set_up(merged, Connections(options["session"]), owner=True)
        else:
            derived._set_up(merged, self._connections, owner=False)
        return derived

    async def close(self) -> None:
        """Close all connections; streams that are still open break. A session that was given is left open."""
        if self._owner:
            await self._connections.close()

    async def __aenter__(self) -> "AsyncClient":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()


class Beta:
    """``client.beta``: the nouns of `client` that openai-python keeps there."""

    def __init__(self, client: AsyncClient) -> None:
        self._client = client

    @property
    def assistants(self) -> Assistants:
        """The same as ``client.assistants``."""
        return self._client.assistants

    @property
    def threads(self) -> Threads:
        """The same as ``client.threads``."""
        return self._client.threads


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
