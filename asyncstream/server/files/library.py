"""The files and vector stores of a server: what becomes of a file, and when. No tasks: a look settles what is due.

A file in a store is `in_progress` until its time has come, then what the scenario says becomes of it. A store expires
some days after its last use; what it had not read by then is cancelled. What the wire objects look like is decided in
`objects`; requests are the nouns' business.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from asyncstream.server.files.objects import new_batch, new_counts, new_file, new_store_file, new_vector_store
from asyncstream.server.outcomes import FileOutcome
from asyncstream.server.problems import WireError, not_found
from asyncstream.server.scenario import Scenario
from asyncstream.server.state import Wire, now

__all__ = ["Batch", "Library", "StoreFile", "StoredFile", "VectorStore"]


@dataclass(slots=True)
class StoredFile:
    """An uploaded file."""

    wire: Wire
    content: bytes = field(repr=False)
    processed_at: float
    expires_at: float | None
    """On the library's clock, as all times of these records."""


@dataclass(slots=True)
class StoreFile:
    """A file in a vector store, on its way to its outcome."""

    wire: Wire
    content: bytes = field(repr=False)
    outcome: FileOutcome
    due_at: float

    def settle(self, at: float) -> None:
        """Let it become what it becomes, if that is due."""
        if self.wire["status"] != "in_progress" or at < self.due_at:
            return
        self.wire["status"] = self.outcome.status
        if self.outcome.status == "completed":
            self.wire["usage_bytes"] = len(self.content)
        elif self.outcome.status == "failed":
            self.wire["last_error"] = {"code": self.outcome.code, "message": self.outcome.message}

    def cancel(self, at: float) -> None:
        """Have it cancelled at a time, if it is still in progress then."""
        if self.wire["status"] == "in_progress" and self.due_at > at:
            self.outcome, self.due_at = FileOutcome("cancelled"), at


@dataclass(slots=True)
class Batch:
    """Files that were put into a store together."""

    wire: Wire
    files: dict[str, StoreFile]
    cancelled: bool = False

    def settle(self, at: float) -> None:
        """Bring its files, counts and status up to a time."""
        counts = _counted(self.files.values(), at)
        self.wire["file_counts"] = counts
        if counts["in_progress"]:
            self.wire["status"] = "in_progress"
        elif self.cancelled or counts["cancelled"] == counts["total"]:
            self.wire["status"] = "cancelled"
        else:
            self.wire["status"] = "failed" if counts["failed"] == counts["total"] else "completed"


@dataclass(slots=True)
class VectorStore:
    """A vector store, its files, and the batches that they came in."""

    wire: Wire
    expires_after: float | None
    """Seconds without use."""
    used_at: float
    files: dict[str, StoreFile] = field(default_factory=dict)
    batches: dict[str, Batch] = field(default_factory=dict)

    def file(self, id: str) -> StoreFile:
        """Return a file, or raise the 404."""
        try:
            return self.files[id]
        except KeyError:
            raise not_found("vector store file", id) from None

    def batch(self, id: str) -> Batch:
        """Return a batch, or raise the 404."""
        try:
            return self.batches[id]
        except KeyError:
            raise not_found("vector store file batch", id) from None

    def settle(self, at: float) -> None:
        """Bring its files, batches, counts and status up to a time."""
        end = None if self.expires_after is None else self.used_at + self.expires_after
        expired = end is not None and at >= end
        if end is not None and expired:
            for file in (
                *self.files.values(),
                *(file for batch in self.batches.values() for file in batch.files.values()),
            ):
                file.cancel(end)
        counts = _counted(self.files.values(), at)
        self.wire["file_counts"] = counts
        self.wire["usage_bytes"] = sum(file.wire["usage_bytes"] for file in self.files.values())
        self.wire["status"] = "expired" if expired else "in_progress" if counts["in_progress"] else "completed"
        for batch in self.batches.values():
            batch.settle(at)

    def expect_alive(self) -> None:
        """Raise the 400 for a store that has expired."""
        if self.wire["status"] == "expired":
            raise WireError(400, f"The vector store '{self.wire['id']}' has expired.", code="vector_store_expired")


class Library:
    """All files and vector stores of one server.

    Args:
        scenario: How long things take, and what becomes of them.
        clock: Gives seconds that only go forward.
    """

    def __init__(self, scenario: Scenario, clock: Callable[[], float] = time.monotonic) -> None:
        self._scenario = scenario
        self._clock = clock
        self._files: dict[str, StoredFile] = {}
        self._stores: dict[str, VectorStore] = {}

    # -- files --

    def add_file(self, filename: str, content: bytes, purpose: str, expires_after: int | None) -> StoredFile:
        """Keep an upload; `expires_after` is in seconds."""
        at = self._clock()
        wire = new_file(filename, len(content), purpose, None if expires_after is None else now() + expires_after)
        file = self._files[wire["id"]] = StoredFile(
            wire,
            content,
            at + self._scenario.processing,
            None if expires_after is None else at + expires_after / 86400 * self._scenario.day,
        )
        return file

    def file(self, id: str) -> StoredFile:
        """Return a file as it is now, or raise the 404."""
        self.files()
        try:
            return self._files[id]
        except KeyError:
            raise not_found("file", id, param="id") from None

    def files(self) -> list[Wire]:
        """Return all files as they are now, oldest first; an expired one is gone."""
        at = self._clock()
        for id, file in list(self._files.items()):
            if file.expires_at is not None and at >= file.expires_at:
                self.delete_file(id)
            elif at >= file.processed_at:
                file.wire["status"] = "processed"
        return [file.wire for file in self._files.values()]

    def delete_file(self, id: str) -> None:
        """Drop a file, also from the stores that it is in."""
        del self._files[id]
        for store in self._stores.values():
            store.files.pop(id, None)

    # -- vector stores --

    def add_store(self, body: Mapping[str, Any], days: int | None) -> VectorStore:
        """Make an empty store for a checked body, which expires some days after its last use."""
        store = VectorStore(new_vector_store(body), None, self._clock())
        self._stores[store.wire["id"]] = store
        self.set_expiry(store, days)
        return store

    def set_expiry(self, store: VectorStore, days: int | None) -> None:
        """Let a store expire some days after its last use; None: never."""
        store.expires_after = None if days is None else days * self._scenario.day
        self._show_expiry(store)

    def _show_expiry(self, store: VectorStore) -> None:
        after = store.wire["expires_after"]
        # In days of the calendar, whatever a day lasts here: clients show it.
        store.wire["expires_at"] = None if after is None else store.wire["last_active_at"] + after["days"] * 86400

    def stores(self) -> list[Wire]:
        """Return all stores as they are now, oldest first."""
        at = self._clock()
        for store in self._stores.values():
            store.settle(at)
        return [store.wire for store in self._stores.values()]

    def store(self, id: str) -> VectorStore:
        """Return a store as it is now, or raise the 404."""
        self.stores()
        try:
            return self._stores[id]
        except KeyError:
            raise not_found("vector store", id) from None

    def delete_store(self, id: str) -> None:
        """Drop a store; its files stay files."""
        del self._stores[id]

    def use(self, store: VectorStore) -> None:
        """Note that a store is used, which puts off its end.

        Raises:
            WireError: 400 if it has expired.
        """
        store.expect_alive()
        store.used_at = self._clock()
        store.wire["last_active_at"] = now()
        self._show_expiry(store)

    def attach(
        self, store: VectorStore, file_id: str, attributes: Mapping[str, Any] | None, chunking: Wire
    ) -> StoreFile:
        """Begin to put a file into a store.

        Raises:
            WireError: 404 for a file that is not there, 400 for a store that has expired.
        """
        source = self.file(file_id)
        self.use(store)
        outcome = self._scenario.file_outcome(source.wire["filename"], source.content)
        seconds = self._scenario.processing if outcome.seconds is None else outcome.seconds
        wire = new_store_file(store.wire["id"], file_id, attributes, chunking)
        # Behind the others, also if it was in the store before.
        store.files.pop(file_id, None)
        file = store.files[file_id] = StoreFile(wire, source.content, outcome, self._clock() + seconds)
        store.settle(self._clock())
        return file

    def add_batch(self, store: VectorStore, files: Iterable[StoreFile]) -> Batch:
        """Make a batch of files that have just been attached."""
        batch = Batch(new_batch(store.wire["id"]), {file.wire["id"]: file for file in files})
        store.batches[batch.wire["id"]] = batch
        batch.settle(self._clock())
        return batch

    def cancel_batch(self, batch: Batch) -> None:
        """Begin to cancel the files of a batch that are not ready yet.

        Raises:
            WireError: 400 if it is over.
        """
        if batch.wire["status"] != "in_progress":
            raise WireError(400, f"A batch with status '{batch.wire['status']}' cannot be cancelled.")
        batch.cancelled = True
        for file in batch.files.values():
            file.cancel(self._clock() + self._scenario.delay)
        batch.settle(self._clock())


def _counted(files: Iterable[StoreFile], at: float) -> dict[str, int]:
    counts = new_counts()
    for file in files:
        file.settle(at)
        counts[file.wire["status"]] += 1
        counts["total"] += 1
    return counts
