"""The book of a tool loop: which calls were offered, began and ended. `LoopState`, `KeptCall`. Pure: no clock, no IO.

Written by `streaming.tool_runner`, kept by the application where it wants, and read again when a loop is resumed. What
a protocol needs to send the next request is its own (`looping.chat`, ...) and stands in `history`.

Rule 1: an entry moves one way: offered, began, ended. A call that began is never run again, whatever became of it.
Rule 2: the key of a call is its round and its place, never its id: servers give one id twice.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, cast

import msgspec
from msgspec import Raw, Struct

from asyncstream.errors import ConfigurationError
from asyncstream.tools.content import Output
from asyncstream.tools.rounds import Status, ToolResult
from asyncstream.types.function_calls import CallArguments

if TYPE_CHECKING:
    from asyncstream.tools.context import Refused

__all__ = ["KeptCall", "LoopState", "OfferedCall"]

Standing: TypeAlias = Literal["offered", "began", "later", "external"] | Status
"""Where a call stands: not begun, running, waiting for somebody's word or for an output from elsewhere, or ended."""

_OPEN = ("offered", "began", "later", "external")

Decision: TypeAlias = "bool | Refused | str"


class OfferedCall(CallArguments, kw_only=True):
    """A call as the model made it."""

    id: str
    name: str
    arguments: str


class KeptCall(Struct, kw_only=True):
    """A call in the book."""

    place: int
    """Its place in the answer, from 0."""
    id: str
    """The id under which it is answered."""
    name: str
    arguments: str
    """As the model wrote them."""
    standing: Standing = "offered"
    allowed: bool = False
    """Whether somebody has said that it may run."""
    runs_elsewhere: bool = False
    """Whether the server runs it, and only asks whether it may."""
    output: Output = ""
    item: dict[str, Any] | None = None
    """The whole item that answers it, where somebody gave one."""
    elapsed: float = 0.0

    @property
    def open(self) -> bool:
        """Whether it has no result yet."""
        return self.standing in _OPEN

    def shown(self) -> "OfferedCall":
        """Return the call as functions and `Tools.approve` see it; it does not change with this."""
        return OfferedCall(id=self.id, name=self.name, arguments=self.arguments)


class LoopState(Struct, kw_only=True):
    """Where a loop is: what was sent, the answer that is worked on, and its calls. It holds the conversation.

    Pickle it, or `dump` it; `resume=` of a stream takes it. Never give it to a browser.
    """

    round: int = 1
    """The number of the answer that is worked on."""
    history: dict[str, Any] = {}
    """What the next request is made of, in the words of the protocol."""
    calls: list[KeptCall] = []
    """The calls of the answer, in order; empty before it is complete."""
    ended: list[ToolResult] = []
    """The results of the rounds before."""

    def __repr__(self) -> str:
        # The rest of it is the conversation, which stands in no log.
        standings = ", ".join(f"{call.name}: {call.standing}" for call in self.calls)
        return f"LoopState(round={self.round}, calls=[{standings}])"

    def dump(self) -> bytes:
        """Return it as JSON, without what functions returned and raised."""
        return msgspec.json.encode(self.copy())

    @classmethod
    def load(cls, data: bytes | str) -> "LoopState":
        """Return what `dump` wrote.

        Raises:
            ConfigurationError: It is none.
        """
        try:
            if missing := {*cls.__struct_fields__} - msgspec.json.decode(data, type=dict[str, Raw]).keys():
                raise ConfigurationError(f"this is no state of a tool loop: it has no {min(missing)}")
            return msgspec.json.decode(data, type=cls)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise ConfigurationError(f"this is no state of a tool loop: {error}") from error

    @property
    def waiting(self) -> list[KeptCall]:
        """The calls that wait for somebody's word, or for an output from elsewhere."""
        return [call for call in self.calls if call.standing in ("later", "external")]

    def decide(self, decisions: "Mapping[str, Decision]") -> "LoopState":
        """Answer calls that were left open; what is not decided stays so.

        Args:
            decisions: By the id of the call: True, it may run; `Refused("why")` or False, it may not; a text, that is
                its output.

        Returns:
            The same state.

        Raises:
            ConfigurationError: No such call is open; nothing was decided then.
        """
        waiting = {call.id: call for call in self.waiting}
        unknown = [id for id in decisions if id not in waiting]
        if unknown:
            listed = ", ".join(map(repr, waiting)) or "none"
            raise ConfigurationError(f"no call {unknown[0]!r} waits for a decision; waiting: {listed}")
        decided = [(waiting[id], _decided(waiting[id], decision)) for id, decision in decisions.items()]
        for call, (standing, output) in decided:
            call.standing, call.output, call.allowed = standing, output, standing == "offered"
        return self

    def begin(self, place: int) -> None:
        """Write that a call begins to run.

        Raises:
            ConfigurationError: It has begun before.
        """
        call = self.calls[place]
        if call.standing != "offered":
            raise ConfigurationError(
                f"call {place} of round {self.round} is {call.standing!r}: it does not begin again"
            )
        call.standing = "began"

    def end(self, place: int, status: Status, output: Output, elapsed: float = 0.0) -> None:
        """Write how a call ended; what has ended before stays as it is."""
        call = self.calls[place]
        if call.open:
            call.standing, call.output, call.elapsed = status, output, elapsed

    def lose(self) -> list[KeptCall]:
        """Write of calls that began and did not end that they are lost, and return them."""
        lost = [call for call in self.calls if call.standing == "began"]
        for call in lost:
            self.end(call.place, "lost", LOST)
        return lost

    def copy(self) -> "LoopState":
        """Return another that does not change with this one, to be kept: without what functions returned and raised."""
        calls = [msgspec.structs.replace(call) for call in self.calls]
        ended = [msgspec.structs.replace(result, value=None, error=None) for result in self.ended]
        return msgspec.structs.replace(self, calls=calls, ended=ended)

    def next_round(self, results: Sequence[ToolResult]) -> None:
        """Go over to the next answer, which has no calls yet."""
        self.ended.extend(results)
        self.round += 1
        self.calls = []


def result_of(round: int, call: KeptCall, *, value: object = None, error: BaseException | None = None) -> ToolResult:
    """Return the result of a call of a round; its status is None while it has none."""
    return ToolResult(
        round=round,
        place=call.place,
        id=call.id,
        name=call.name,
        output=call.output,
        status=None if call.open else cast("Status", call.standing),
        elapsed=call.elapsed,
        value=value,
        error=error,
    )


LOST = "Was interrupted: it may or may not have run."
UNRUN = "Not run."
UNRUN_CUT = "Not run: the answer was cut."


def refusal(decision: object) -> str:
    """Return what the model is told of a call that was not allowed."""
    from asyncstream.tools.context import Refused

    return f"Not allowed: {decision.reason}" if isinstance(decision, Refused) else "Not allowed."


def _decided(call: KeptCall, decision: "Decision") -> tuple[Standing, str]:
    from asyncstream.tools.context import Refused  # few loops wait for somebody's word

    match decision:
        case True if call.standing == "later" or call.runs_elsewhere:
            return "offered", ""
        case False | Refused():
            return "refused", refusal(decision)
        case str() if not call.runs_elsewhere:
            return "returned", decision
    expected = "True, False or Refused(...)" if call.runs_elsewhere else "its output as text"
    raise ConfigurationError(f"{call.id!r} is answered elsewhere: expected {expected}, got {type(decision).__name__}")
