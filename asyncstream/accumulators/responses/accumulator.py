"""Fold the events of a response into a Response snapshot: `ResponseAccumulator`. Pure: no IO, no clock.

It counts the events, keeps what is known of the response, and decides how an answer ended; what events do to its items
is in `item_events`. Rules: sections 3 and 9 of the wire rules.

Source: https://platform.openai.com/docs/api-reference/responses-streaming
"""

from collections.abc import Callable
from operator import attrgetter
from typing import Any, Final, Generic, TypeAlias, cast

from msgspec.structs import replace

from asyncstream.accumulators.changes import NOBODY, ChangeSink, UsageChanged
from asyncstream.accumulators.fragments import MOST_PIECES
from asyncstream.accumulators.merging import index_of, members_of
from asyncstream.accumulators.responses.audio import GrowingAudio, ResponseAudio
from asyncstream.accumulators.responses.changes import ResponseChanged, ResponseFoldChange
from asyncstream.accumulators.responses.context import Context
from asyncstream.accumulators.responses.item_events import fold_event
from asyncstream.accumulators.responses.items import ItemText
from asyncstream.accumulators.responses.lifecycle import ENDINGS, LIFECYCLE, Lifecycle, UsageSource, response_in
from asyncstream.accumulators.responses.output import Output
from asyncstream.accumulators.responses.parts import GrowingPart, PartOwner
from asyncstream.accumulators.responses.payloads import JSONObject, list_of, name_of, read_event, text_of
from asyncstream.complaints import shown
from asyncstream.decoding import Repair, dump_raw
from asyncstream.errors import StreamEventError, StreamTruncatedError
from asyncstream.events.control import DoneEvent, ErrorEvent, RemarkEvent
from asyncstream.events.named import TaggedEvent
from asyncstream.events.payloads import refusal_of
from asyncstream.events.responses import ResponseOutputTextAnnotationAddedEvent, ResponseStreamEvent
from asyncstream.events.responses_deltas import (
    ResponseApplyPatchCallOperationDiffDeltaEvent,
    ResponseCodeInterpreterCallCodeDeltaEvent,
    ResponseCustomToolCallInputDeltaEvent,
    ResponseFunctionCallArgumentsDeltaEvent,
    ResponseMcpCallArgumentsDeltaEvent,
    ResponseReasoningSummaryTextDeltaEvent,
    ResponseReasoningTextDeltaEvent,
    ResponseRefusalDeltaEvent,
    ResponseTextDeltaEvent,
)
from asyncstream.types.responses import Response
from asyncstream.types.responses_items import ResponseOutputItem
from asyncstream.types.structs import ParsedT

__all__ = ["ResponseAccumulator", "ResponseChange"]

ResponseChange: TypeAlias = ResponseFoldChange[ParsedT]

_Delta: TypeAlias = (
    ResponseTextDeltaEvent
    | ResponseRefusalDeltaEvent
    | ResponseReasoningTextDeltaEvent
    | ResponseReasoningSummaryTextDeltaEvent
    | ResponseFunctionCallArgumentsDeltaEvent
    | ResponseCustomToolCallInputDeltaEvent
    | ResponseMcpCallArgumentsDeltaEvent
    | ResponseCodeInterpreterCallCodeDeltaEvent
    | ResponseApplyPatchCallOperationDiffDeltaEvent
)

_MEANT: Final[dict[type, Callable[[Any], tuple[object, ...]]]] = {
    ResponseTextDeltaEvent: attrgetter("__class__", "item_id", "output_index", "content_index"),
    ResponseRefusalDeltaEvent: attrgetter("__class__", "item_id", "output_index", "content_index"),
    ResponseReasoningTextDeltaEvent: attrgetter("__class__", "item_id", "output_index", "content_index"),
    ResponseReasoningSummaryTextDeltaEvent: attrgetter("__class__", "item_id", "output_index", "summary_index"),
    ResponseFunctionCallArgumentsDeltaEvent: attrgetter("__class__", "item_id", "output_index", "name", "call_id"),
    ResponseCustomToolCallInputDeltaEvent: attrgetter("__class__", "item_id", "output_index", "name", "call_id"),
    ResponseMcpCallArgumentsDeltaEvent: attrgetter("__class__", "item_id", "output_index", "name", "call_id"),
    ResponseCodeInterpreterCallCodeDeltaEvent: attrgetter("__class__", "item_id", "output_index"),
    ResponseApplyPatchCallOperationDiffDeltaEvent: attrgetter("__class__", "item_id", "output_index"),
}
"""The deltas of texts, and all that says which text each means."""

_MOST_MEANT: Final = 64
"""How many texts are known by what deltas said of them: more than are ever open at once. Some servers give each delta
another id."""


class ResponseAccumulator(Generic[ParsedT]):
    """Fold the events of one stream: of a response, and of those that follow it in the same stream.

    Push every event, the `DoneEvent` included, then call `finish`. Snapshots are plain structs, built when looked at
    and kept until the next fold. An accumulator can be pickled at any point and goes on where it was.

    Source: https://platform.openai.com/docs/api-reference/responses-streaming
    """

    def __init__(self, *, text_format: type[ParsedT] | None = None) -> None:
        """Make an accumulator of a response that has not begun.

        Args:
            text_format: The type that the request asked for; texts of whole answers that fit it are `parsed`.
        """
        self._context = Context(text_format)
        self._lifecycle = Lifecycle(self._context)
        self._output = Output(self._context)
        self._audio = GrowingAudio()
        self._response: Response[ParsedT] | None = None
        # The texts that the last deltas went to, by what these said: while nothing else comes, it means the same.
        self._meant: dict[tuple[object, ...], GrowingPart | ItemText] = {}
        # The text that the last event added a piece to, if it did nothing else; and its item and pieces, once such are
        # expected.
        self._grown: GrowingPart | ItemText | None = None
        self._alike: tuple[PartOwner, list[str]] | None = None
        # The number that comes next, if the server counts; and what a resumption asked to start after.
        self._expected: int | None = None
        self._resumed_after: int | None = None
        self._sentinel = False
        # What was said of a failure by something that is nothing of the protocol; the last one counts.
        self._remark: RemarkEvent | None = None
        # What was said of a failure beside what an event brought, which is folded: it ends the stream (rule 3.5).
        self._refusal: ErrorEvent | None = None
        self.events_seen = 0
        """How many events were pushed, over all bodies; without those that a resumption brought a second time."""

    @property
    def response(self) -> Response[ParsedT]:
        """The response as it is now, with the items of those before it in the stream. Costs one copy of the texts that
        grew since the last look.
        """
        if self._response is None:
            built = replace(self._lifecycle.snapshot(), output=self.output)
            self._response = cast("Response[ParsedT]", built)
        return self._response

    @property
    def output(self) -> list[ResponseOutputItem[ParsedT]]:
        """The items as they are now, in order. Costs one copy of the texts that grew since the last look."""
        return [item.snapshot() for item in self._output.listed()]

    @property
    def audio(self) -> ResponseAudio:
        """What was spoken beside the output; false if nothing was."""
        return self._audio.built()

    @property
    def finished(self) -> bool:
        """Whether terminal evidence was seen: an event that ends the response, and no further one begun since.

        `[DONE]` is evidence only in a stream that never showed a response, and has items, all of them done.
        """
        if self._lifecycle.ended:
            return True
        return self._sentinel and not self._lifecycle.shown and len(self._output) > 0 and self._output.none_open()

    @property
    def last_sequence_number(self) -> int | None:
        """The largest number of an event so far, which a resumption asks to start after; None if none came."""
        return None if self._expected is None else self._expected - 1

    @property
    def repairs(self) -> list[Repair]:
        """What the wire got wrong and was mended, each with the number of its rule; what repeats stands once."""
        return self._context.repairs.made

    @property
    def repairs_omitted(self) -> int:
        """How many repairs were made after the thousand that `repairs` holds at most."""
        return self._context.repairs.omitted

    def push(self, event: ResponseStreamEvent) -> list[ResponseChange[ParsedT]]:
        """Fold an event.

        Returns:
            What changed, in order.

        Raises:
            StreamEventError: It is an error event; `partial` is this accumulator.
        """
        changes: list[ResponseChange[ParsedT]] = []
        self.fold(event, changes)
        return changes

    def fold(self, event: ResponseStreamEvent, changes: list[ResponseChange[ParsedT]] | None = None) -> None:
        """Fold an event as `push` does; without a list to append its changes to, it costs less.

        Raises:
            StreamEventError: It is an error event; `partial` is this accumulator.
        """
        self._alike = None
        meant = _MEANT.get(type(event))
        if meant is None:
            self._grown = None
            self._fold_any(event, NOBODY if changes is None else changes)
        else:
            text = self._grown = self._meant.get(meant(event))
            if text is None or not self._add_piece(event, text, changes):  # type: ignore[arg-type]  # a `_Delta`
                self._grown = None
                self._fold_delta(event, NOBODY if changes is None else changes)  # type: ignore[arg-type]  # a `_Delta`

    def expect_alike(self) -> None:
        """Let `fold_alike` say that the last event has come again, with another text, until another is folded."""
        self._alike = None if self._grown is None else self._grown.growing()

    def fold_alike(self, text: str) -> bool:
        """Fold the last event with another text; return False, and fold nothing, if that must be folded whole."""
        alike = self._alike
        if alike is None or not text:
            return False
        item, pieces = alike
        if len(pieces) >= MOST_PIECES:
            return False
        self.events_seen += 1
        self._response = None
        item.built = None
        pieces.append(text)
        return True

    def fold_numbered(self, text: str, number: int) -> bool:
        """Do as `fold_alike`, where the last event had a number."""
        alike = self._alike
        if alike is None or not text or number != self._expected:
            return False
        item, pieces = alike
        if len(pieces) >= MOST_PIECES:
            return False
        self._expected = number + 1
        self.events_seen += 1
        self._response = None
        item.built = None
        pieces.append(text)
        return True

    def finish(self) -> list[ResponseChange[ParsedT]]:
        """Say that nothing follows: call it at `[DONE]` or at the end of the bytes.

        Returns:
            Nothing: what ends a response has closed all of it.

        Raises:
            StreamEventError: The response ended with the status "failed"; or it did not go on after something that is
                nothing of the protocol spoke of a failure.
            StreamTruncatedError: No terminal evidence was seen; `partial` is this accumulator.
        """
        self._raise_refusal()
        remark = self._remark
        if not self.finished:
            self._settle(True)
            if remark is not None and (remark.certain or not self._sentinel):
                raise remark.to_error(self, self.events_seen)
        if remark is not None:
            self._context.repairs.add("3.5", "stream", remark.raw)
        if not self.finished:
            raise StreamTruncatedError(
                f"stream ended after {self.events_seen} events, before the response ended"
                + (f" (status {self._lifecycle.status!r})" if self._lifecycle.status else ""),
                partial=self,
                events_seen=self.events_seen,
            )
        if self._lifecycle.status == "failed":
            raise self._failure()
        if not self._lifecycle.ended:
            self._response = None
            self._output.end_as("completed")
        return []

    def resume(self) -> None:
        """Expect the body of a resumption: what it repeats, by the numbers of events, is not folded again."""
        self._resumed_after = self.last_sequence_number
        self._sentinel = False
        self._settle(False)

    def _failure(self) -> StreamEventError:
        error = self._lifecycle.error
        return StreamEventError(
            shown(text_of(error.get("message"))) or "the response failed, and the server named no cause",
            code=error.get("code"),
            type=error.get("type") or None,
            param=error.get("param"),
            body=dump_raw(error) if error else None,
            partial=self,
            events_seen=self.events_seen,
        )

    def _settle(self, ended: bool) -> None:
        """Show what half a pair at the end of a text is, since nothing follows; or hold it back again."""
        self._response = None
        for item in self._output.listed():
            item.settle(ended)
        self._audio.transcript.end(ended)

    def _add_piece(
        self, event: _Delta, text: GrowingPart | ItemText, changes: list[ResponseChange[ParsedT]] | None
    ) -> bool:
        """Fold a delta of a text that the last ones went to, which nearly all do; return False for any other."""
        piece = event.delta
        if event.repairs or not piece or (type(event) is ResponseTextDeltaEvent and event.logprobs):
            return False
        number = event.sequence_number
        if number is not None:
            if number == self._expected:
                self._expected = number + 1
            elif self._is_stale(number):
                return True
        self.events_seen += 1
        self._response = None
        text.grow(piece)
        if changes is not None:
            changes.append(text.changed(piece))
        return True

    def _raise_refusal(self) -> None:
        if self._refusal is not None:
            self._settle(True)
            raise self._refusal.to_error(self, self.events_seen)

    def _fold_delta(self, event: _Delta, changes: ChangeSink[ResponseChange[ParsedT]]) -> None:
        """Fold a delta of a text, and remember to which one it went."""
        self._raise_refusal()
        payload = self._read(event)
        if payload is None:
            return
        stamp = self._output.stamp
        grown = fold_event(event.type, self._output, payload, changes)
        if self._output.stamp != stamp or len(self._meant) >= _MOST_MEANT:
            self._meant.clear()
        if grown is not None and not event.repairs and self._refusal is None:
            self._meant[_MEANT[type(event)](event)] = grown

    def _fold_any(self, event: ResponseStreamEvent, changes: ChangeSink[ResponseChange[ParsedT]]) -> None:
        self._raise_refusal()
        if isinstance(event, TaggedEvent):
            self._fold_tagged(event, changes)
        elif isinstance(event, ErrorEvent):
            value = members_of(event.raw)
            if not self._is_stale(value.get("sequence_number")):
                self._lifecycle.take_usage(value.get("usage"))
                self._settle(True)
                raise event.to_error(self, self.events_seen)
        elif isinstance(event, RemarkEvent):
            if not self._comes_again(index_of(members_of(event.raw).get("sequence_number"))):
                self._remark = event
        elif isinstance(event, DoneEvent):
            self._sentinel = True
        elif not self._is_stale(members_of(event.raw).get("sequence_number")):
            self.events_seen += 1

    def _fold_tagged(self, event: TaggedEvent, changes: ChangeSink[ResponseChange[ParsedT]]) -> None:
        name: str = event.type  # type: ignore[attr-defined]  # each event has it
        word = LIFECYCLE.get(name)
        payload = self._read(event, begins=word == "created")
        if payload is None:
            return
        if type(event) is ResponseOutputTextAnnotationAddedEvent:
            # It comes between the deltas of its text, and mostly changes nothing of what they mean.
            stamp = self._output.stamp
            fold_event(name, self._output, payload, changes)
            if self._output.stamp != stamp:
                self._meant.clear()
            return
        self._meant.clear()
        if word is not None:
            self._fold_lifecycle(word, payload, changes)
        elif name.startswith("response.audio."):
            self._audio.fold(name, payload)
        else:
            fold_event(name, self._output, payload, changes)

    def _read(self, event: TaggedEvent, *, begins: bool = False) -> JSONObject | None:
        """Return the payload of an event that folds anything; None for one that does not.

        Args:
            event: The event.
            begins: Whether it may begin a further response, which alone folds after the end of one.
        """
        payload, halves = read_event(event)
        if self._is_stale(payload.get("sequence_number")):
            return None
        self.events_seen += 1
        if halves:
            self._context.halves = True
        if event.repairs:
            self._context.repairs.extend(event.repairs)
        refusal = refusal_of(payload) if "base_resp" in payload else None
        if refusal is not None:
            # Raised with what comes next: what this changes is told first. A delta that follows another is not asked:
            # a look into its bytes would cost half of what folding it does.
            self._refusal = ErrorEvent(refusal, event.raw)
            self._meant.clear()
        if self._lifecycle.ended and not (begins and self._lifecycle.begins(name_of(response_in(payload).get("id")))):
            self._context.repairs.add("9.3", "stream", payload.get("type"))
            return None
        self._response = None
        return payload

    def _is_stale(self, value: object) -> bool:
        """Note the number of an event; tell whether a resumption brought it a second time (rule 9.24)."""
        if type(value) is int and value == self._expected:
            # Nearly all: what is expected comes after all that a resumption can bring again.
            self._expected = value + 1
            return False
        number = index_of(value)
        if number is None:
            return False
        if self._comes_again(number):
            return True
        if self._expected is not None and number != self._expected:
            self._context.repairs.add("9.24", "sequence_number", number)
        self._expected = number + 1 if self._expected is None else max(self._expected, number + 1)
        return False

    def _comes_again(self, number: int | None) -> bool:
        return number is not None and self._resumed_after is not None and number <= self._resumed_after

    def _fold_lifecycle(self, word: str, payload: JSONObject, changes: ChangeSink[ResponseChange[ParsedT]]) -> None:
        """Fold an event that brings the response: first its items, then its usage, then its status."""
        response, lifecycle, output = response_in(payload), self._lifecycle, self._output
        if word == "created" and lifecycle.begins(name_of(response.get("id"))):
            lifecycle.begin()
            output.begin_response()
        lifecycle.fold(word, response, payload)
        entries = list_of(response.get("output"))
        if word in ENDINGS:
            self._fold_ending(entries, changes)
        else:
            for place, entry in enumerate(entries):
                if isinstance(entry, dict):
                    output.of_listed(entry, place).fold_opening(entry, changes)
        usage = response.get("usage")
        counted = lifecycle.take_usage(payload.get("usage") if usage is None else usage)
        if counted and changes is not NOBODY:
            source = UsageSource(lifecycle)
            changes.append(UsageChanged(source, source.snapshot()))
        if lifecycle.take_status(word, response):
            changes.append(ResponseChanged(_ResponseSource(self), lifecycle.status, lifecycle.id))
        if lifecycle.ended:
            output.end_as(lifecycle.ended_as)

    def _fold_ending(self, entries: list[Any], changes: ChangeSink[ResponseChange[ParsedT]]) -> None:
        payloads = [entry if isinstance(entry, dict) else None for entry in entries]
        for place, (payload, item) in enumerate(zip(payloads, self._output.of_ending(payloads), strict=True)):
            if payload is not None:
                self._output.take_entry(item, payload, place).fold_done(payload, changes)
        self._output.close(changes)


class _ResponseSource(Generic[ParsedT]):
    """The response of an accumulator, as a change looks at it."""

    __slots__ = ("_accumulator",)

    def __init__(self, accumulator: ResponseAccumulator[ParsedT]) -> None:
        self._accumulator = accumulator

    def snapshot(self) -> Response[ParsedT]:
        """Build it as it is now."""
        return self._accumulator.response
