"""Runs that outlive the request that started them: `RunLog`. One producer a run, any number of readers, on any worker.

Below it: the stores (`memory`, `redis_store`), `producer` (which reads a stream to its end, whoever watches),
`reader` (one reader), `tail` (one reading of a run for all readers of this process), `entries`. Readers come, leave
and come back with the id of the last entry that they have.

Rule 1: no reader holds up a producer. Rule 2: what a store raises comes out as an error of the relay, and is logged if
it is none.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from asyncstream.errors import ConfigurationError
from asyncstream.relay.entries import Relayed, Source
from asyncstream.relay.errors import CursorGoneError, RelayError, RunNotFoundError
from asyncstream.relay.log.admission import Admission, Authorize, Resumption, headers_and_query, query_of
from asyncstream.relay.log.memory import MemoryStore
from asyncstream.relay.log.producer import LAST_WORDS, OnCancel, OnFinish, Producer
from asyncstream.relay.log.reader import Following
from asyncstream.relay.log.store import Store, Writer, check_run_id, possible_run_id, store_failure
from asyncstream.relay.log.tail import LogClosed, Tail
from asyncstream.relay.log.turns import Turns
from asyncstream.relay.views import Form, RelayView, entries
from asyncstream.relay.web import relay_response

if TYPE_CHECKING:
    from aiohttp import web

__all__ = ["OnCancel", "OnFinish", "RunLog"]

_LOG = logging.getLogger("asyncstream")

_ENDING_AT_ONCE = 64
"""So many runs are ended at the same moment, when there are many."""


class RunLog:
    """The runs of a backend, kept so that browsers can leave and come back.

    Make one for the process, when its event loop runs, and close it when the process ends.

    Args:
        store: Where the entries are; None keeps them in this process.
        authorize: Asked by `respond` and `asgi` before anything is told about a run. Without it, whoever knows a
            run's id may read it.
    """

    def __init__(self, store: Store | None = None, *, authorize: Authorize | None = None) -> None:
        self._store: Store = MemoryStore() if store is None else store
        self._authorize = authorize
        self._producers: dict[str, asyncio.Task[None]] = {}
        self._tails: dict[str, Tail] = {}
        self._last_words = Turns(_ENDING_AT_ONCE, LAST_WORDS)
        # No run is started any more; no run is followed any more.
        self._closed = False
        self._over = False

    def __repr__(self) -> str:
        return f"RunLog({self._store!r}, {len(self._producers)} runs go on here)"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    @property
    def running(self) -> list[str]:
        """The ids of the runs whose producers are in this process, in the order in which they were started."""
        return list(self._producers)

    async def start(
        self,
        run_id: str,
        stream: Relayed,
        *,
        view: RelayView = "events",
        expose: Collection[str] = (),
        on_cancel: OnCancel | None = None,
        on_finish: OnFinish | None = None,
    ) -> None:
        """Open a stream and read it to its end in the background; returns once it is open.

        Args:
            run_id: The name under which it is followed. Without `authorize` it should be hard to guess.
            stream: A stream, opened or not; the log closes it.
            view: What readers get: the wire's events, typed changes, text, or what pages read, also of parts for these
                that are your own.
            expose: Members that they get although they are left out by default, such as `metadata` or `instructions`.
            on_cancel: Called if the run ends here before its upstream did, because it is cancelled by `cancel` or
                `close`, or cannot be stored any more: usually cancels the run at the server.
            on_finish: Awaited once, when the run is over here and its source closed, with what the answer is: the
                completion, run or response; or the error, with its `partial`; None for entries of your own. To save
                the answer, whoever has read it; it has 30 s.

        Raises:
            RunExistsError: There is such a run already; the stream was not opened.
            APIError: The request failed; there is no such run.
            StoreError: The store cannot be reached, is full, or fails; the stream was not opened.
            ConfigurationError: No id of a run, nothing of a name in `expose` is left out, or the log is closed.
        """
        check_run_id(run_id)
        source = entries(stream, view=view, expose=expose)
        if self._closed:
            await source.close()
            raise ConfigurationError("this log is closed: it starts no run any more")
        try:
            writer = await self._claim(run_id, getattr(source, "view", ""))
        except BaseException:
            await source.close()
            raise
        try:
            await source.open()
            if self._closed:
                raise ConfigurationError("this log was closed while the stream was opened")
        except BaseException:
            await _in_any_case(_released(writer, run_id))
            await source.close()
            raise
        producer = Producer(
            run_id,
            source,
            writer,
            on_cancel=on_cancel,
            on_finish=on_finish,
            tell=self._tell_readers,
            last_words=self._last_words,
        )
        self._producers[run_id] = producer.task
        producer.task.add_done_callback(lambda done: self._producers.pop(run_id, None))

    async def _claim(self, run_id: str, view: str) -> Writer:
        try:
            return await self._store.claim(run_id, view)
        except RelayError:
            raise
        except Exception as error:
            raise store_failure(error, f"the run {run_id!r} cannot be stored") from error

    def follow(self, run_id: str, after: int | str | None = None) -> Following:
        """Return the entries of a run, from the one after a cursor to the last, as they come.

        Args:
            run_id: The run; its producer may be anywhere.
            after: The id of the last entry that the reader has, as a number or as its `Last-Event-ID` says it; None
                from the beginning. A string that is no id is a `BadCursorError` once it is opened: a relay's 400.

        Raises:
            ConfigurationError: The cursor is neither.
        """
        return Following(self._store, run_id, after, tail_at=self._tail_at, tail_of=self._tail_of)

    async def respond(
        self,
        request: "web.Request",
        run_id: str,
        *,
        form: Form = "sse",
        heartbeat: float | None = 15.0,
        stall_timeout: float | None = 60.0,
        headers: Mapping[str, str] | None = None,
    ) -> "web.StreamResponse":
        """Answer a request of aiohttp.web with a run, from its `Last-Event-ID` or `?after=` on.

        Who may not read it gets 403, a malformed cursor 400, an unknown run 404, a cursor whose next entry is not kept
        410, a store that is away 503, each with a JSON body; a reader that has all of a run that is over 204, after
        which browsers do not come back.

        Args:
            request: The request to answer; given to `authorize`.
            run_id: The run.
            form: As in `relay_response`, and so for the others.
            heartbeat: Seconds.
            stall_timeout: Seconds.
            headers: More headers for the answer.

        Returns:
            The finished response, for the handler to return.
        """
        query = query_of(request.rel_url.raw_query_string)
        source = self._admission(request, run_id, request.headers, query)
        return await relay_response(
            request, source, form=form, heartbeat=heartbeat, stall_timeout=stall_timeout, headers=headers
        )

    async def resume(
        self,
        request: "web.Request",
        run_id: str | None,
        *,
        before: Iterable[Mapping[str, Any]] = (),
        heartbeat: float | None = 15.0,
        stall_timeout: float | None = 60.0,
        headers: Mapping[str, str] | None = None,
    ) -> "web.StreamResponse":
        """Answer a page that was loaded again, and asks whether an answer goes on: `useChat` with `resume`.

        It gets all of a run that goes on, from its beginning, for it has nothing of it. Who may not read it gets 403;
        if there is none, it is not known, has expired or is over, 204, after which the page asks no more.

        Args:
            request: The request to answer; given to `authorize`.
            run_id: The run that the application knows of this conversation; None if there is none.
            before: What stood in the message before this run, which goes on in it (a call was allowed, or has got its
                output): parts of the run's view, that follow the one which begins the message. `ui.retell` makes them
                of the message that you kept.
            heartbeat: As in `relay_response`, and so for the others.
            stall_timeout: Seconds.
            headers: More headers for the answer.

        Returns:
            The finished response, for the handler to return.
        """
        source = self.resumption(request, run_id, before=before)
        return await relay_response(request, source, heartbeat=heartbeat, stall_timeout=stall_timeout, headers=headers)

    def resumption(self, request: Any, run_id: str | None, *, before: Iterable[Mapping[str, Any]] = ()) -> Source:
        """Return what `resume` answers with, for ASGI: ``return RelayResponse(log.resumption(request, run_id))``.

        Args:
            request: The request of the framework, or an ASGI scope; given to `authorize`.
            run_id: The run; None if there is none.
            before: As in `resume`.
        """
        return Resumption(
            request, run_id, before=before, authorize=self._authorize, goes_on=self._goes_on, follow=self.follow
        )

    async def _goes_on(self, run_id: str) -> bool:
        """Tell whether a run goes on and is in the store from its first entry."""
        if not possible_run_id(run_id):
            return False
        try:
            page = await self._store.read(run_id, 0, limit=1)
        except (RunNotFoundError, CursorGoneError):
            return False
        except RelayError:
            raise
        except Exception as error:
            raise store_failure(error, f"the run {run_id!r} cannot be read") from error
        return not (page.over or page.ended)

    def reader(self, request: Any, run_id: str) -> Source:
        """Return what a request of an ASGI framework may read of a run: for `RelayResponse` and `open_relay`.

        Opened, it asks `authorize` with the request, reads the cursor from its `Last-Event-ID` or `?after=`, and
        raises what is wrong; the relay answers with that. ``return RelayResponse(log.reader(request, run_id))``.

        Args:
            request: The request of Starlette, FastAPI, Litestar or Quart, or an ASGI scope.
            run_id: The run.
        """
        headers, query = headers_and_query(request if isinstance(request, Mapping) else request.scope)
        return self._admission(request, run_id, headers, query)

    def _admission(
        self, request: object, run_id: str, headers: Mapping[str, str], query: Mapping[str, str]
    ) -> Admission:
        return Admission(request, run_id, headers=headers, query=query, authorize=self._authorize, follow=self.follow)

    async def cancel(self, run_id: str) -> bool:
        """Stop a run, wherever its producer is: its readers get an `error` entry, "cancelled"; pages an abort.

        It asks nobody: who may stop a run is for the application to say, before it calls this. A producer elsewhere is
        told by the store: with Redis at once, or, if that is not heard, within a third of `owner_ttl`.

        Returns:
            Whether it went on.

        Raises:
            StoreError: The store cannot be reached.
        """
        task = self._producers.get(run_id)
        if task is not None:
            await _stop([task])
            return True
        tell: Callable[[str], Awaitable[bool]] | None = getattr(self._store, "cancel", None)
        if tell is None or not possible_run_id(run_id):
            return False
        try:
            return await tell(run_id)
        except RelayError:
            raise
        except Exception as error:
            raise store_failure(error, f"the run {run_id!r} cannot be cancelled") from error

    async def close(self, *, finish: float | None = None) -> None:
        """Start no run any more, end those that go on here, then release the readers and the store.

        Readers of runs that end here get their last entries. Readers of runs that go on elsewhere are let go without a
        last entry: they come back to another worker. Pages, which take an end for a whole answer, are cut off instead.

        Args:
            finish: Seconds that runs have to come to their end; after that, or with None at once, they are cancelled
                and their readers get an `error` entry.
        """
        self._closed = True
        tasks = list(self._producers.values())
        own = list(self._producers)
        if tasks and finish is not None:
            await asyncio.wait(tasks, timeout=finish)
        await _stop(tasks)
        # As long as they come to their ends one after the other, they are waited for.
        endings = Turns(_ENDING_AT_ONCE, LAST_WORDS)
        tails = [tail for run_id in own if (tail := self._tails.get(run_id))]
        await asyncio.gather(*(endings.take(tail.over) for tail in tails), return_exceptions=True)
        self._over = True
        for tail in list(self._tails.values()):
            tail.fail(LogClosed())
        try:
            await self._store.close()
        except Exception as error:
            _LOG.error("the store could not be closed: %s: %s", type(error).__name__, error)

    def _tail_at(self, run_id: str, after: int) -> Tail | None:
        tail = self._tails.get(run_id)
        return tail if tail is not None and tail.window.get(after + 1) is not None else None

    def _tail_of(self, run_id: str, after: int) -> Tail:
        if self._over:
            raise LogClosed
        tail = self._tails.get(run_id)
        if tail is None:
            tail = self._tails[run_id] = Tail(self._store, run_id, after, self._forget)
        return tail

    def _forget(self, tail: Tail) -> None:
        if self._tails.get(tail.run_id) is tail:
            del self._tails[tail.run_id]

    def _tell_readers(self, run_id: str, error: RelayError) -> None:
        """End the readers of a run in this process with an error that could not be stored."""
        tail = self._tails.get(run_id)
        if tail is not None:
            tail.fail(error)


async def _stop(tasks: Collection[asyncio.Task[None]]) -> None:
    """Cancel producers, and wait for their last words."""
    # Cancelled before its first step, a task does not run at all.
    await asyncio.sleep(0)
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks)


async def _in_any_case(done: Awaitable[None]) -> None:
    """Wait for something short, and let it come to its end also if the waiting task is cancelled."""
    await asyncio.shield(asyncio.ensure_future(done))


async def _released(writer: Writer, run_id: str) -> None:
    try:
        await writer.release()
    except Exception as error:
        # What the stream could not be opened for is what the caller is told.
        _LOG.error("the run %r could not be given up: %s: %s", run_id, type(error).__name__, error)
