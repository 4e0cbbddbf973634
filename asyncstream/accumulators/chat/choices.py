"""Fold the deltas of one choice into its message. Pure: no IO, no callbacks. Fed by `accumulator`.

A choice has three texts (content, refusal, reasoning) and its calls. The first finish reason closes the texts, and the
calls that nothing can follow: one in the middle of its arguments is closed when they are whole, or by the end of the
stream. What still comes is folded, told, and recorded as a repair, but nothing is done twice. Rules 4.3 to 4.13.
"""

from typing import Any, Final, TypeAlias, cast

from asyncstream.accumulators.changes import ChangeSink, ContentChanged
from asyncstream.accumulators.chat.calls import UNFINISHED, ReadArguments, copied_json, is_flat, merge_json
from asyncstream.accumulators.chat.changes import FinishChanged, LogprobsChanged
from asyncstream.accumulators.chat.choice_calls import CallChange, ChoiceCalls
from asyncstream.accumulators.chat.choice_parts import (
    CONTENT,
    REASONING,
    REFUSAL,
    GrowingAudio,
    GrowingLogprobs,
    GrowingText,
    TextChange,
)
from asyncstream.accumulators.chat.reasoning import (
    ContentParts,
    ReasoningDetails,
    ThinkingBlocks,
    blocks_text,
    details_text,
    thinking_text,
)
from asyncstream.accumulators.fragments import Fragments
from asyncstream.accumulators.merging import Indexed, index_of, mended
from asyncstream.accumulators.repairs import Repairs
from asyncstream.errors import ParseError
from asyncstream.types.chat import ChatCompletionMessage, Choice
from asyncstream.types.chat_chunks import AbsentDelta, ChoiceDelta, ChunkChoice
from asyncstream.types.chat_parts import ChatAnnotation, ChoiceLogprobs
from asyncstream.types.structs import ParsedT

__all__ = ["ChoiceChange", "GrowingChoice", "is_reason"]

ChoiceChange: TypeAlias = TextChange[ParsedT] | CallChange | LogprobsChanged | FinishChanged[ParsedT]

ERROR: Final = "error"
"""The finish reason of a choice that failed; the cause follows in an error frame, or never (rule 3.4)."""

_CUTTING = frozenset(
    {"length", "max_tokens", "max_output_tokens", "model_length", "content_filter", "safety", "recitation", ERROR}
)
"""The finish reasons, in lower case, after which an answer is not whole: OpenAI's, and what others call the same."""

_NO_REASONS = frozenset({None, "", "null", "None"})


def is_reason(reason: str | None) -> bool:
    """Return True for a real finish reason; servers send "", "null" or "None" until the end."""
    return reason not in _NO_REASONS


class GrowingChoice:
    """A choice as it grows."""

    __slots__ = (
        "_annotations",
        "_audio",
        "_blocks",
        "_calls",
        "_closed",
        "_content",
        "_details",
        "_extra",
        "_extra_content",
        "_filter_results",
        "_grown",
        "_images",
        "_logprobs",
        "_message_extra",
        "_native_finish_reason",
        "_opened",
        "_parts",
        "_plain_reasoning",
        "_reasoning",
        "_refusal",
        "_repairs",
        "_response_format",
        "_role",
        "_under",
        "built",
        "failed",
        "finish_reason",
        "index",
    )

    def __init__(
        self, index: int, repairs: Repairs, response_format: type[object] | None, read: ReadArguments | None
    ) -> None:
        self.index = index
        self.finish_reason: str | None = None
        self.failed = False
        """Whether a finish reason was "error", be it followed by another."""
        self._repairs = repairs
        self._response_format = response_format
        # The stream is over and complete: what has no finish reason is whole all the same.
        self._closed = False
        self._role = ""
        self._content = GrowingText(index, CONTENT, response_format)
        self._refusal = GrowingText(index, REFUSAL)
        self._reasoning = GrowingText(index, REASONING)
        # The texts that were told of, in order: they are done in the same.
        self._opened: list[GrowingText] = []
        # The reasoning once more, under the keys of the wire that any string came under, for sending back.
        self._under: dict[str, Fragments] = {}
        # One of these keys had a text: blocks and details tell the same again.
        self._plain_reasoning = False
        self._details = ReasoningDetails()
        self._blocks = ThinkingBlocks()
        self._images = Indexed[object]()
        self._parts: ContentParts | None = None
        self._calls = ChoiceCalls(index, repairs, read)
        self._annotations: list[ChatAnnotation] = []
        self._audio: GrowingAudio | None = None
        self._logprobs: GrowingLogprobs | None = None
        self._extra_content: dict[str, object] | None = None
        # What no field names: of the choice, and of its message.
        self._extra: dict[str, object] = {}
        self._message_extra: dict[str, object] = {}
        self._filter_results: dict[str, object] | None = None
        self._native_finish_reason: str | None = None
        self.built: Choice | None = None

    @property
    def _where(self) -> str:
        return f"choice {self.index}"

    def add_piece(self, choice: ChunkChoice, changes: ChangeSink[ChoiceChange[Any]] | None) -> bool:
        """Fold a delta that adds to the open content or to one open call, which nearly all do, and came without parts.

        Args:
            choice: The entry of a chunk that is about this choice.
            changes: What its changes are appended to; None builds none.

        Returns:
            True if it was folded; False, and nothing folded, if it is about anything else: `fold` takes it.
        """
        delta = choice.delta
        if (
            choice.finish_reason is not None
            or choice.usage is not None
            or choice.logprobs is not None
            or choice.content_filter_results is not None
            or choice.native_finish_reason is not None
            or delta.refusal is not None
            or delta.function_call is not None
            or delta.reasoning is not None
            or delta.reasoning_content is not None
            or delta.reasoning_details is not None
            or delta.annotations is not None
            or delta.audio is not None
            or delta.reasoning_text is not None
            or delta.thinking_blocks is not None
            or delta.images is not None
            or delta.extra_content is not None
            or (delta.role and not self._role)
        ):
            return False
        piece = delta.content
        if delta.tool_calls is not None:
            if piece is not None or len(delta.tool_calls) != 1:
                return False
            self._grown = self._calls.add_piece(delta.tool_calls[0], changes)
            if self._grown is None:
                return False
        elif piece:
            text = self._content
            if not text.created or text.done or self._parts is not None:
                return False
            self._grown = None
            text.fragments.append(piece)
            if changes is not None:
                changes.append(ContentChanged(text, piece, self.index))
        else:
            return False
        self.built = None
        return True

    def add_alike(self, piece: str) -> None:
        """Fold what `add_piece` folded last, with another piece."""
        self.built = None
        call = self._grown
        if call is None:
            self._content.fragments.append(piece)
        else:
            call.add_alike(piece, self._repairs)

    def pieces(self) -> list[str] | None:
        """Return what `add_alike` adds to, which forgets what was built; None if it does more than that."""
        return self._content.fragments.pieces if self._grown is None else None

    def fold(self, choice: ChunkChoice, changes: ChangeSink[ChoiceChange[Any]]) -> None:
        """Fold the entry of a chunk about this choice; append its changes in order, `FinishChanged` last."""
        self.built = None
        delta = choice.delta
        if (
            delta.reasoning_content is not None
            or delta.reasoning is not None
            or delta.reasoning_details is not None
            or delta.reasoning_text is not None
            or delta.thinking_blocks is not None
            or delta.content_parts is not None
        ):
            self._fold_reasoning(delta, changes)
        if delta.content is not None:
            self._add_text(self._content, delta.content, changes)
            if self._parts is not None and delta.content_parts is None and delta.content:
                self._parts.add_text(delta.content)
        if delta.refusal is not None:
            self._add_text(self._refusal, delta.refusal, changes)
        if delta.tool_calls is not None:
            self._calls.fold(delta.tool_calls, changes)
        if delta.function_call is not None:
            self._calls.fold_legacy(delta.function_call, changes)
        if delta.role and not self._role:
            self._role = delta.role
        if delta.annotations is not None:
            self._annotations += delta.annotations
        if delta.audio is not None:
            self._audio = self._audio or GrowingAudio()
            self._audio.fold(delta.audio)
        if delta.extra_content is not None and self._keepable("extra_content", delta.extra_content):
            self._extra_content = self._extra_content or {}
            merge_json(self._extra_content, mended(delta.extra_content, frozenset()))
        if delta.images is not None:
            self._fold_images(delta.images)
        self.keep_unnamed(choice)
        if choice.message is not None and isinstance(delta, AbsentDelta):
            self._fold_message(choice.message, changes)
        if choice.logprobs is not None:
            self._fold_logprobs(choice.logprobs, changes)
        if choice.content_filter_results is not None:
            self.fold_filter_results(choice.content_filter_results)
        if choice.native_finish_reason is not None:
            self._native_finish_reason = choice.native_finish_reason
        if choice.finish_reason is not None and is_reason(choice.finish_reason):
            self._fold_finish(choice.finish_reason, changes)

    def fold_filter_results(self, results: dict[str, object]) -> None:
        """Fold what Azure's content filter found: by category, the last one counts."""
        if self._keepable("content_filter_results", results):
            self._filter_results = self._filter_results or {}
            self._filter_results.update(results)
            self.built = None

    def _keepable(self, key: str, value: object) -> bool:
        if is_flat(value):
            return True
        self._repairs.add("6.4", f"{self._where} {key}", b"")
        return False

    def keep_unnamed(self, choice: ChunkChoice) -> None:
        """Keep the members that no field names: of the entry, and of its delta."""
        if choice.unnamed is not None:
            merge_json(self._extra, choice.unnamed)
        if choice.delta.unnamed is not None:
            merge_json(self._message_extra, choice.delta.unnamed)

    def _fold_images(self, images: list[object]) -> None:
        if self._keepable("images", images):
            for image in images:
                index = index_of(image.get("index")) if isinstance(image, dict) else None
                self._images.put(index, mended(image, frozenset()))

    def _fold_logprobs(self, logprobs: ChoiceLogprobs, changes: ChangeSink[ChoiceChange[Any]]) -> None:
        if logprobs.content is None and logprobs.refusal is None:
            return
        self._logprobs = self._logprobs or GrowingLogprobs()
        self._logprobs.fold(logprobs)
        if logprobs.content or logprobs.refusal:
            changes.append(LogprobsChanged(self._logprobs, logprobs, self.index))

    # Texts.

    def _add_text(self, text: GrowingText, piece: str, changes: ChangeSink[ChoiceChange[Any]]) -> None:
        text.arrived = True
        if not piece:
            return
        if not text.created:
            self._opened.append(text)
            text.open(changes)
        text.fragments.append(piece)
        changes.append(text.changed(piece))
        if text.done or (self.finish_reason is not None and not self.failed):
            self._repairs.add("4.13", self._where, piece)

    def _replace_text(self, text: GrowingText, whole: str | None, changes: ChangeSink[ChoiceChange[Any]]) -> None:
        """Put the text of a whole message in place of what was streamed; mostly it is the same, or goes on."""
        if not whole:
            # An empty text is one too, but takes nothing from what is held.
            text.arrived = text.arrived or whole is not None
            return
        held = text.fragments.raw()
        if whole.startswith(held):
            self._add_text(text, whole[len(held) :], changes)
        else:
            self._repairs.add("4.4", self._where, held)
            text.fragments.replace("")
            self._add_text(text, whole, changes)

    def _fold_reasoning(self, delta: ChoiceDelta, changes: ChangeSink[ChoiceChange[Any]]) -> None:
        if delta.content_parts:
            self._fold_parts(delta.content_parts)
        reasoning = self._reasoning_in(delta)
        if reasoning:
            self._add_text(self._reasoning, reasoning, changes)
        for key, text in _keyed_reasoning(delta):
            if text is not None:
                self._under.setdefault(key, Fragments()).append(text)
        if delta.thinking_blocks and self._keepable("thinking_blocks", delta.thinking_blocks):
            self._blocks.fold(delta.thinking_blocks)
        if delta.reasoning_details and self._keepable("reasoning_details", delta.reasoning_details):
            self._details.fold(delta.reasoning_details)

    def _reasoning_in(self, delta: ChoiceDelta) -> str:
        """Give the reasoning that a delta adds: the first of its sources that has any (rule 4.8)."""
        plain = delta.reasoning_content or delta.reasoning or delta.reasoning_text
        if plain:
            self._plain_reasoning = True
            return plain
        text = thinking_text(delta.content_parts or [])
        if not text and not self._plain_reasoning:
            text = blocks_text(delta.thinking_blocks or []) or details_text(delta.reasoning_details or [])
        return text

    def _fold_parts(self, parts: list[dict[str, object]]) -> None:
        if self._keepable("content", parts):
            if self._parts is None:
                self._parts = ContentParts(self._content.fragments.raw())
            self._parts.add(parts)

    # A whole message in place of a delta.

    def _fold_message(self, message: ChoiceDelta, changes: ChangeSink[ChoiceChange[Any]]) -> None:
        """Put the members of a whole message that are not null in the place of what was streamed (rule 4.4)."""
        self._role = message.role or self._role
        reasoning = self._reasoning_in(message)
        if reasoning:
            self._replace_text(self._reasoning, reasoning, changes)
        for key, text in _keyed_reasoning(message):
            if text or (text is not None and key not in self._under):
                self._under[key] = Fragments(text)
        if message.thinking_blocks and self._keepable("thinking_blocks", message.thinking_blocks):
            self._blocks = ThinkingBlocks()
            self._blocks.fold(message.thinking_blocks)
        if message.reasoning_details and self._keepable("reasoning_details", message.reasoning_details):
            self._details = ReasoningDetails()
            self._details.fold(message.reasoning_details)
        self._replace_text(self._content, message.content, changes)
        if message.content or message.content_parts:
            self._parts = None
        if message.content_parts and self._keepable("content", message.content_parts):
            self._parts = ContentParts("")
            self._parts.add(message.content_parts)
        self._replace_text(self._refusal, message.refusal, changes)
        if message.tool_calls:
            self._calls.fold_message(message.tool_calls, changes)
        if message.function_call is not None:
            self._calls.fold_legacy_message(message.function_call, changes)
        self._annotations = message.annotations or self._annotations
        if message.audio is not None:
            self._audio = GrowingAudio()
            self._audio.fold(message.audio)
        if message.extra_content is not None and self._keepable("extra_content", message.extra_content):
            self._extra_content = {}
            merge_json(self._extra_content, mended(message.extra_content, frozenset()))
        if message.images:
            self._images = Indexed[object]()
            self._fold_images(message.images)
        if message.unnamed is not None:
            merge_json(self._message_extra, message.unnamed)

    # The end.

    def _fold_finish(self, reason: str, changes: ChangeSink[ChoiceChange[Any]]) -> None:
        before, self.finish_reason = self.finish_reason, reason
        if reason == before:
            return
        if before is not None:
            self._repairs.add("4.13", self._where, reason)
        if reason == ERROR:
            self.failed = True
        elif before is None:
            self._close_texts(changes)
            self._calls.finish_as(self._cut, changes)
        self._calls.set_cut(self._cut)
        changes.append(FinishChanged(self, reason, self.index))

    def close(self, changes: ChangeSink[ChoiceChange[Any]]) -> None:
        """Close whatever is open: the stream is over and complete."""
        self._closed = True
        self.built = None
        self._close_texts(changes)
        self._calls.close_as(self._cut, changes)

    def _close_texts(self, changes: ChangeSink[ChoiceChange[Any]]) -> None:
        for text in self._opened:
            text.close(changes)

    def settle_ids(self) -> None:
        """Make up the ids that never came: nothing more is expected."""
        self.built = None
        self._calls.settle_ids()

    @property
    def _cut(self) -> str | None:
        """Why the answer is not whole; None if it is."""
        reason = self.finish_reason
        if reason is None:
            return None if self._closed else UNFINISHED
        return reason if reason.lower() in _CUTTING else None

    # Building.

    def forget(self) -> None:
        """Forget what is built."""
        self.built = None
        self._calls.forget()

    def snapshot(self) -> Choice:
        """Build the choice as it is now; the same struct until something is folded."""
        if self.built is None:
            self.built = Choice(
                index=self.index,
                message=self._build_message(),
                finish_reason=self.finish_reason,
                logprobs=None if self._logprobs is None else self._logprobs.snapshot(),
                content_filter_results=None if self._filter_results is None else dict(self._filter_results),
                native_finish_reason=self._native_finish_reason,
                extra=copied_json(self._extra),
            )
        return self.built

    def _build_message(self) -> ChatCompletionMessage:
        calls = self._calls.listed()
        message = ChatCompletionMessage(
            role=self._role or "assistant",
            content=self._content.value(),
            refusal=self._refusal.value(),
            reasoning=self._reasoning.value(),
            tool_calls=[call.snapshot() for call in calls] if calls else None,
            function_call=self._calls.legacy(),
            annotations=[*self._annotations] if self._annotations else None,
            audio=None if self._audio is None else self._audio.built(),
            reasoning_content=self._said_under("reasoning_content"),
            reasoning_text=self._said_under("reasoning_text"),
            reasoning_details=self._details.built() if self._details else None,
            thinking_blocks=self._blocks.built() if self._blocks else None,
            images=self._images.listed() if self._images else None,
            extra_content=None if self._extra_content is None else copied_json(self._extra_content),
            extra=copied_json(self._message_extra),
            cut=self._cut,
            wire=self._wire_members(),
        )
        if self._response_format is not None and message.cut is None:
            try:
                # Which type it is, is known to whoever made the accumulator.
                message.parsed = cast("None", message.parse(self._response_format))
            except ParseError:
                pass  # a user who calls `message.parse` is told what does not fit
        return message

    def _said_under(self, key: str) -> str | None:
        held = self._under.get(key)
        return None if held is None else held.text()

    def _wire_members(self) -> dict[str, object]:
        """Collect what the wire sent in another form than the message has it."""
        members: dict[str, object] = {}
        if self._reasoning.arrived or "reasoning" in self._under:
            members["reasoning"] = self._said_under("reasoning")
        parts = None if self._parts is None else self._parts.built()
        if parts is not None:
            members["content"] = parts
        if self._calls.legacy() is not None:
            members["tool_calls"] = self._calls.params_beside_legacy() or None
        return members


def _keyed_reasoning(delta: ChoiceDelta) -> tuple[tuple[str, str | None], ...]:
    """Give the keys of the wire for reasoning, and what came under each."""
    return (
        ("reasoning", delta.reasoning),
        ("reasoning_content", delta.reasoning_content),
        ("reasoning_text", delta.reasoning_text),
    )
