"""The life of one run where it is produced: `Producer` brings a source into the store, to its end.

Above it: `run_log`, which starts and stops producers. Below it: a `Source` and the `Writer` of a store.

Rule 1: a run that was claimed ends with a `done` or an `error` entry, whatever happens to its source.
Rule 2: a writer that fails ends the run too: the upstream is closed at once, also one that is silent, and readers are
told what failed. Rule 3: nothing here waits for ever; what may fail at an end is bounded, and logged.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from typing import Any, TypeAlias

from asyncstream.relay.entries import Entry, Source, error_entry
from asyncstream.relay.errors import ProducerLostError, RelayError, RunCancelledError, StoreError
from asyncstream.relay.log.store import Writer, store_failure
from asyncstream.relay.log.turns import Deadline, Turns
from asyncstream.relay.sound import sound_entries

__all__ = ["FINISH_SECONDS", "LAST_WORDS", "OnCancel", "OnFinish", "Producer"]

OnCancel: TypeAlias = Callable[[], Awaitable[object]]
"""What else is to be done when a run ends here before its upstream did, such as cancelling it at the server."""

OnFinish: TypeAlias = Callable[[Any], Awaitable[object]]
"""What is to be done with an answer that is over, such as saving it: given a completion, a run or a response, the error
with what came before it, or None of entries that are no stream's."""

_LOG = logging.getLogger("asyncstream")

LAST_WORDS = 5.0
"""Seconds that a producer has for its `error` entry, and as many for `on_cancel`."""

FINISH_SECONDS = 30.0
"""Seconds that `on_finish` has."""

_NOT_CLOSED = "the source of the run %r could not be closed"

_BREATH = 64
"""So many entries that were all here already are taken in a row; then others get their turn."""


class Producer:
    """The task that reads the source of one run into the store, for as long as the run goes on in this process.

    Args:
        run_id: Its name.
        source: Where the entries come from; opened.
        writer: Where they go.
        on_cancel: What else is to be done when it does not come to its own end.
        on_finish: Given what the answer is, whichever end it came to.
        tell: Tells the readers in this process of an end that could not be stored.
        last_words: The turns of those that have something to store at their end.

    Attributes:
        task: Done once the run is over here, whichever way.
    """

    def __init__(
        self,
        run_id: str,
        source: Source,
        writer: Writer,
        *,
        on_cancel: OnCancel | None,
        on_finish: OnFinish | None = None,
        tell: Callable[[str, RelayError], None],
        last_words: Turns,
    ) -> None:
        self._run_id = run_id
        self._source = source
        self._writer = writer
        self._on_cancel = on_cancel
        self._on_finish = on_finish
        self._tell = tell
        self._last_words = last_words
        self._last = 0
        # The run's last entry was handed to the writer.
        self._ended = False
        self._stopping = False
        # It waits for the source.
        self._reading = False
        self._failure: RelayError | None = None
        self.task = asyncio.get_running_loop().create_task(self._live(), name=f"asyncstream producer of {run_id}")
        # A store of the application's own may have a writer that is found out only when it is used.
        on_failure = getattr(writer, "on_failure", None)
        if on_failure is not None:
            on_failure(self._writer_failed)
        stops = getattr(writer, "on_cancel", None)
        if stops is not None:
            stops(self._stop)

    def _stop(self) -> None:
        """Stop the run, once, because somebody wants it; not before the first step, or it would not run at all."""
        if not self._stopping:
            self._stopping = True
            asyncio.get_running_loop().call_soon(self.task.cancel)

    def _writer_failed(self, error: RelayError) -> None:
        self._failure = error
        if self._reading:
            # The source may be silent for long. What else may be awaited fails by itself.
            self.task.cancel()

    async def _live(self) -> None:
        try:
            await self._bring()
        except asyncio.CancelledError:
            if not self.task.cancelling():
                what = f"the source of the run {self._run_id!r} cancelled itself after entry {self._last}"
                await self._end_early(ProducerLostError(what))
            elif self._failure is None or self.task.uncancel():
                what = f"the run {self._run_id!r} was cancelled after entry {self._last}"
                await self._end_early(RunCancelledError(what))
                raise
            else:
                await self._give_up(self._failure)
        except Exception as error:
            await self._give_up(store_failure(error, f"the run {self._run_id!r} cannot be stored"))
        finally:
            await self._close_source()
            if self._on_finish is not None:
                await self._finished(self._on_finish)

    async def _finished(self, on_finish: OnFinish) -> None:
        final = getattr(self._source, "final", None)
        outcome = None if final is None else await final()
        await self._within(lambda: on_finish(outcome), "on_finish of the run %r failed", FINISH_SECONDS)

    async def _bring(self) -> None:
        """Read the source to its end; whatever comes out of here is the writer's."""
        writer = self._writer
        async with aclosing(sound_entries(self._source)) as given:
            while not self._ended:
                if self._failure is not None:
                    raise self._failure
                self._reading = True
                try:
                    entry = await anext(given)
                finally:
                    self._reading = False
                self._append(entry)
                if writer.full:
                    await writer.room()
                elif self._last % _BREATH == 0:
                    await asyncio.sleep(0)
        await writer.finish()

    def _append(self, entry: Entry) -> None:
        try:
            self._writer.append(Entry(self._last + 1, entry.event, entry.data))
        except RelayError:
            raise
        except Exception as error:
            # One that this store cannot hold. The writer may be well, and then the run ends with that.
            what = f"entry {self._last + 1} of the run {self._run_id!r} cannot be stored"
            entry = error_entry(store_failure(error, what))
            self._writer.append(Entry(self._last + 1, entry.event, entry.data))
        self._last += 1
        self._ended = entry.terminal

    async def _end_early(self, error: RelayError) -> None:
        """Store why the run has stopped, if it had not ended, and stop it at the server too."""
        ended = self._ended
        try:
            if not ended:
                self._append(error_entry(error))
            await self._last_words.take(self._writer.finish)
        except Exception as failure:
            _LOG.error("the end of the run %r could not be stored: %s", self._run_id, _words(failure))
            if ended:
                error = StoreError(f"the end of the run {self._run_id!r} could not be stored")
            self._tell(self._run_id, error)
        if not ended:
            await self._tell_server()

    async def _give_up(self, error: RelayError) -> None:
        """Let go of an upstream whose entries cannot be stored any more."""
        _LOG.error("the run %r cannot be stored any more after entry %d: %s", self._run_id, self._last, error)
        await self._within(self._source.close, _NOT_CLOSED)
        if not self._ended:
            await asyncio.gather(self._abandon(error), self._tell_server())
        else:
            await self._abandon(error)

    async def _abandon(self, error: RelayError) -> None:
        """Store the error for all readers; if the store does not even take that, give it to those in this process."""
        try:
            entry = error_entry(error)
            await self._last_words.take(lambda: self._writer.abandon(entry))
        except Exception:
            self._tell(self._run_id, error)

    async def _tell_server(self) -> None:
        if self._on_cancel is not None:
            await self._within(self._on_cancel, "on_cancel of the run %r failed")

    async def _close_source(self) -> None:
        try:
            await self._source.close()
        except Exception as error:
            _LOG.error(_NOT_CLOSED + ": %s", self._run_id, _words(error))

    async def _within(self, do: Callable[[], Awaitable[object]], otherwise: str, seconds: float = LAST_WORDS) -> None:
        try:
            async with Deadline(seconds):
                await do()
        except Exception as error:
            _LOG.error(otherwise + ": %s", self._run_id, _words(error))


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
