"""The peers: each reads one prepared stream to its end, as its users would, and says what it saw.

An adapter is an async context manager over a base URL that gives a function from a stream's name to `Seen`. It keeps
one client open over all its requests. All raw adapters do the same with an event: count it, look at its name, add the
length of its text or of its code interpreter input, count its citations; in chat, add the length of its text or of its
tool arguments; in Responses the same, and count the citations. What reads several protocols tells them apart by the
stream's name. Relays take the frames and look into none.

A peer's packages are imported only when it is opened.
"""

import importlib
import importlib.util
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from benchmarks.workloads import Seen

__all__ = ["ADAPTERS", "PAGE_VIEWS", "RELAY", "Adapter", "Read"]

RELAY = "asyncstream relay"
"""The peer that relays the wire's own events; with the name of a view behind it, the one that relays that."""

PAGE_VIEWS = ("ui-messages", "ag-ui")
"""The views that pages read."""

Read = Callable[[str], Awaitable[Seen]]
"""Read the stream of that name (`text-2000.bulk`, `chat-2000.bulk`) to its end."""


_PROTOCOLS = {
    "own": ("assistants",),
    "openai_python": ("assistants",),
    "chat": ("chat",),
    "responses": ("responses",),
    "sse_libraries": ("assistants", "chat"),
    "bare": ("assistants", "chat", "responses"),
    "relayed": ("assistants", "chat", "responses"),
}
"""Module in this package -> the protocols that its peers read."""


@dataclass(frozen=True)
class Adapter:
    """A peer in one way of using it."""

    name: str
    place: str
    """Module in this package and function in it."""
    needs: tuple[str, ...] = ()
    """Packages that must be installed besides the library's own."""

    @property
    def protocols(self) -> tuple[str, ...]:
        """Whose streams it reads."""
        return _PROTOCOLS[self.place.partition(":")[0]]

    def missing(self) -> list[str]:
        """Return the packages that this peer needs and that are not installed."""
        return [package for package in self.needs if importlib.util.find_spec(package) is None]

    def open(self, base_url: str) -> AbstractAsyncContextManager[Read]:
        """Import the peer and open its client."""
        module, _, function = self.place.partition(":")
        opened: AbstractAsyncContextManager[Read] = getattr(
            importlib.import_module(f"benchmarks.adapters.{module}"), function
        )(base_url)
        return opened


ADAPTERS = {
    adapter.name: adapter
    for adapter in (
        Adapter("asyncstream raw", "own:raw"),
        Adapter("asyncstream accumulating", "own:accumulating"),
        Adapter("asyncstream handler", "own:handler"),
        Adapter("asyncstream text", "own:text"),
        Adapter("openai raw", "openai_python:raw", ("openai",)),
        Adapter("openai raw, aiohttp backend", "openai_python:raw_on_aiohttp", ("openai",)),
        Adapter("openai accumulating", "openai_python:accumulating", ("openai",)),
        Adapter("openai accumulating, aiohttp backend", "openai_python:accumulating_on_aiohttp", ("openai",)),
        Adapter("openai handler", "openai_python:handler", ("openai",)),
        Adapter("aiohttp-sse-client + msgspec", "sse_libraries:aiohttp_sse_client", ("aiohttp_sse_client",)),
        Adapter("httpx-sse + msgspec", "sse_libraries:httpx_sse", ("httpx_sse",)),
        Adapter("bare aiohttp + msgspec", "bare:typed"),
        Adapter("aiohttp, read only", "bare:read_only"),
        Adapter("asyncstream chat raw", "chat:raw"),
        Adapter("asyncstream chat accumulating", "chat:accumulating"),
        Adapter("asyncstream chat text", "chat:text"),
        Adapter("openai chat raw", "chat:openai_raw", ("openai",)),
        Adapter("openai chat raw, aiohttp backend", "chat:openai_raw_on_aiohttp", ("openai",)),
        Adapter("openai chat accumulating", "chat:openai_accumulating", ("openai",)),
        Adapter("openai chat accumulating, aiohttp backend", "chat:openai_accumulating_on_aiohttp", ("openai",)),
        Adapter("asyncstream responses raw", "responses:raw"),
        Adapter("asyncstream responses accumulating", "responses:accumulating"),
        Adapter("asyncstream responses text", "responses:text"),
        Adapter("openai responses raw", "responses:openai_raw", ("openai",)),
        Adapter("openai responses accumulating", "responses:openai_accumulating", ("openai",)),
        Adapter(RELAY, "relayed:events"),
        *(Adapter(f"{RELAY} {view}", f"relayed:{view.replace('-', '_')}") for view in PAGE_VIEWS),
    )
}
