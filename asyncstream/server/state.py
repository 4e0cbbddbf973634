"""What the server remembers: assistants, threads, messages, runs, steps and chats, as wire dicts in creation order.

Pure data and its look-ups: no HTTP, no tasks. Dicts and not the client's structs, so that the server can contradict
them. Written by the nouns, and by the runs of Assistants.
"""

import secrets
import string
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from asyncstream.server.problems import not_found

__all__ = ["TERMINAL", "CompletionRecord", "RunRecord", "Store", "ThreadRecord", "Wire", "new_id", "now"]

Wire: TypeAlias = dict[str, Any]
"""A JSON object as it goes over the wire."""

TERMINAL = frozenset({"completed", "failed", "cancelled", "expired", "incomplete"})
"""The statuses that a run never leaves."""

_ALPHABET = string.ascii_letters + string.digits


def new_id(prefix: str) -> str:
    """Return an id of the form that OpenAI's have: ``run_`` and 24 letters and digits."""
    return f"{prefix}_" + "".join(secrets.choice(_ALPHABET) for _ in range(24))


def now() -> int:
    """Return the time in seconds since 1970-01-01 UTC."""
    return int(time.time())


@dataclass(slots=True)
class RunRecord:
    """A run and its steps."""

    wire: Wire
    steps: dict[str, Wire] = field(default_factory=dict)

    def step(self, id: str) -> Wire:
        """Return a step, or raise the 404."""
        try:
            return self.steps[id]
        except KeyError:
            raise not_found("run step", id) from None


@dataclass(slots=True)
class ThreadRecord:
    """A thread with its messages and runs."""

    wire: Wire
    messages: dict[str, Wire] = field(default_factory=dict)
    runs: dict[str, RunRecord] = field(default_factory=dict)

    def message(self, id: str) -> Wire:
        """Return a message, or raise the 404."""
        try:
            return self.messages[id]
        except KeyError:
            raise not_found("message", id) from None

    def run(self, id: str) -> RunRecord:
        """Return a run, or raise the 404."""
        try:
            return self.runs[id]
        except KeyError:
            raise not_found("run", id) from None

    def active_run_id(self) -> str | None:
        """Return the id of the run that is not over; a thread has one at most."""
        return next((id for id, run in self.runs.items() if run.wire["status"] not in TERMINAL), None)

    def texts(self) -> Iterator[tuple[str, str]]:
        """Yield the role and the text of each message, oldest first."""
        for message in self.messages.values():
            parts = (part["text"]["value"] for part in message["content"] if part["type"] == "text")
            yield message["role"], "\n".join(parts)


@dataclass(slots=True)
class CompletionRecord:
    """A chat completion that was to be stored, and the messages it answers."""

    wire: Wire
    messages: list[Wire]


class Store:
    """All objects of one server."""

    def __init__(self) -> None:
        self.assistants: dict[str, Wire] = {}
        self.threads: dict[str, ThreadRecord] = {}
        self.completions: dict[str, CompletionRecord] = {}

    def assistant(self, id: str) -> Wire:
        """Return an assistant, or raise the 404."""
        try:
            return self.assistants[id]
        except KeyError:
            raise not_found("assistant", id) from None

    def thread(self, id: str) -> ThreadRecord:
        """Return a thread, or raise the 404."""
        try:
            return self.threads[id]
        except KeyError:
            raise not_found("thread", id) from None

    def completion(self, id: str) -> CompletionRecord:
        """Return a stored chat completion, or raise the 404."""
        try:
            return self.completions[id]
        except KeyError:
            raise not_found("chat completion", id) from None
