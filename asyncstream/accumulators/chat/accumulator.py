"""Fold the chunks of a chat answer into a ChatCompletion snapshot: `ChatAccumulator`. Pure: no IO, no clock.

It keeps the choices by index, the envelope and the usage, and decides when an answer is complete; what a choice does
with a delta is in `choices`. Rules: sections 3 and 4 of the wire rules.

Source: https://platform.openai.com/docs/api-reference/chat-streaming
"""

from collections.abc import Callable, Mapping
from typing import Generic, TypeAlias, cast

import msgspec

from asyncstream.accumulators.changes import NOBODY, ChangeSink, UsageChanged
from asyncstream.accumulators.chat.calls import ReadArguments, copied_json, is_flat, merge_json
from asyncstream.accumulators.chat.choices import ChoiceChange, GrowingChoice, is_reason
from asyncstream.accumulators.fragments import MOST_PIECES
from asyncstream.accumulators.merging import mended
from asyncstream.accumulators.repairs import Repairs
from asyncstream.decoding import Repair
from asyncstream.errors import StreamEventError, StreamTruncatedError
from asyncstream.events.chat import ChatStreamEvent, MendedChunk, read_usage
from asyncstream.events.control import DoneEvent, ErrorEvent, RemarkEvent
from asyncstream.types.chat import ChatCompletion
from asyncstream.types.chat_chunks import (
    AbsentDelta,
    ChatCompletionChunk,
    ChoiceDelta,
    ChoiceDeltaToolCall,
    ChunkChoice,
)
from asyncstream.types.chat_parts import CompletionUsage
from asyncstream.types.structs import ParsedT

__all__ = ["ChatAccumulator", "ChatChange"]

ChatChange: TypeAlias = ChoiceChange[ParsedT] | UsageChanged[CompletionUsage]

_CARRIED = ("moderation", "prompt_filter_results", "provider", "citations", "search_results", "metadata")
"""Members of a chunk that stand beside the choices and replace those of an earlier chunk."""

_GROWING = frozenset(
    {"content", "refusal", "reasoning", "reasoning_content", "reasoning_text", "transcript"}
    | {"arguments", "input", "text", "thinking", "summary", "data"}
)
"""Under which names pieces of text stand: half a surrogate pair in them may be completed by the next piece."""


class ChatAccumulator(Generic[ParsedT]):
    """Fold the chunks of one answer, with any number of choices; generic in the type that the answer is to fit.

    Push every event, the `DoneEvent` included, then call `finish`. Snapshots are plain structs, built when looked at
    and kept until the next fold. An accumulator can be pickled at any point and goes on where it was.

    Source: https://platform.openai.com/docs/api-reference/chat-streaming
    """

    def __init__(
        self,
        *,
        response_format: type[ParsedT] | None = None,
        tool_types: Mapping[str, Callable[..., object]] | None = None,
    ) -> None:
        """Make an accumulator of an answer that has not begun.

        Args:
            response_format: The type that the request asked for; whole answers that fit it are `message.parsed`.
            tool_types: By the name of a tool, the type of its arguments, or the function that takes them; those of
                whole calls that fit are `call.function.parsed_arguments`. A pickle keeps what an import finds by name.
        """
        self._response_format = response_format
        self._read_arguments: ReadArguments | None = None
        if tool_types:
            from asyncstream.tools.typed import ToolTypes  # most tools have no types

            self._read_arguments = ToolTypes(tool_types).read
        self._fields = ChatCompletion()
        # Something of id, model and created is not known yet.
        self._unnamed = True
        self._choices: dict[int, GrowingChoice] = {}
        # The choices that had no finish reason when it was last looked: a reason, once there, stays.
        self._awaited: list[GrowingChoice] = []
        self._usage = _Usage()
        self._repairs = Repairs()
        self._built: ChatCompletion[ParsedT] | None = None
        self._done = False
        # What no field of a chunk names.
        self._extra: dict[str, object] = {}
        # What was said of a failure by something that is no chunk; the last one counts.
        self._remark: RemarkEvent | None = None
        # A chunk held half of a surrogate pair.
        self._halves = False
        # The choice that all of the last event was a piece for; and the same once a text alone may follow for it.
        self._grown: GrowingChoice | None = None
        self._alike: GrowingChoice | None = None
        # What that text is added to, where it is the content.
        self._pieces: list[str] | None = None
        self.events_seen = 0
        """How many chunks were pushed."""

    def __getstate__(self) -> dict[str, object]:
        if self._read_arguments is not None:
            # A value of a type that no import finds cannot be pickled; what is built now is built again when looked at.
            self._built = None
            for choice in self._choices.values():
                choice.forget()
        return self.__dict__

    @property
    def completion(self) -> ChatCompletion[ParsedT]:
        """The answer as it is now, its choices by index. Costs one copy of the texts that grew since the last look."""
        if self._built is None:
            completion = msgspec.structs.replace(self._fields)
            completion.choices = [self._choices[index].snapshot() for index in sorted(self._choices)]
            completion.usage = self._usage.held
            completion.extra = copied_json(self._extra)
            # JSON of no fixed shape may hold a half under any name; of texts this changes nothing any more.
            built = mended(completion, frozenset()) if self._halves else completion
            self._built = cast("ChatCompletion[ParsedT]", built)
        return self._built

    @property
    def finished(self) -> bool:
        """Whether terminal evidence was seen: `[DONE]`, or a finish reason for every choice."""
        awaited = self._awaited
        while awaited and awaited[-1].finish_reason is not None:
            awaited.pop()
        return self._done or (bool(self._choices) and not awaited)

    @property
    def repairs(self) -> list[Repair]:
        """What the wire got wrong and was mended, each with the number of its rule; what repeats stands once."""
        return self._repairs.made

    @property
    def repairs_omitted(self) -> int:
        """How many repairs were made after the thousand that `repairs` holds at most."""
        return self._repairs.omitted

    def push(self, event: ChatStreamEvent) -> list[ChatChange[ParsedT]]:
        """Fold an event.

        Returns:
            What changed, in order.

        Raises:
            StreamEventError: It is an error event; `partial` is this accumulator.
        """
        changes: list[ChatChange[ParsedT]] = []
        self.fold(event, changes)
        return changes

    def fold(self, event: ChatStreamEvent, changes: list[ChatChange[ParsedT]] | None = None) -> None:
        """Fold an event as `push` does; without a list to append its changes to, it costs a third less.

        Raises:
            StreamEventError: It is an error event; `partial` is this accumulator.
        """
        self._alike = None
        if not self._unnamed and (
            self._add_piece(event, changes)
            if type(event) is ChatCompletionChunk
            else type(event) is MendedChunk and self._add_beyond(event, changes)
        ):
            self.events_seen += 1
            self._built = None
        else:
            self._grown = None
            self._fold_any(event, NOBODY if changes is None else changes)

    def expect_alike(self) -> None:
        """Let `fold_alike` say that the last event has come again, with another text, until another is folded."""
        choice = self._alike = self._grown
        self._pieces = None if choice is None else choice.pieces()

    def fold_alike(self, text: str) -> bool:
        """Fold the last event with another text; return False, and fold nothing, if that must be folded whole."""
        choice, pieces = self._alike, self._pieces
        if choice is None or not text:
            return False
        if pieces is not None and len(pieces) < MOST_PIECES:
            # As `add_alike`, in place: its calls would double what this costs.
            choice.built = None
            pieces.append(text)
        else:
            choice.add_alike(text)
        self.events_seen += 1
        self._built = None
        return True

    def _add_piece(self, chunk: ChatCompletionChunk, changes: list[ChatChange[ParsedT]] | None) -> bool:
        """Fold a chunk that adds a piece to one choice, which nearly all do; return False for any other."""
        if len(chunk.choices) != 1 or chunk.usage is not None or chunk.x_groq is not None:
            return False
        choice = chunk.choices[0]
        growing = self._choices.get(choice.index)  # type: ignore[arg-type]  # None is no key
        if growing is None or not growing.add_piece(choice, changes):
            return False
        self._grown = growing
        # As `_fold_any`, in place: the call would be a tenth of the fold.
        fields = self._fields
        if chunk.system_fingerprint is not None:
            fields.system_fingerprint = chunk.system_fingerprint
        if chunk.service_tier is not None:
            fields.service_tier = chunk.service_tier
        if (
            chunk.prompt_filter_results is not None
            or chunk.provider is not None
            or chunk.citations is not None
            or chunk.search_results is not None
            or chunk.moderation is not None
            or chunk.metadata is not None
        ):
            self._fold_carried(chunk)
        return True

    def _add_beyond(self, chunk: MendedChunk, changes: list[ChatChange[ParsedT]] | None) -> bool:
        """Fold a chunk that adds a piece of text, beside members that no field names; return False for any other."""
        if chunk.repairs or len(chunk.choices) != 1:
            return False
        choice = chunk.choices[0]
        delta = choice.delta
        if delta.content_parts is not None or delta.tool_calls is not None or not self._add_piece(chunk, changes):
            return False
        if chunk.unnamed is not None:
            merge_json(self._extra, chunk.unnamed)
        if choice.unnamed is not None or delta.unnamed is not None:
            self._choices[choice.index or 0].keep_unnamed(choice)
        return True

    def _fold_any(self, event: ChatStreamEvent, changes: ChangeSink[ChatChange[ParsedT]]) -> None:
        chunk = event if type(event) is ChatCompletionChunk else self._take_special(event)
        if chunk is None:
            return
        self.events_seen += 1
        self._built = None
        if self._unnamed:
            self._fold_names(chunk)
        usage = chunk.usage
        for position, choice in enumerate(chunk.choices):
            index = choice.index
            growing = self._choices.get(position if index is None else index)
            if growing is None:
                growing = self._open_choice(choice, position)
                if growing is None:
                    continue
            growing.fold(choice, changes)
            if choice.usage is not None and usage is None:
                usage = read_usage(choice.usage)
        fields = self._fields
        if chunk.system_fingerprint is not None:
            fields.system_fingerprint = chunk.system_fingerprint
        if chunk.service_tier is not None:
            fields.service_tier = chunk.service_tier
        if (
            chunk.prompt_filter_results is not None
            or chunk.provider is not None
            or chunk.citations is not None
            or chunk.search_results is not None
            or chunk.moderation is not None
            or chunk.metadata is not None
        ):
            self._fold_carried(chunk)
        if chunk.unnamed is not None:
            merge_json(self._extra, chunk.unnamed)
        if usage is None and chunk.x_groq is not None and chunk.x_groq.usage is not None:
            usage = read_usage(chunk.x_groq.usage)
        if usage is not None and self._usage.fold(usage, self._repairs):
            changes.append(UsageChanged(self._usage, usage))

    def finish(self) -> list[ChatChange[ParsedT]]:
        """Say that nothing follows: call it at `[DONE]` or at the end of the bytes.

        Returns:
            The changes that close what no finish reason has closed; mostly none.

        Raises:
            StreamEventError: A choice ended with the finish reason "error", and nothing named the cause; or the answer
                did not go on after something that is no chunk spoke of a failure.
            StreamTruncatedError: No terminal evidence was seen; `partial` is this accumulator.
        """
        failed = [choice for choice in self._choices.values() if choice.failed]
        told = self._failure()
        if failed or not self.finished or told is not None:
            self._settle_ids()
        if failed:
            raise StreamEventError(
                f"the server ended choice {failed[0].index} with the finish reason 'error' and named no cause",
                partial=self,
                events_seen=self.events_seen,
            )
        if told is not None:
            raise told.to_error(self, self.events_seen)
        if not self.finished:
            unfinished = [choice.index for choice in self._choices.values() if choice.finish_reason is None]
            awaited = f"choice {unfinished[0]} had a finish reason" if unfinished else "any choice came"
            raise StreamTruncatedError(
                f"stream ended after {self.events_seen} events, before {awaited} or [DONE] was sent",
                partial=self,
                events_seen=self.events_seen,
            )
        if self._remark is not None:
            self._repairs.add("3.5", "stream", self._remark.raw)
        self._built = None
        changes: list[ChatChange[ParsedT]] = []
        for index in sorted(self._choices):
            self._choices[index].close(changes)
        return changes

    def _failure(self) -> RemarkEvent | None:
        """Give what was said of a failure, if it counts: the answer has not come to its end since (rule 3.5)."""
        told = self._remark
        if told is None or (self._done and not told.certain):
            return None
        ended = bool(self._choices) and all(choice.finish_reason is not None for choice in self._choices.values())
        return None if ended else told

    def _take_special(self, event: ChatStreamEvent) -> ChatCompletionChunk | None:
        """Take what is no plain chunk; give the chunk in it, if it is one that was mended."""
        if isinstance(event, ErrorEvent):
            self._settle_ids()
            raise event.to_error(self, self.events_seen)
        if isinstance(event, RemarkEvent):
            self._remark = event
            return None
        if isinstance(event, DoneEvent):
            self._done = True
            return None
        if isinstance(event, MendedChunk):
            self._repairs.extend(event.repairs)
            # The other repair of this rule is of NaN.
            if any(repair.rule == "6.2" and b"\\u" in repair.raw for repair in event.repairs):
                self._halves = True
                return _mended(event)
        return event

    def _fold_names(self, chunk: ChatCompletionChunk) -> None:
        fields = self._fields
        fields.id = fields.id or chunk.id
        fields.model = fields.model or chunk.model
        fields.created = fields.created or (chunk.created if 0 < chunk.created < 2**63 else 0)
        self._unnamed = not (fields.id and fields.model and fields.created)

    def _open_choice(self, choice: ChunkChoice, position: int) -> GrowingChoice | None:
        """Open the choice of an entry; None for one that only annotates (rule 4.3)."""
        if type(choice.delta) is AbsentDelta and choice.message is None and not is_reason(choice.finish_reason):
            return None
        index = choice.index
        # What JSON writers and databases call an integer ends here, and msgspec does not encode more.
        if index is None or not -(2**63) <= index < 2**63:
            self._repairs.add("4.2", f"choice {position}", index)
            index = position
        growing = self._choices.get(index)
        if growing is None:
            growing = self._choices[index] = GrowingChoice(
                index, self._repairs, self._response_format, self._read_arguments
            )
            self._awaited.append(growing)
        return growing

    def _fold_carried(self, chunk: ChatCompletionChunk) -> None:
        for name in _CARRIED:
            value = getattr(chunk, name)
            if value not in (None, "", []) and is_flat(value):
                setattr(self._fields, name, value)

    def _settle_ids(self) -> None:
        self._built = None
        for choice in self._choices.values():
            choice.settle_ids()


class _Usage:
    """The usage as it stands."""

    __slots__ = ("held",)

    def __init__(self) -> None:
        self.held: CompletionUsage | None = None

    def fold(self, usage: CompletionUsage, repairs: Repairs) -> bool:
        """Replace the usage, unless by nothing but zeros (rule 4.14); return True if it was replaced."""
        if self.held is not None and not _counts(usage) and _counts(self.held):
            repairs.add("4.14", "usage", msgspec.json.encode(usage))
            return False
        self.held = usage
        return True

    def snapshot(self) -> CompletionUsage:
        assert self.held is not None  # made by a fold of the usage
        return self.held


def _counts(usage: CompletionUsage) -> bool:
    """Return True if any number in it, at any depth, is not zero: servers send zeros until the end."""
    level: list[object] = [msgspec.to_builtins(usage)]
    while level:
        part = level.pop()
        if isinstance(part, dict):
            level.extend(part.values())
        elif isinstance(part, list):
            level.extend(part)
        elif isinstance(part, int | float) and not isinstance(part, bool) and part:
            return True
    return False


def _mended(chunk: MendedChunk) -> MendedChunk:
    """Return a copy of a chunk that has halves of surrogate pairs only where text grows, which no extra does."""
    chunk = mended(chunk, _GROWING)
    holders: list[ChatCompletionChunk | ChunkChoice | ChoiceDelta | ChoiceDeltaToolCall] = [chunk, *chunk.choices]
    for choice in chunk.choices:
        for delta in (choice.delta, choice.message):
            if delta is not None:
                holders += [delta, *(delta.tool_calls or ())]
    for holder in holders:
        if holder.unnamed is not None:
            holder.unnamed = mended(holder.unnamed, frozenset())
    return chunk
