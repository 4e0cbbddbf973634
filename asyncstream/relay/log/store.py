"""What a resumable relay needs of a store: claim, read, wait, and a writer's few verbs. Pure: interfaces.

Below it stand `entries` and `errors`; `memory` and `redis_store` implement it; `run_log` and `tail` use it and know no
store by name. A run's entries have the ids 1, 2, 3, ... without gaps; the last is the one that ends it.

A store that can tell the owner of a run that somebody wants it to stop has ``cancel(run_id) -> bool`` besides, and its
writers ``on_cancel(tell)``, which calls a function once when that happens. Without these, a run stops only where its
producer is.

Rule 1: a writer never waits to append. It waits only when it is `full`, and at the end.
Rule 2: a reader never gets a gap: it gets the entry after its cursor, or a `CursorGoneError`.
Rule 3: no wait is endless. A run whose producer died is ended by whoever finds it, with an `error` entry that all see.
"""

import logging
import re
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from asyncstream.errors import ConfigurationError
from asyncstream.relay.entries import Entry
from asyncstream.relay.errors import RelayError, StoreError

__all__ = ["Page", "Store", "Writer", "check_run_id", "possible_run_id", "store_failure"]

_LOG = logging.getLogger("asyncstream")

_RUN_ID = re.compile(r"[A-Za-z0-9_.:~@=+-]{1,200}")
"""What goes into a URL's path and into a key of Redis as it is; braces would move the keys of a run apart."""


class Page(NamedTuple):
    """A part of a run: the entries after a cursor, as many as were asked for."""

    entries: Sequence[Entry]
    ended: bool
    """Nothing follows these entries: the last of them, or the one at the cursor, ended the run."""
    view: str = ""
    """Of a page that `read` gave, the view that the run was claimed with; "" if that is not known."""
    over: bool = False
    """Of a page that `read` gave, whether the run has ended, wherever this page ends."""


class Writer(Protocol):
    """The one owner of a run, while its producer lives."""

    @property
    def full(self) -> bool:
        """Whether so much is on its way that the producer has to wait in `room`."""
        ...

    def append(self, entry: Entry) -> None:
        """Add the next entry. It is handed to the store soon; nobody waits for that.

        Raises:
            StoreError: What was appended before could not be stored, or another owner took the run.
        """
        ...

    async def room(self) -> None:
        """Wait until it is no longer full.

        Raises:
            StoreError: As `append`.
        """
        ...

    async def finish(self) -> None:
        """Store what is on its way, the run's last entry too; from now on the run expires.

        Raises:
            StoreError: As `append`.
        """
        ...

    def on_failure(self, tell: Callable[[RelayError], None]) -> None:
        """Call a function once, when nothing can be stored any more, whether something is appended then or not."""
        ...

    async def abandon(self, last: Entry) -> None:
        """End a run that cannot go on with an error entry, after what is stored of it, if the store takes that much.

        Raises:
            StoreError: It does not.
        """
        ...

    async def release(self) -> None:
        """Give the run up as if it had never been claimed: nothing was appended, and its name is free again."""
        ...


class Store(Protocol):
    """Where the entries of runs are: `claim` is for a producer, `read` and `wait` are for readers."""

    async def claim(self, run_id: str, view: str = "") -> Writer:
        """Become the owner of a new run.

        Args:
            run_id: Its name.
            view: The name of the view that its entries are; each page that is read says it. "" for none.

        Raises:
            RunExistsError: There is such a run, alive or ended and not expired yet.
            StoreError: The store cannot be reached, or is full.
        """
        ...

    async def read(self, run_id: str, after: int, *, limit: int) -> Page:
        """Return the entries after a cursor that are here; none if the reader is ahead of the producer.

        Args:
            run_id: Whose entries.
            after: The id of the last entry that the reader has; 0 for none.
            limit: How many at most.

        Raises:
            RunNotFoundError: There is no such run.
            CursorGoneError: The entry after the cursor is no longer here, or the cursor is ahead of the run.
            StoreError: The store cannot be reached.
        """
        ...

    async def wait(self, run_id: str, after: int, *, limit: int) -> Page:
        """Return as `read` does, but wait until there is an entry after the cursor or the run has ended.

        Raises:
            ProducerLostError: The producer died before its first entry; later than that, an `error` entry says so.
            RunNotFoundError: The run expired.
            CursorGoneError: The entry after the cursor is no longer here.
            StoreError: The store could not be reached for longer than it tries.
        """
        ...

    async def close(self) -> None:
        """Give back what the store holds: connections, memory. May be called twice."""
        ...


def possible_run_id(run_id: str) -> bool:
    """Return whether a run can have this name."""
    return _RUN_ID.fullmatch(run_id) is not None


def check_run_id(run_id: str) -> None:
    """Refuse a name that no run can have.

    Raises:
        ConfigurationError: It is no string of 1 to 200 letters, digits and ``_.:~@=+-``.
    """
    if not isinstance(run_id, str) or not possible_run_id(run_id):
        shown = repr(run_id)
        raise ConfigurationError(
            f"expected a run id of 1 to 200 letters, digits and _.:~@=+-, got {shown[:80]}{'...' * (len(shown) > 80)}"
        )


def store_failure(error: Exception, what: str) -> RelayError:
    """Return why a store failed as an error that readers are told; one that is not the relay's own is logged.

    Args:
        error: What it raised.
        what: What cannot be done now, as the beginning of a sentence.
    """
    if isinstance(error, RelayError):
        return error
    name = type(error).__name__
    _LOG.error("%s: %s", what, name, exc_info=error)
    failure = StoreError(f"{what}: {name}")
    failure.__cause__ = error
    return failure
