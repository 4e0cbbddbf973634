"""What a page decided about open calls, checked against the book that the application kept: `Decisions`. Pure.

Rule 1: nothing that is posted is executed. Name and arguments are the book's; what a page posts of them only has to be
the same. A word is taken only for a call that waits for one, an output only for a call that is answered elsewhere.
"""

from typing import TypeAlias

from asyncstream.decoding import UnreadableJSON, load_json
from asyncstream.looping.book import KeptCall, LoopState
from asyncstream.tools.context import Refused
from asyncstream.ui.errors import PostRefusedError

__all__ = ["NOT_POSTED", "Decision", "Decisions"]

Decision: TypeAlias = bool | Refused | str
"""Whether a call may run, or its output."""

NOT_POSTED = object()
"""The page did not post with what the call was made."""


class Decisions:
    """The decisions that one post makes.

    Attributes:
        taken: By the id of the call, what `LoopState.decide` takes.
    """

    def __init__(self, state: LoopState | None) -> None:
        self.taken: dict[str, Decision] = {}
        self._calls = {} if state is None else {call.id: call for call in state.calls}

    def approve(self, id: str, approved: bool, reason: str, *, name: object, input: object) -> None:
        """Take a word on a call.

        Raises:
            PostRefusedError: No call waits for it, it was given twice, or it is for another call than was shown.
        """
        call = self._of(id)
        waits = call is not None and (call.standing == "later" or (call.runs_elsewhere and call.standing == "external"))
        if call is None or not waits:
            raise PostRefusedError(f"no call {id!r} waits for a word")
        self._take(call, name, input, True if approved else Refused(reason))

    def answer(self, id: str, output: str, *, name: object, input: object) -> bool:
        """Take the output of a call that is answered by the page; return whether it is one.

        An output of a call that the book does not have, or that has one, is a part of the conversation.

        Raises:
            PostRefusedError: The call is open, but not the page's to answer; or it was answered twice; or the output
                is for another call than was shown.
        """
        call = self._of(id)
        if call is None or not call.open:
            return False
        if call.standing != "external" or call.runs_elsewhere:
            raise PostRefusedError(f"the call {id!r} is not answered by a page")
        self._take(call, name, input, output)
        return True

    def _of(self, id: str) -> KeptCall | None:
        """Return a call by the id that a page knows: where a server gave one id twice, it has a number behind it."""
        return self._calls.get(id) or self._calls.get(id.rpartition("~")[0])

    def _take(self, call: KeptCall, name: object, input: object, decision: Decision) -> None:
        if name is not NOT_POSTED and name != call.name:
            raise PostRefusedError(f"the call {call.id!r} is not one of {name!r}")
        if input is not NOT_POSTED and input not in (_arguments_of(call), call.arguments):
            raise PostRefusedError(f"the call {call.id!r} was made with another input than the one that was posted")
        if call.id in self.taken:
            raise PostRefusedError(f"the call {call.id!r} was decided twice")
        self.taken[call.id] = decision


def _arguments_of(call: KeptCall) -> object:
    try:
        return load_json(call.arguments.encode("utf-8", "surrogatepass") or b"{}", exact=True)
    except UnreadableJSON:
        return call.arguments
