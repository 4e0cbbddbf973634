"""What a tool loop changes: `ToolResultCreated`, `ToolResultChanged`, `ToolResultDone`, `RoundDone`. Pure.

They stand in `stream.changes` between the changes of two answers, and speak as those do (`accumulators.changes`);
`told` is what others than the program may know of them. Made by `streaming.tool_runner` and `streaming.tool_loop`.
"""

from typing import ClassVar, Literal, TypeAlias

from msgspec import Raw, Struct

from asyncstream.tools.content import json_of
from asyncstream.tools.rounds import ToolResult

__all__ = ["LoopChange", "RoundDone", "Stop", "ToolResultChanged", "ToolResultCreated", "ToolResultDone"]

Stop: TypeAlias = Literal["answered", "final", "external", "later", "cut", "stopped"]
"""Why a loop ended: the model called nothing, a final tool returned, a call is answered elsewhere or later, the answer
was cut, or `stop` was called."""


class ToolResultCreated(Struct, frozen=True):
    """A call began to run."""

    snapshot: ToolResult

    @property
    def told(self) -> dict[str, object]:
        """Which call."""
        return _call(self.snapshot)

    @property
    def parent(self) -> int:
        """The number of its round."""
        return self.snapshot.round

    @property
    def index(self) -> int:
        """The place of the call in its answer."""
        return self.snapshot.place


class ToolResultChanged(Struct, frozen=True):
    """A tool told how far it is."""

    field: ClassVar[str] = "progress"
    piece: ClassVar[str] = ""

    snapshot: ToolResult
    delta: object
    """What it reported."""

    @property
    def told(self) -> dict[str, object]:
        """Which call, and how far it is; None where JSON cannot say that."""
        try:
            delta: Raw | None = Raw(json_of(self.delta))
        except (TypeError, ValueError, RecursionError):
            delta = None
        return {**_call(self.snapshot), "delta": delta}

    @property
    def parent(self) -> int:
        """The number of its round."""
        return self.snapshot.round

    @property
    def index(self) -> int:
        """The place of the call in its answer."""
        return self.snapshot.place


class ToolResultDone(Struct, frozen=True):
    """A call has its result, whether it ran or not."""

    snapshot: ToolResult
    private: bool = False
    """Whether its output is for the model alone."""

    @property
    def told(self) -> dict[str, object]:
        """Which call, how it ended, and what the model was told of it, if that is not for the model alone."""
        result = self.snapshot
        output = "" if self.private else result.output
        return {**_call(result), "status": result.status, "output": output, "elapsed": result.elapsed}

    @property
    def parent(self) -> int:
        """The number of its round."""
        return self.snapshot.round

    @property
    def index(self) -> int:
        """The place of the call in its answer."""
        return self.snapshot.place


class RoundDone(Struct, frozen=True):
    """An answer of the model has its results; when the cursor has passed this, the next request is sent."""

    index: ClassVar[int] = 0

    round: int
    stop: Stop | None
    """Why no other follows; None if one does."""

    @property
    def told(self) -> dict[str, object]:
        """Its number, and why no other follows."""
        return {"round": self.round, "stop": self.stop}

    @property
    def parent(self) -> int:
        """The number of the round."""
        return self.round


LoopChange: TypeAlias = ToolResultCreated | ToolResultChanged | ToolResultDone | RoundDone


def _call(result: ToolResult) -> dict[str, object]:
    return {"round": result.round, "place": result.place, "id": result.id, "name": result.name}
