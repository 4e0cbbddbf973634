"""The client: where the server is, who calls, and the nouns that can be called.

It owns (or borrows) the connections and hands one `Transport` to every noun. It knows endpoints by name only: what they
take and give is in `resources`, what is sent and retried in `transport`.

Rule 1: a noun is named through `resources`, in the annotation too: it is loaded when it is first used, and its name can
be resolved at any time.
"""

import ssl
from collections.abc import Mapping
from functools import cached_property
from types import TracebackType
from typing import NoReturn, Self, Unpack, cast

from asyncstream import resources
from asyncstream.client.azure import azure_options
from asyncstream.client.options import (
    ClientOptions,
    CommonOptions,
    ConnectionOptions,
    make_connections,
    make_transport,
    merge_options,
)
from asyncstream.errors import ConfigurationError
from asyncstream.transport.connections import BaseConnector, ClientSession, Connections
from asyncstream.transport.dialects import OPENAI, Dialect
from asyncstream.transport.http import ApiKey
from asyncstream.transport.logs import log_from_environment
from asyncstream.transport.observing import Observer
from asyncstream.transport.request import HeaderValues
from asyncstream.transport.timeout import Timeout, TimeoutTypes

__all__ = ["AsyncClient", "ClientOptions"]


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
        max_retries: How often a failed request is repeated at most, where that cannot begin a second run; and how often
            the stream of a response in the background goes on after a break, until another event comes.
        default_headers: Sent with each request, over the client's own; None as a value removes one of these.
        default_query: Sent with each request.
        session: An aiohttp session to use instead of an own one; it is never closed here. A connection in it that the
            server has closed meanwhile is not replaced, as its reuse cannot be seen.
        connector: An aiohttp connector for own sessions: limits, a resolver, a Unix socket; it is never closed here.
        proxy: The ``http://`` or ``https://`` URL of a proxy for all requests, with user and password if it wants them.
        trust_env: Whether ``HTTPS_PROXY``, ``HTTP_PROXY``, ``ALL_PROXY`` and ``NO_PROXY`` choose the proxy.
        ssl_context: Whose certificates are trusted, and which one is shown; None is the system's.
        max_event_bytes: The most that one event of a stream may have; None is the protocol's own: 16 MiB, of
            Responses, whose last event repeats every picture, 64 MiB.
        observer: A function that is told of each call, by an `Observation`; it is called in the event loop and must
            not block. Its method `headers`, if it has one, gives headers for each attempt.
        dialect: Where the server wants the key, if not where OpenAI does; `azure` sets it.
        http_client: openai-python's argument for a client of httpx, which has no place here: refused.

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
        session: ClientSession | None = None,
        connector: BaseConnector | None = None,
        proxy: str | None = None,
        trust_env: bool = False,
        ssl_context: ssl.SSLContext | None = None,
        max_event_bytes: int | None = None,
        observer: Observer | None = None,
        dialect: Dialect = OPENAI,
        http_client: object = None,
    ) -> None:
        if http_client is not None:
            raise ConfigurationError(
                "http_client is not taken: connections are aiohttp's; give an aiohttp.ClientSession as session=, or "
                "proxy=, ssl_context= and connector= for what it was to do"
            )
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
            connector=connector,
            proxy=proxy,
            trust_env=trust_env,
            ssl_context=ssl_context,
            max_event_bytes=max_event_bytes,
            observer=observer,
            dialect=dialect,
        )
        log_from_environment()
        self._set_up(options, make_connections(options), owner=True)

    @classmethod
    def azure(
        cls,
        endpoint: str | None = None,
        *,
        api_version: str | None = None,
        deployment: str | None = None,
        api_key: ApiKey | None = None,
        token: ApiKey | None = None,
        **options: Unpack[CommonOptions],
    ) -> Self:
        """Return a client of Azure OpenAI, or of the agents of an AI Foundry project.

        Args:
            endpoint: ``https://<resource>.openai.azure.com``, or, for agents,
                ``https://<resource>.services.ai.azure.com/api/projects/<project>``. None takes
                ``AZURE_OPENAI_ENDPOINT``.
            api_version: With a date the classic API of Azure OpenAI is called, without one its v1 API; None takes
                ``OPENAI_API_VERSION``. Agents have "v1" if none is given.
            deployment: The deployment that the classic API runs; None: `model` names it in each call.
            api_key: The key of the resource; None takes ``AZURE_OPENAI_API_KEY``. Agents take tokens only.
            token: A token of Entra ID, or an async function that is asked for one for each request; None takes
                ``AZURE_OPENAI_AD_TOKEN``. For agents its scope is ``https://ai.azure.com/.default``.
            **options: As in `AsyncClient`.

        Raises:
            ConfigurationError: There is no endpoint or no credential, or an argument cannot be used.

        Source: https://learn.microsoft.com/azure/ai-foundry/openai/api-version-lifecycle
        """
        found = azure_options(endpoint, api_version=api_version, deployment=deployment, api_key=api_key, token=token)
        return cls(**merge_options(found, cast("ClientOptions", options)))

    def _set_up(self, options: ClientOptions, connections: Connections, *, owner: bool) -> None:
        self._options = options
        self._connections = connections
        self._owner = owner
        self._transport = make_transport(options, connections)

    def __repr__(self) -> str:
        return f"AsyncClient(base_url={self.base_url!r})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a client holds a key and connections: make one where it is needed instead of pickling it")

    @property
    def base_url(self) -> str:
        """Where the paths begin, without a query."""
        return self._transport.base_url

    @property
    def closed(self) -> bool:
        """Whether no more calls can be made."""
        return self._connections.closed

    @cached_property
    def assistants(self) -> "resources.assistants.Assistants":
        """Models with instructions and tools."""
        return resources.assistants.Assistants(self._transport)

    @cached_property
    def threads(self) -> "resources.threads.Threads":
        """Conversations, their messages and runs."""
        return resources.threads.Threads(self._transport)

    @cached_property
    def chat(self) -> "resources.chat.Chat":
        """Answers to messages, whole or streamed."""
        return resources.chat.Chat(self._transport)

    @cached_property
    def responses(self) -> "resources.responses.Responses":
        """Answers of models with tools of the server's and your own, whole, streamed or in the background."""
        return resources.responses.Responses(self._transport)

    @cached_property
    def conversations(self) -> "resources.conversations.Conversations":
        """What responses are about, kept by the server."""
        return resources.conversations.Conversations(self._transport)

    @cached_property
    def files(self) -> "resources.files.Files":
        """What was uploaded, and what tools and batches leave behind."""
        return resources.files.Files(self._transport)

    @cached_property
    def vector_stores(self) -> "resources.vector_stores.VectorStores":
        """Files, cut up and indexed for search."""
        return resources.vector_stores.VectorStores(self._transport)

    @cached_property
    def models(self) -> "resources.models.Models":
        """What the server can run."""
        return resources.models.Models(self._transport)

    @cached_property
    def beta(self) -> "Beta":
        """The same nouns under openai-python's name for them."""
        return Beta(self)

    def with_options(self, **options: Unpack[ClientOptions]) -> Self:
        """Return a client with other options on the same connections.

        An absent keyword keeps this client's option; `default_headers` and `default_query` are merged over its own.
        Closing the derived client closes nothing; closing this one closes both. With `session`, `connector`, `proxy`,
        `trust_env` or `ssl_context` the derived client is on its own.

        Raises:
            ConfigurationError: As in `AsyncClient`.
        """
        merged = merge_options(self._options, options)
        derived = object.__new__(type(self))
        if options.keys().isdisjoint(ConnectionOptions.__optional_keys__):
            derived._set_up(merged, self._connections, owner=False)
        else:
            derived._set_up(merged, make_connections(merged), owner=True)
        return derived

    async def close(self) -> None:
        """Close all connections; streams that are still open break. A session that was given is left open."""
        if self._owner:
            await self._connections.close()

    async def __aenter__(self) -> Self:
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
    def assistants(self) -> "resources.assistants.Assistants":
        """The same as ``client.assistants``."""
        return self._client.assistants

    @property
    def threads(self) -> "resources.threads.Threads":
        """The same as ``client.threads``."""
        return self._client.threads

    @property
    def vector_stores(self) -> "resources.vector_stores.VectorStores":
        """The same as ``client.vector_stores``."""
        return self._client.vector_stores

    @property
    def chat(self) -> "resources.chat.Chat":
        """The same as ``client.chat``."""
        return self._client.chat
