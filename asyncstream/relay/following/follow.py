"""`follow`: the typed events of a run from a relay, for programs in Python. What `EventSource` is to a browser.

    async for event in follow("http://backend/runs/run_1/events", protocol="assistants"):
        ...

It reconnects by itself, from the last event that it gave out, and gives each event exactly once. Here are its
arguments; what it does is in `following.follower`.
"""

from typing import TYPE_CHECKING, Any, Literal, overload

import aiohttp
from msgspec import structs
from yarl import URL

from asyncstream.errors import ConfigurationError
from asyncstream.events.decode import wire_of
from asyncstream.events.loops import LoopEvent, with_loop_events
from asyncstream.relay.following.follower import Follower
from asyncstream.relay.following.link import Link
from asyncstream.relay.following.parts import PARTS
from asyncstream.transport.connections import Connections
from asyncstream.transport.http import Transport
from asyncstream.transport.request import HeaderValues, check_mapping, merge_headers
from asyncstream.transport.timeout import Timeout, TimeoutTypes, as_timeout

if TYPE_CHECKING:
    from asyncstream.events import AssistantStreamEvent, ResponseStreamEvent
    from asyncstream.types import ChatCompletionChunk

__all__ = ["DEFAULT_TIMEOUT", "follow"]

DEFAULT_TIMEOUT = Timeout(response=30.0, event=45.0)
"""A relay answers at once, and its heartbeat comes each 15 s: three that are missing are a dead connection."""


@overload
def follow(
    url: str,
    *,
    protocol: Literal["assistants"],
    last_event_id: str | int | None = None,
    headers: HeaderValues | None = None,
    session: aiohttp.ClientSession | None = None,
    timeout: TimeoutTypes = DEFAULT_TIMEOUT,
    max_reconnects: int = 10,
    tools: Literal[False] = False,
) -> "Follower[AssistantStreamEvent]": ...


@overload
def follow(
    url: str,
    *,
    protocol: Literal["assistants"],
    last_event_id: str | int | None = None,
    headers: HeaderValues | None = None,
    session: aiohttp.ClientSession | None = None,
    timeout: TimeoutTypes = DEFAULT_TIMEOUT,
    max_reconnects: int = 10,
    tools: Literal[True],
) -> "Follower[AssistantStreamEvent | LoopEvent]": ...


@overload
def follow(
    url: str,
    *,
    protocol: Literal["chat"],
    last_event_id: str | int | None = None,
    headers: HeaderValues | None = None,
    session: aiohttp.ClientSession | None = None,
    timeout: TimeoutTypes = DEFAULT_TIMEOUT,
    max_reconnects: int = 10,
    tools: Literal[False] = False,
) -> "Follower[ChatCompletionChunk]": ...


@overload
def follow(
    url: str,
    *,
    protocol: Literal["chat"],
    last_event_id: str | int | None = None,
    headers: HeaderValues | None = None,
    session: aiohttp.ClientSession | None = None,
    timeout: TimeoutTypes = DEFAULT_TIMEOUT,
    max_reconnects: int = 10,
    tools: Literal[True],
) -> "Follower[ChatCompletionChunk | LoopEvent]": ...


@overload
def follow(
    url: str,
    *,
    protocol: Literal["responses"],
    last_event_id: str | int | None = None,
    headers: HeaderValues | None = None,
    session: aiohttp.ClientSession | None = None,
    timeout: TimeoutTypes = DEFAULT_TIMEOUT,
    max_reconnects: int = 10,
    tools: Literal[False] = False,
) -> "Follower[ResponseStreamEvent]": ...


@overload
def follow(
    url: str,
    *,
    protocol: Literal["responses"],
    last_event_id: str | int | None = None,
    headers: HeaderValues | None = None,
    session: aiohttp.ClientSession | None = None,
    timeout: TimeoutTypes = DEFAULT_TIMEOUT,
    max_reconnects: int = 10,
    tools: Literal[True],
) -> "Follower[ResponseStreamEvent | LoopEvent]": ...


@overload
def follow(
    url: str,
    *,
    protocol: Literal["ui-messages", "ag-ui"],
    last_event_id: str | int | None = None,
    headers: HeaderValues | None = None,
    session: aiohttp.ClientSession | None = None,
    timeout: TimeoutTypes = DEFAULT_TIMEOUT,
    max_reconnects: int = 10,
) -> "Follower[dict[str, Any]]": ...


def follow(
    url: str,
    *,
    protocol: Literal["assistants", "chat", "responses", "ui-messages", "ag-ui"],
    last_event_id: str | int | None = None,
    headers: HeaderValues | None = None,
    session: aiohttp.ClientSession | None = None,
    timeout: TimeoutTypes = DEFAULT_TIMEOUT,
    max_reconnects: int = 10,
    tools: bool = False,
) -> "Follower[Any]":
    """Follow a run that a relay serves, over as many connections as it takes.

    Args:
        url: What the relay serves as an event stream of wire events; each connection is a GET.
        protocol: Whose events they are. Those of pages ("ui-messages", "ag-ui") are given as dicts, the one too that
            says how the answer ended; an end without that is an error.
        last_event_id: The event after which to go on (`Follower.last_event_id` of an earlier one, or the id of an
            `Entry`); None: the first.
        headers: Sent with each request: a key, a cookie.
        session: The session to connect with; it is not closed. None makes one.
        timeout: `connect` and `response` bound each attempt. `event` is the longest silence in seconds, heartbeats
            included, after which a connection is taken for dead and made anew: some heartbeats of the relay. `total`
            bounds the whole.
        max_reconnects: How many attempts in a row may fail, or bring no event, before it is given up.
        tools: Whether what came of the tools of a stream with `run_tools` is given too, between the events of its
            answers: a `ToolResultEvent` for each call, a `RoundEvent` for each answer. Else these are left out.

    Returns:
        An async iterator of the run's events. The closing `done` ends it and is not given. Nothing is sent before the
        first event is waited for, or `async with` enters it; read it to its end, or close it.

    Raises:
        ConfigurationError: An argument cannot be used.
    """
    wire = PARTS.get(protocol) or with_loop_events(wire_of(protocol), given=tools)
    if isinstance(max_reconnects, bool) or not isinstance(max_reconnects, int) or max_reconnects < 0:
        raise ConfigurationError(f"max_reconnects must be a number from 0: {max_reconnects!r}")
    check_mapping(headers, "headers")
    # A number is the id of an `Entry`; a bool is neither, and refused as what it is.
    cursor: Any = str(last_event_id) if type(last_event_id) is int else last_event_id
    # What cannot be sent is refused here and not at the first event.
    merge_headers(headers or {}, {"Last-Event-ID": cursor})
    deadlines = as_timeout(timeout)
    target = _checked(url)
    connections = Connections(session)
    transport = Transport(
        connections,
        base_url=target,
        headers=headers or {},
        # The total is that of the whole, which the follower keeps.
        timeout=structs.replace(deadlines, total=None),
        max_event_bytes=wire.max_event_bytes,
    )
    link = Link(transport, connections, max_reconnects=max_reconnects)
    return Follower(
        link,
        wire,
        target=f"{target.host}:{target.port}",
        last_event_id=cursor,
        total=deadlines.total,
    )


def _checked(url: object) -> URL:
    """Return a URL that a GET can be sent to.

    Raises:
        ConfigurationError: It is no absolute http or https URL, or holds a user and password. It is not repeated: its
            query may be a secret.
    """
    try:
        target = URL(url) if isinstance(url, str | URL) else URL()
    except ValueError:
        target = URL()
    if target.scheme not in ("http", "https") or not target.host:
        raise ConfigurationError("url must be an absolute http:// or https:// URL")
    if target.user is not None or target.password is not None:
        raise ConfigurationError("url must hold no user and password: send them as a header")
    return target.with_fragment(None)
