"""The script of an embedded server: what its model does, how fast, which requests fail; and the requests that came.

One scenario belongs to one server. Turns and faults are used up in order; the requests grow. Holds no HTTP and no state
of threads or runs.
"""

import fnmatch
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from asyncstream.server.actions import Cut, Segment, Turn
from asyncstream.server.answers import default_turn
from asyncstream.server.dialects import ChatDialect
from asyncstream.server.outcomes import FileOutcome
from asyncstream.server.responses_dialects import ResponsesDialect

__all__ = ["Fault", "Scenario", "SeenRequest"]


@dataclass(frozen=True, slots=True)
class SeenRequest:
    """A request as the server received it. Its headers and bytes are not in its repr: they may hold a key."""

    method: str
    path: str
    """With the ``/v1`` in front."""
    query: Mapping[str, str] = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    """Names are case-insensitive."""
    body: dict[str, object] | None
    """The JSON object sent; None without a body, or for one that is no JSON object."""
    raw: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Fault:
    """An answer given instead of the real one, once.

    Args:
        status: The HTTP status; None answers as usual, after `delay`.
        headers: Added to the answer's.
        body: Bytes and text are sent as they are, anything else as JSON; None is the usual error body.
        path: Only for requests whose path matches this pattern (``"*/runs"``); None for all.
        method: Only for this HTTP method; None for all.
        delay: Seconds before anything is answered.
        drop: "fin" or "rst" drops the connection without an answer.
    """

    status: int | None = 500
    headers: Mapping[str, str] = field(default_factory=dict)
    body: object = None
    path: str | None = None
    method: str | None = None
    delay: float = 0.0
    drop: Literal["fin", "rst"] | None = None

    def matches(self, method: str, path: str) -> bool:
        """Whether this fault is meant for such a request."""
        return self.method in (None, method) and (self.path is None or fnmatch.fnmatchcase(path, self.path))


class Scenario:
    """What an embedded server does.

    Args:
        turns: One for each segment of a run, in the order in which segments begin, whatever the run; and one for each
            choice of a chat answer and for each response, in the order of the requests.
        delay: Seconds between events.
        done: Whether a stream ends with ``event: done``, or with ``[DONE]`` in chat and in dialects of Responses.
        responses: Faults; each request uses up the first that matches it, before anything else is looked at.
        answer: Makes the turn when `turns` are used up.
        run_lifetime: Seconds until an unfinished run expires; 600 as at OpenAI.
        chunk_bytes: Streams are sent in chunks of at most so many bytes; None: as the events come.
        dialect: The shape in which chat answers are streamed.
        responses_dialect: The shape in which responses are streamed.
        cuts: How streams are cut, in the order in which they begin, whatever is in them; None leaves one whole. The
            bytes and events count from the beginning of the stream.
        resume_window: Seconds in which the stream of a response can be gone on with; 300 as at OpenAI.
        processing: Seconds until an uploaded file is processed, and until a vector store has read one.
        outcomes: What becomes of files in vector stores, by patterns of their names (``"*.exe"``); the first that
            matches. Others end well, but for empty ones.
        day: Seconds that a day lasts, where files and vector stores expire after days.
        poll_after_ms: What answers ask clients to wait while an object goes on; None: nothing.
        models: The names of the models that are listed.

    Attributes:
        requests: The requests that came, oldest first, the failed ones too.
    """

    def __init__(
        self,
        turns: Iterable[Turn] = (),
        *,
        delay: float = 0.0,
        done: bool = True,
        responses: Iterable[Fault] = (),
        answer: Callable[[Segment], Turn] = default_turn,
        run_lifetime: float = 600.0,
        chunk_bytes: int | None = None,
        dialect: ChatDialect = ChatDialect(),  # noqa: B008 - frozen, so that one default serves all scenarios
        responses_dialect: ResponsesDialect = ResponsesDialect(),  # noqa: B008 - frozen too
        cuts: Iterable[Cut | None] = (),
        resume_window: float = 300.0,
        processing: float = 0.02,
        outcomes: Mapping[str, FileOutcome] | None = None,
        day: float = 86400.0,
        poll_after_ms: float | None = 10,
        models: Iterable[str] = ("gpt-4o", "gpt-4o-mini"),
    ) -> None:
        self.turns: deque[Turn] = deque(turns)
        self.delay = delay
        self.done = done
        self.responses: list[Fault] = list(responses)
        self.answer = answer
        self.run_lifetime = run_lifetime
        self.chunk_bytes = chunk_bytes
        self.dialect = dialect
        self.responses_dialect = responses_dialect
        self.cuts: deque[Cut | None] = deque(cuts)
        self.resume_window = resume_window
        self.processing = processing
        self.outcomes = dict(outcomes or {})
        self.day = day
        self.poll_after_ms = poll_after_ms
        self.models = list(models)
        self.requests: list[SeenRequest] = []

    def next_turn(self, segment: Segment) -> Turn:
        """Use up the next turn, or make one with `answer`."""
        return self.turns.popleft() if self.turns else self.answer(segment)

    def next_cut(self) -> Cut | None:
        """Use up the next of the cuts that streams begin with."""
        return self.cuts.popleft() if self.cuts else None

    def file_outcome(self, filename: str, content: bytes) -> FileOutcome:
        """Return what becomes of a file in a vector store."""
        for pattern, outcome in self.outcomes.items():
            if fnmatch.fnmatchcase(filename, pattern):
                return outcome
        return FileOutcome() if content else FileOutcome("failed", code="invalid_file", message="The file is empty.")

    def next_fault(self, method: str, path: str) -> Fault | None:
        """Use up the first fault that is meant for such a request."""
        for position, fault in enumerate(self.responses):
            if fault.matches(method, path):
                return self.responses.pop(position)
        return None
