"""The answer as a page sees it: `Answer`, which reads typed changes and tells a `Page`. Pure; knows no protocol.

A page is either projection (`ui_messages`, `ag_ui`); it writes what it is told as parts. What changes mean is in
`accumulators.changes` and `looping.changes`. They are told apart by the names of their classes, and read by what all
have in common, so that this imports from no column.

Rule 1: what is told has an order: a text or a call begins, grows and ends; nothing grows that has not begun; after the
end of the answer nothing is told.
Rule 2: a call has one input and one output. What comes later for it, or under an id that was used, is another call.
Rule 3: of several choices the first is shown.
Rule 4: while nothing comes but pieces of one text or call, a piece costs what telling it costs: who tells the next one
is known (`_Growing`), and any other change that a page hears of makes that forgotten.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any, Final, Literal, NamedTuple, Protocol, TypeAlias

from msgspec import Struct

from asyncstream.decoding import load_json
from asyncstream.errors import AsyncStreamError
from asyncstream.looping.changes import RoundDone, ToolResultChanged, ToolResultDone
from asyncstream.tools.content import json_of
from asyncstream.tools.rounds import ToolResult
from asyncstream.ui.called import NOTHING, call_id, call_name, given_to, is_hosted, output_of, takes_text
from asyncstream.ui.found import File, Source, files_of, sources_of, usage_of

__all__ = ["Answer", "Call", "End", "FinishReason", "Page", "Part", "Said"]

Part: TypeAlias = dict[str, Any]
"""One part of a message, or one event: what a frame holds."""

FinishReason: TypeAlias = Literal["stop", "length", "content-filter", "tool-calls", "other"]


class Said(Struct):
    """A text or a piece of reasoning that goes on."""

    number: str
    """Of all that is said in the answer, from 1."""
    parent: str | int
    step: int
    refusal: bool = False
    id: str = ""
    """What the page calls it, once it has been told of; "" if it goes by its number."""


class Call(Struct):
    """A call as a page knows it."""

    id: str
    """Used once in the answer."""
    wire_id: str
    name: str
    parent: str | int
    step: int
    hosted: bool
    """Whether the server of the model answers it."""
    as_text: bool = False
    """Whether what it is called with is text and no JSON."""
    told: list[str] = []
    """What was told of its arguments."""
    earlier: bool = False
    """Whether the page has it from an answer before this one."""
    begun: bool = False
    ready: bool = False
    settled: bool = False
    asks: bool = False


class End(Struct, frozen=True):
    """How an answer ended."""

    reason: FinishReason
    usage: Mapping[str, int]
    pending: list[Call]
    """Calls that the page, or the application, answers."""


class Page(Protocol):
    """What writes the parts; each method returns those that say what happened."""

    def begins(self) -> list[Part]:
        """The answer opens."""
        ...

    def step_begins(self, step: int) -> list[Part]:
        """A step opens."""
        ...

    def step_ends(self, step: int) -> list[Part]:
        """A step is over."""
        ...

    def text_begins(self, said: Said) -> list[Part]:
        """A text begins."""
        ...

    def text_grows(self, said: Said, piece: str) -> list[Part]:
        """A text grew."""
        ...

    def text_ends(self, said: Said) -> list[Part]:
        """A text is complete."""
        ...

    def thought_begins(self, said: Said) -> list[Part]:
        """Reasoning begins."""
        ...

    def thought_grows(self, said: Said, piece: str) -> list[Part]:
        """Reasoning grew."""
        ...

    def thought_ends(self, said: Said, sealed: str) -> list[Part]:
        """Reasoning is over; `sealed` is its form for the server, if there is one."""
        ...

    def call_begins(self, call: Call) -> list[Part]:
        """A call begins, its name is known."""
        ...

    def call_grows(self, call: Call, piece: str) -> list[Part]:
        """What a call is called with grew."""
        ...

    def call_ready(self, call: Call, input: object) -> list[Part]:
        """A call is complete."""
        ...

    def call_broken(self, call: Call, input: object, words: str) -> list[Part]:
        """A call is over that cannot be run."""
        ...

    def call_asks(self, call: Call) -> list[Part]:
        """A call waits for somebody's word."""
        ...

    def call_reports(self, call: Call, output: object) -> list[Part]:
        """A call has told how far it is."""
        ...

    def call_returns(self, call: Call, output: object) -> list[Part]:
        """A call has its output."""
        ...

    def call_fails(self, call: Call, words: str) -> list[Part]:
        """A call has failed."""
        ...

    def call_denied(self, call: Call, words: str) -> list[Part]:
        """A call that had asked was not allowed."""
        ...

    def source(self, source: Source) -> list[Part]:
        """The text leans on something."""
        ...

    def file(self, file: File) -> list[Part]:
        """There is a picture."""
        ...

    def note(self, name: str, value: object) -> list[Part]:
        """The application says something."""
        ...

    def closes(self, words: str | None) -> list[Part]:
        """What is open ends; with words, calls without an output fail with them."""
        ...

    def ends(self, end: End) -> list[Part]:
        """The answer is complete."""
        ...

    def fails(self, words: str, code: str | None) -> list[Part]:
        """The answer failed."""
        ...

    def leaves(self, reason: str) -> list[Part]:
        """The answer was given up."""
        ...


class _Growing(NamedTuple):
    """What grew last."""

    kind: object
    """The class of the change that said so; None: nothing did."""
    source: object
    """What the accumulator keeps it as: all changes of one source are of the same text, or call."""
    known: Any
    """The same as the page knows it: a `Said`, or a `Call`."""
    tell: Callable[[Any, str], list[Part]]
    """Returns the parts that tell of its next piece."""


_NOTHING_GROWS: Final = _Growing(None, None, None, lambda known, piece: [])

_REASONS: Final[Mapping[str, FinishReason]] = {
    "stop": "stop",
    "completed": "stop",
    "length": "length",
    "max_output_tokens": "length",
    "max_completion_tokens": "length",
    "max_prompt_tokens": "length",
    "content_filter": "content-filter",
    "tool_calls": "tool-calls",
    "function_call": "tool-calls",
    "requires_action": "tool-calls",
}
_CUT: Final = ("length", "content-filter")

_RUN_NOUNS: Final = ("Run", "RunStep", "Message", "Text", "ImageFile")
"""Nouns of an answer that has steps of its own, which the server counts."""

_NOUN: Final = re.compile("(Created|Changed|Done)$")
_CODE: Final = re.compile("[a-z0-9_.]{1,64}")

_BROKE_OFF: Final = "The answer broke off before its end."
_FAILED: Final = "The answer failed."
_TOOL_FAILED: Final = "The tool failed."
_UNANSWERED: Final = "The call was not answered."


class Answer:
    """One answer, over all its rounds."""

    def __init__(self, page: Page) -> None:
        """Begin with an answer of which nothing has come.

        Args:
            page: What writes it.
        """
        self._page = page
        self._begun = False
        self._over = False
        self._growing = _NOTHING_GROWS
        self._has_run_steps = False
        # Of steps: how many there were, and those that are open, by key.
        self._steps = 0
        self._open_steps: dict[object, int] = {}
        self._said = 0
        self._texts: dict[object, Said] = {}
        self._thoughts: dict[object, Said] = {}
        # Whose text was told, so that what is told only when it is done is not told twice.
        self._told: set[object] = set()
        self._calls: dict[object, Call] = {}
        self._round_calls: list[Call] = []
        self._used_ids: set[str] = set()
        self._sources: set[str] = set()
        self._usage: dict[str, int] = {}
        self._usage_before: dict[str, int] = {}
        self._reason: FinishReason | None = None
        self._refused = False
        self._failure: tuple[str, str | None] | None = None
        self._left: str | None = None

    # The verbs of both projections.

    def start(self) -> list[Part]:
        """Return the parts that open the answer; none if it is open."""
        if self._begun or self._over:
            return []
        self._begun = True
        return self._page.begins()

    def push(self, change: Any) -> list[Part]:
        """Return the parts that say what a change says; none for what a page is not told."""
        kind, source, known, tell_more = self._growing
        if type(change) is kind and change.source is source and (piece := change.piece):
            return tell_more(known, piece)
        name = type(change).__name__
        tell = _TELL.get(name)
        if tell is None or self._over:
            return []
        self._growing = _NOTHING_GROWS
        parts = self.start()
        if _noun(name) in _RUN_NOUNS:
            self._has_run_steps = True
        return [*parts, *tell(self, change)]

    def note(self, name: str, value: object) -> list[Part]:
        """Return the part that says something of the application's own."""
        return [] if self._over else [*self.start(), *self._page.note(name, value)]

    def ask(self, ids: Iterable[str]) -> list[Part]:
        """Return the parts that ask for a word on calls, by the ids that their answer gave them."""
        wanted = {*ids}
        return [part for call in self._calls.values() if call.wire_id in wanted for part in self._ask(call)]

    def finish(self) -> list[Part]:
        """Return the parts that end the answer: as what was pushed says, it may have failed or been given up."""
        if self._over:
            return []
        if self._failure is not None:
            return self.fail(*self._failure)
        if self._left is not None:
            return self.leave(self._left)
        parts = [*self.start(), *self._end_thoughts(), *self._page.closes(None)]
        pending = [call for call in self._calls.values() if call.ready and not (call.settled or call.hosted)]
        pending += [call for call in self._calls.values() if call.asks and not call.settled and call.hosted]
        reason = self._reason or "other"
        if reason not in _CUT and pending:
            reason = "tool-calls"
        elif self._refused and reason == "stop":
            reason = "content-filter"
        self._end()
        return [*parts, *self._page.ends(End(reason, _added(self._usage_before, self._usage), pending))]

    def fail(self, error: BaseException | str, code: str | None = None) -> list[Part]:
        """Return the parts that close what is open and say that the answer failed."""
        if self._over:
            return []
        words = error if isinstance(error, str) else _BROKE_OFF if isinstance(error, AsyncStreamError) else _FAILED
        parts = [*self.start(), *self._page.closes(words), *self._page.fails(words, code)]
        self._end()
        return parts

    def leave(self, reason: str) -> list[Part]:
        """Return the parts that close what is open and say that the answer was given up."""
        if self._over:
            return []
        parts = [*self.start(), *self._page.closes(_UNANSWERED), *self._page.leaves(reason)]
        self._end()
        return parts

    def _end(self) -> None:
        self._over = True
        self._growing = _NOTHING_GROWS

    # Steps.

    def _step(self) -> tuple[list[Part], int]:
        """Return the parts that begin a step, if none is open and the server counts none, and its number."""
        if self._has_run_steps or self._open_steps:
            return [], self._steps
        return self._begin_step(None), self._steps

    def _begin_step(self, key: object) -> list[Part]:
        if key in self._open_steps:
            return []
        self._steps += 1
        self._open_steps[key] = self._steps
        return self._page.step_begins(self._steps)

    def _end_step(self, key: object) -> list[Part]:
        step = self._open_steps.pop(key, None)
        return [] if step is None else self._page.step_ends(step)

    def _run_step_created(self, change: Any) -> list[Part]:
        return self._begin_step(change.parent)

    def _run_step_done(self, change: Any) -> list[Part]:
        snapshot = change.snapshot
        calls = [call for call in self._calls.values() if call.parent == change.parent]
        by_id = {call.wire_id: call for call in calls}
        failed = snapshot.status in ("failed", "cancelled", "expired")
        parts: list[Part] = []
        for place, made in enumerate(getattr(snapshot.step_details, "tool_calls", None) or ()):
            call = by_id.get(made.id) or (calls[place] if place < len(calls) else None)
            if call is not None and call.ready and not call.settled:
                parts += self._settle_hosted(call, made, _TOOL_FAILED if failed else "")
        return [*parts, *self._end_step(change.parent)]

    # Texts and reasoning.

    def _goes_on(self, change: Any, known: Any, tell: Callable[[Any, str], list[Part]]) -> None:
        """Remember who tells of the next piece, should it be of what a change has let grow."""
        self._growing = _Growing(type(change), change.source, known, tell)

    def _text_changed(self, change: Any) -> list[Part]:
        piece = change.piece
        if not piece or _of_another_choice(change):
            return []
        key = _key(change)
        parts = self._text_grows(change, key, piece)
        self._goes_on(change, self._texts[key], self._page.text_grows)
        return parts

    def _text_grows(self, change: Any, key: object, piece: str) -> list[Part]:
        if not piece:
            return []
        self._told.add(key)
        parts = self._end_thoughts()
        said = self._texts.get(key)
        if said is None:
            begun, step = self._step()
            refusal = type(change).__name__.startswith("Refusal")
            self._refused |= refusal
            said = self._texts[key] = self._say(change.parent, step, refusal)
            parts = [*begun, *parts, *self._page.text_begins(said)]
        return [*parts, *self._page.text_grows(said, piece)]

    def _text_done(self, change: Any) -> list[Part]:
        if _of_another_choice(change):
            return []
        key = _key(change)
        annotated = type(change).__name__ == "TextDone"
        snapshot: Any = change.snapshot if annotated or key not in self._told else None
        parts: list[Part] = []
        if key not in self._told:
            parts += self._text_grows(change, key, snapshot.value if annotated else snapshot)
        said = self._texts.pop(key, None)
        if said is not None:
            parts += self._page.text_ends(said)
        if annotated:
            parts += self._tell_sources(sources_of(snapshot.annotations))
        return parts

    def _say(self, parent: str | int, step: int, refusal: bool = False) -> Said:
        self._said += 1
        return Said(str(self._said), parent, step, refusal)

    def _thought_changed(self, change: Any) -> list[Part]:
        piece = change.piece
        if not piece or _of_another_choice(change):
            return []
        key = _key(change)
        parts = self._thought_grows(change, key, piece)
        self._goes_on(change, self._thoughts[key], self._page.thought_grows)
        return parts

    def _thought_grows(self, change: Any, key: object, piece: str) -> list[Part]:
        if not piece:
            return []
        self._told.add(key)
        parts = []
        said = self._thoughts.get(key)
        if said is None:
            begun, step = self._step()
            parts = [*begun, *self._end_thoughts()]
            said = self._thoughts[key] = self._say(change.parent, step)
            parts += self._page.thought_begins(said)
        return [*parts, *self._page.thought_grows(said, piece)]

    def _thought_done(self, change: Any) -> list[Part]:
        if _of_another_choice(change):
            return []
        key = _key(change)
        parts = [] if key in self._told else self._thought_grows(change, key, change.snapshot)
        if isinstance(change.parent, int):
            # Of an item, what seals it comes after its texts.
            parts += self._end_thoughts()
        return parts

    def _end_thoughts(self, sealed: str = "") -> list[Part]:
        parts = [part for said in self._thoughts.values() for part in self._page.thought_ends(said, sealed)]
        self._thoughts.clear()
        return parts

    def _item_done(self, change: Any) -> list[Part]:
        item = change.snapshot
        if item.type == "mcp_approval_request":
            return self._asked_for(change, item)
        parts = self._end_thoughts(getattr(item, "encrypted_content", None) or "") if item.type == "reasoning" else []
        if item.type == "message":
            for content in item.content:
                parts += self._tell_sources(sources_of(getattr(content, "annotations", None)))
        return parts

    def _asked_for(self, change: Any, item: Any) -> list[Part]:
        """Tell of a call that the server makes when somebody has allowed it."""
        parts, call = self._open_call(change, item)
        return [*parts, *self._make_ready(call, item), *self._ask(call)]

    def _tell_sources(self, sources: Iterable[Source]) -> list[Part]:
        parts: list[Part] = []
        for source in sources:
            if source.id not in self._sources:
                self._sources.add(source.id)
                parts += self._page.source(source)
        return parts

    def _image_done(self, change: Any) -> list[Part]:
        return self._page.file(File(file_id=change.snapshot.file_id))

    # Calls.

    def _open_call(self, change: Any, snapshot: Any) -> tuple[list[Part], Call]:
        key = (change.parent, change.index)
        call = self._calls.get(key)
        if call is not None:
            return [], call
        parts, step = self._step()
        wire_id = call_id(snapshot, f"call-{change.parent}-{change.index}")
        if self._has_run_steps and (earlier := self._known_before(wire_id)) is not None:
            # The step of a call that was made before a loop was taken up again comes to its end with its output.
            self._calls[key] = earlier
            return parts, earlier
        call = Call(
            self._unused(wire_id), wire_id, "", change.parent, step, is_hosted(snapshot), takes_text(snapshot), told=[]
        )
        self._calls[key] = call
        if not call.hosted:
            self._round_calls.append(call)
        return [*parts, *self._end_thoughts()], call

    def _known_before(self, wire_id: str) -> Call | None:
        """Return the call of an answer before this one that has an id."""
        return next((call for call in self._calls.values() if call.earlier and call.wire_id == wire_id), None)

    def _unused(self, id: str) -> str:
        """Return an id that no call of the answer has had: servers give one twice."""
        number = 1
        unused = id
        while unused in self._used_ids:
            number += 1
            unused = f"{id}~{number}"
        self._used_ids.add(unused)
        return unused

    def _begin_call(self, call: Call, snapshot: Any, *, nameless: bool = False) -> list[Part]:
        """Tell of a call, once it has a name."""
        name = call_name(snapshot) or ("unknown" if nameless else "")
        if call.begun or not name:
            return []
        call.name = name
        call.begun = True
        return self._page.call_begins(call)

    def _call_created(self, change: Any) -> list[Part]:
        if _of_another_choice(change):
            return []
        snapshot = change.snapshot
        parts, call = self._open_call(change, snapshot)
        return [*parts, *self._begin_call(call, snapshot)]

    def _call_changed(self, change: Any) -> list[Part]:
        if _of_another_choice(change):
            return []
        parts: list[Part] = []
        piece = change.piece
        call = self._calls.get((change.parent, change.index))
        if call is None or not call.begun:
            snapshot = change.snapshot
            parts, call = self._open_call(change, snapshot)
            parts += self._begin_call(call, snapshot)
        if call.ready and not (call.hosted and not piece):
            return parts
        if piece and call.begun:
            self._goes_on(change, call, self._call_grows)
            return [*parts, *self._end_thoughts(), *self._call_grows(call, piece)]
        if call.hosted and call.as_text and not piece and not call.settled:
            snapshot = change.snapshot
            output, _ = output_of(snapshot)
            if output is not NOTHING:
                parts += self._make_ready(call, snapshot)
                # Ready with an error for its input, if the server has put a call of another kind in its place.
                if not call.settled:
                    parts += self._page.call_reports(call, output)
        return parts

    def _call_grows(self, call: Call, piece: str) -> list[Part]:
        call.told.append(piece)
        return self._page.call_grows(call, piece)

    def _call_done(self, change: Any) -> list[Part]:
        if _of_another_choice(change):
            return []
        snapshot = change.snapshot
        parts, call = self._open_call(change, snapshot)
        parts += self._make_ready(call, snapshot)
        for file in files_of(snapshot):
            parts += self._page.file(file)
        if call.hosted and not call.settled and (not self._has_run_steps or output_of(snapshot)[0] is not NOTHING):
            parts += self._settle_hosted(call, snapshot, "")
        return parts

    def _make_ready(self, call: Call, snapshot: Any) -> list[Part]:
        """Tell with what a call is called, once."""
        if call.ready:
            return []
        parts = self._begin_call(call, snapshot, nameless=True)
        given = given_to(snapshot)
        told = "".join(call.told)
        if given.text.startswith(told) and (rest := given.text[len(told) :]):
            parts += self._call_grows(call, rest)
        call.ready = True
        if given.broken:
            call.settled = True
            return [*parts, *self._page.call_broken(call, given.input, given.broken)]
        return [*parts, *self._page.call_ready(call, given.input)]

    def _settle_hosted(self, call: Call, snapshot: Any, failed: str) -> list[Part]:
        output, words = output_of(snapshot)
        call.settled = True
        if output is NOTHING and (words or failed):
            return self._page.call_fails(call, words or failed)
        if output is NOTHING:
            status = getattr(snapshot, "status", None)
            output = {"status": status} if status else None
        return self._page.call_returns(call, output)

    def _ask(self, call: Call) -> list[Part]:
        if call.asks or call.settled or not call.ready:
            return []
        call.asks = True
        return self._page.call_asks(call)

    # What a tool loop did.

    def _called(self, result: ToolResult) -> Call:
        """Return the call of a result; of a loop that was taken up again, one that the page knows from before."""
        for call in self._round_calls:
            if call.wire_id == result.id == call.id:
                return call
        if result.place < len(self._round_calls):
            return self._round_calls[result.place]
        key = ("before", result.round, result.place)
        if key not in self._calls:
            known = Call(
                result.id, result.id, result.name, "", self._steps, False, earlier=True, begun=True, ready=True
            )
            self._calls[key] = known
            self._used_ids.add(result.id)
        return self._calls[key]

    def _result_changed(self, change: ToolResultChanged) -> list[Part]:
        call = self._called(change.snapshot)
        if call.settled or not call.ready:
            return []
        try:
            progress = _decoded(json_of(change.delta))
        except (TypeError, ValueError, RecursionError):
            return []
        return self._page.call_reports(call, progress)

    def _result_done(self, change: ToolResultDone) -> list[Part]:
        result = change.snapshot
        call = self._called(result)
        if call.settled or not call.ready:
            return []
        call.settled = True
        if result.status == "returned":
            return self._page.call_returns(call, None if change.private else _output(result))
        words = result.output if isinstance(result.output, str) and not change.private else _TOOL_FAILED
        if result.status == "refused" and (call.asks or call.earlier):
            return self._page.call_denied(call, words)
        return self._page.call_fails(call, words)

    def _round_done(self, change: RoundDone) -> list[Part]:
        parts: list[Part] = []
        if change.stop == "later":
            for call in self._round_calls:
                parts += self._ask(call)
        if change.stop == "stopped":
            self._left = "stopped"
        if not self._has_run_steps:
            parts += [*self._end_thoughts(), *self._end_step(None)]
        if change.stop is None:
            self._round_calls = []
            self._told.clear()
            self._usage_before = _added(self._usage_before, self._usage)
            self._usage = {}
            self._reason = None
            if not self._has_run_steps:
                # The indices of the next answer begin anew; what is open of this one stays to be closed at the end.
                self._calls = {("before", change.round, key): call for key, call in self._calls.items()}
        return parts

    # How it ended.

    def _usage_changed(self, change: Any) -> list[Part]:
        self._usage = usage_of(change.snapshot)
        return []

    def _finish_changed(self, change: Any) -> list[Part]:
        if _of_another_choice(change):
            return []
        self._reason = _REASONS.get(change.delta, "other")
        message = change.snapshot.message
        parts = self._tell_sources(sources_of(message.annotations))
        for file in files_of(message):
            parts += self._page.file(file)
        return parts

    def _status_changed(self, change: Any) -> list[Part]:
        status = change.delta if isinstance(change.delta, str) else change.delta.status
        match status:
            case "completed" | "requires_action":
                self._reason = _REASONS[status]
            case "incomplete":
                details = getattr(change.snapshot, "incomplete_details", None)
                self._reason = _REASONS.get(getattr(details, "reason", None) or "", "other")
            case "failed":
                held = change.snapshot
                error = getattr(held, "last_error", None) or getattr(held, "error", None)
                code = getattr(error, "code", None)
                self._failure = _FAILED, code if isinstance(code, str) and _CODE.fullmatch(code) else None
            case "cancelled" | "expired":
                self._left = status
        return []

    def _run_changed(self, change: Any) -> list[Part]:
        if not change.ended:
            return []
        run = change.delta
        if run.usage is not None:
            self._usage = usage_of(run.usage)
        parts = self._status_changed(change)
        action = run.required_action
        if action is not None and action.type == "submit_tool_approval":
            parts += [part for call in self._calls.values() if call.hosted for part in self._ask(call)]
        return parts


def _of_another_choice(change: Any) -> bool:
    """Tell whether a change is of a choice that is not shown."""
    return isinstance(change.parent, int) and change.parent != 0


@cache
def _noun(name: str) -> str:
    """Return what changes of a class that is in `_TELL` are about."""
    return _NOUN.sub("", name)


def _key(change: Any) -> object:
    return _noun(type(change).__name__), change.parent, change.index, getattr(change, "kind", "")


def _output(result: ToolResult) -> object:
    """Return what a function returned, as the page has it: text as it is, all else as JSON says it."""
    output = result.output
    if not isinstance(output, str):
        return _decoded(json_of(output))
    if isinstance(result.value, str) or (result.value is None and output != "null"):
        return output
    try:
        return _decoded(output.encode())
    except (ValueError, UnicodeEncodeError):
        return output


def _decoded(data: bytes) -> object:
    return load_json(data, exact=True)


def _added(one: Mapping[str, int], other: Mapping[str, int]) -> dict[str, int]:
    return {name: one.get(name, 0) + other.get(name, 0) for name in (*one, *other)}


_TELL: Final[Mapping[str, Callable[[Answer, Any], list[Part]]]] = {
    "ContentChanged": Answer._text_changed,
    "ContentDone": Answer._text_done,
    "RefusalChanged": Answer._text_changed,
    "RefusalDone": Answer._text_done,
    "TextChanged": Answer._text_changed,
    "TextDone": Answer._text_done,
    "ReasoningChanged": Answer._thought_changed,
    "ReasoningDone": Answer._thought_done,
    "ImageFileDone": Answer._image_done,
    "OutputItemDone": Answer._item_done,
    "ToolCallCreated": Answer._call_created,
    "ToolCallChanged": Answer._call_changed,
    "ToolCallDone": Answer._call_done,
    "ToolResultChanged": Answer._result_changed,
    "ToolResultDone": Answer._result_done,
    "RoundDone": Answer._round_done,
    "RunStepCreated": Answer._run_step_created,
    "RunStepDone": Answer._run_step_done,
    "RunChanged": Answer._run_changed,
    "ResponseChanged": Answer._status_changed,
    "UsageChanged": Answer._usage_changed,
    "FinishChanged": Answer._finish_changed,
    "MessageCreated": lambda answer, change: [],
}
"""By the name of a change's class, what is told of it."""
