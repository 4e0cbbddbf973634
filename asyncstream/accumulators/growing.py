"""The life of whatever an accumulator tells of: created once, changed, done once. Pure; knows no protocol.

Texts, tool calls, messages and run steps subclass `Growing` and say which changes tell of them. That each of these is
told once, and none is done that was not created, is decided here and nowhere else; the columns decide when.
"""

from typing import Generic, TypeVar

from asyncstream.accumulators.changes import NOBODY, ChangeSink

__all__ = ["Growing"]

C = TypeVar("C")


class Growing(Generic[C]):
    """Something that a stream adds to; `C` are the changes that tell of it."""

    __slots__ = ("created", "done")

    def __init__(self) -> None:
        self.created = False
        """Whether its `created` was told."""
        self.done = False
        """Whether its `done` was told: it may still grow, but is not done a second time."""

    def open(self, changes: ChangeSink[C]) -> None:
        """Append the change that tells of it, unless that was told before."""
        if not self.created:
            self.created = True
            change = None if changes is NOBODY else self.created_change()
            if change is not None:
                changes.append(change)

    def close(self, changes: ChangeSink[C]) -> None:
        """Expect nothing more, and append the change that says so, once; what was never told of is created first."""
        if self.done:
            return
        self.open(changes)
        self.done = True
        self.end()
        change = None if changes is NOBODY else self.done_change()
        if change is not None:
            changes.append(change)

    def end(self) -> None:
        """Expect nothing more: half a surrogate pair at the end of a text is shown."""

    def created_change(self) -> C | None:
        """Make the change that tells of it, with a snapshot of what identifies it; None: it has no such change."""
        return None

    def done_change(self) -> C | None:
        """Make the change that says it is complete; None: it has no such change."""
        return None
