"""What one choice of a chat answer consists of: a scripted turn, unfolded into blocks: texts, calls, a finish. Pure.

Nothing here has a shape yet: `objects` makes a whole message of it, `chunks` the deltas of a dialect. The controls of a
script (`Pause`, `Cut`, ...) go through as they are, at their place.
"""

from collections.abc import Iterator, Sequence
from typing import Literal, TypeAlias

import msgspec

from asyncstream.server.actions import (
    Action,
    CallCustom,
    CallFunction,
    Cut,
    EmitRaw,
    ErrorEvent,
    Fail,
    Incomplete,
    Pause,
    Refuse,
    Say,
    SearchWeb,
    Think,
    Turn,
    UrlCitation,
)
from asyncstream.server.pieces import argument_pieces, marked, words
from asyncstream.server.state import Wire, new_id

__all__ = ["Block", "CallRow", "Control", "Finish", "ScriptedCall", "TextBlock", "count_tokens", "unfold"]

Control: TypeAlias = Pause | EmitRaw | Cut | ErrorEvent | Fail


class TextBlock(msgspec.Struct, frozen=True):
    """A piece of text, and the annotations whose markers it completes."""

    kind: Literal["content", "refusal", "reasoning"]
    text: str
    annotations: Sequence[Wire] = ()


class ScriptedCall(msgspec.Struct, frozen=True):
    """A tool call."""

    number: int
    """Its place among the calls of the choice."""
    id: str
    kind: Literal["function", "custom"]
    name: str
    pieces: Sequence[str]
    """What its arguments, or its input, consist of."""


class CallRow(msgspec.Struct, frozen=True):
    """Calls that come together."""

    calls: Sequence[ScriptedCall]


class Finish(msgspec.Struct, frozen=True):
    """The end of the choice."""

    reason: str


Block: TypeAlias = TextBlock | CallRow | Finish | Control


def unfold(turn: Turn, *, legacy: bool = False) -> list[Block]:
    """Return the blocks of a turn, in order; the finish last, if nothing fails before.

    Args:
        turn: The script.
        legacy: Whether the request has `functions` instead of `tools`: one call at most then.

    Raises:
        ValueError: The turn has an action that chat answers do not know.
    """
    return list(_unfold(turn.actions, legacy=legacy))


def count_tokens(block: Block) -> int:
    """Return the tokens that a block counts in the usage: one a piece, and one for the name of a call."""
    match block:
        case TextBlock():
            return 1
        case CallRow(calls=calls):
            return sum(1 + len(call.pieces) for call in calls)
        case _:
            return 0


def _unfold(actions: Sequence[Action], *, legacy: bool) -> Iterator[Block]:
    row: list[ScriptedCall] = []
    calls = 0
    for action in actions:
        if isinstance(action, CallFunction | CallCustom):
            if not (legacy and calls):
                row.append(_call(action, calls))
                calls += 1
            continue
        if row:
            yield CallRow(row)
            row = []
        match action:
            case Say():
                yield from _say(action)
            case Think(text=text, pieces=pieces):
                yield from (TextBlock("reasoning", piece) for piece in pieces or words(text))
            case Refuse(text=text, pieces=pieces):
                yield from (TextBlock("refusal", piece) for piece in pieces or words(text))
            case Incomplete(reason=reason):
                yield Finish("length" if reason.startswith("max_") else reason)
                return
            case ErrorEvent() | Fail():
                yield action
                return
            case Pause() | EmitRaw() | Cut():
                yield action
            case SearchWeb():
                pass
            case _:
                raise ValueError(f"a chat answer knows no {type(action).__name__}")
    if row:
        yield CallRow(row)
    yield Finish(("function_call" if legacy else "tool_calls") if calls else "stop")


def _say(action: Say) -> Iterator[TextBlock]:
    """Cut text into pieces; an annotation comes with the piece that completes its marker, or with one of its own."""
    pieces = list(action.pieces) or words(action.text) or [""]
    for piece, complete in marked(pieces, [citation.text for citation in action.citations]):
        annotations: list[Wire] = []
        for number, start in complete:
            citation = action.citations[number]
            if not isinstance(citation, UrlCitation):
                raise ValueError(f"a chat answer knows no {type(citation).__name__}")
            place = {"start_index": start, "end_index": start + len(citation.text)}
            cited = {**place, "url": citation.url, "title": citation.title}
            annotations.append({"type": "url_citation", "url_citation": cited})
        yield TextBlock("content", piece, annotations)


def _call(action: CallFunction | CallCustom, number: int) -> ScriptedCall:
    id = action.id or new_id("call")
    if isinstance(action, CallCustom):
        return ScriptedCall(number, id, "custom", action.name, list(action.pieces) or words(action.input))
    return ScriptedCall(number, id, "function", action.name, argument_pieces(action.arguments, action.pieces))
