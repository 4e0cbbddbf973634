"""What a handler gets: the request's parts, checked, and the server's store and engine. It looks at nothing else."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import msgspec
from aiohttp import web

from asyncstream.server.assistants.engine import Engine
from asyncstream.server.bodies import Fields, read_object
from asyncstream.server.files.library import Library
from asyncstream.server.pages import page
from asyncstream.server.responses.engine import ResponseEngine
from asyncstream.server.scenario import Scenario
from asyncstream.server.state import Store, Wire
from asyncstream.server.streams import StreamBody

__all__ = ["Call", "Handler", "Route", "Service", "json_reply"]

_PENDING = ("queued", "in_progress", "cancelling")


class Service:
    """One server: its script, its objects, its files, its runs, its responses."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.store = Store()
        self.library = Library(scenario)
        self.engine = Engine(scenario)
        self.responses = ResponseEngine(scenario)

    async def close(self) -> None:
        """Drop all streams and stop what runs; when it returns, no task is left."""
        await self.engine.close()
        await self.responses.close()


@dataclass(frozen=True, slots=True)
class Call:
    """One request, on its way through a handler."""

    service: Service
    request: web.Request
    raw: bytes

    @property
    def store(self) -> Store:
        """The server's objects."""
        return self.service.store

    @property
    def library(self) -> Library:
        """The server's files and vector stores."""
        return self.service.library

    @property
    def engine(self) -> Engine:
        """The server's runs."""
        return self.service.engine

    @property
    def responses(self) -> ResponseEngine:
        """The server's responses and conversations."""
        return self.service.responses

    def id(self, name: str) -> str:
        """Return an id from the path."""
        return self.request.match_info[name]

    def body(self, fields: Fields, *, closed: bool = True) -> dict[str, Any]:
        """Return the checked body; raises the 400, also for unknown keys if the table is `closed`."""
        return read_object(self.raw, fields, closed=closed)

    def page(self, items: Iterable[Wire], *, order: Literal["asc", "desc"] = "desc") -> web.StreamResponse:
        """Answer with the page of a list that the query asks for, in this order if it asks for none."""
        return json_reply(page(list(items), self.request.query, order=order))

    def progress(self, wire: Wire) -> web.StreamResponse:
        """Answer with an object that clients poll; while it goes on, the answer says when to look again."""
        wait = self.service.scenario.poll_after_ms
        headers = {} if wait is None or wire["status"] not in _PENDING else {"openai-poll-after-ms": str(wait)}
        return json_reply(wire, headers=headers)

    def includes(self, what: str) -> bool:
        """Whether the query's `include` names something."""
        query = self.request.query
        return what in (*query.getall("include[]", []), *query.getall("include", []))

    async def stream(self, body: StreamBody) -> web.StreamResponse:
        """Answer with a stream, to its end."""
        return await body.send(self.request, chunk_bytes=self.service.scenario.chunk_bytes)


Handler: TypeAlias = Callable[[Call], Awaitable[web.StreamResponse]]
Route: TypeAlias = tuple[str, str, Handler]
"""Method, path below ``/v1``, handler. Each noun has a table of these."""


def json_reply(data: object, status: int = 200, headers: Mapping[str, str] | None = None) -> web.StreamResponse:
    """Answer with JSON; encoded now, so that what happens to `data` later does not show."""
    return web.Response(body=msgspec.json.encode(data), status=status, headers=headers, content_type="application/json")
