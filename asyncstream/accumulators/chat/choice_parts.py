"""What a message of a choice grows by, besides calls and reasoning: texts, sound, log probabilities. Pure.

Each is folded by `choices`, and builds its plain form when looked at.
"""

import base64
import binascii
from typing import Any, TypeAlias

from asyncstream.accumulators.changes import (
    ContentChanged,
    ContentCreated,
    ContentDone,
    ReasoningChanged,
    ReasoningCreated,
    ReasoningDone,
    RefusalChanged,
    RefusalCreated,
    RefusalDone,
)
from asyncstream.accumulators.fragments import Fragments
from asyncstream.accumulators.growing import Growing
from asyncstream.types.chat import ChatCompletionAudio
from asyncstream.types.chat_chunks import ChoiceDeltaAudio
from asyncstream.types.chat_parts import ChatCompletionTokenLogprob, ChoiceLogprobs
from asyncstream.types.structs import ParsedT

__all__ = ["CONTENT", "REASONING", "REFUSAL", "GrowingAudio", "GrowingLogprobs", "GrowingText", "TextChange"]

TextChange: TypeAlias = (
    ContentCreated
    | ContentChanged[ParsedT]
    | ContentDone
    | RefusalCreated
    | RefusalChanged
    | RefusalDone
    | ReasoningCreated
    | ReasoningChanged
    | ReasoningDone
)

_Kinds: TypeAlias = tuple[
    str,
    type[ContentCreated | RefusalCreated | ReasoningCreated],
    type[ContentChanged | RefusalChanged | ReasoningChanged],
    type[ContentDone | RefusalDone | ReasoningDone],
]

CONTENT: _Kinds = ("content", ContentCreated, ContentChanged, ContentDone)
REFUSAL: _Kinds = ("refusal", RefusalCreated, RefusalChanged, RefusalDone)
REASONING: _Kinds = ("reasoning", ReasoningCreated, ReasoningChanged, ReasoningDone)
"""What a text is called, and the changes that tell of it."""


class GrowingText(Growing[TextChange]):
    """A text of the message: content, refusal or reasoning. It is told of with the first text in it."""

    __slots__ = ("_kinds", "arrived", "fragments", "parent", "response_format")

    def __init__(
        self,
        parent: int,
        kinds: _Kinds,
        response_format: type[Any] | None = None,
    ) -> None:
        """Make a text of the choice at an index, with the changes that tell of it, and the type that it is to fit."""
        super().__init__()
        self.response_format = response_format
        self.parent = parent
        self._kinds = kinds
        self.fragments = Fragments()
        self.arrived = False
        """Whether any string came, be it empty: then the text is not None."""

    @property
    def field(self) -> str:
        """The member of the message that it is."""
        return self._kinds[0]

    def created_change(self) -> TextChange:
        """Make the change that tells of it."""
        return self._kinds[1]("", self.parent)

    def changed(self, piece: str) -> TextChange:
        """Make the change that says it grew."""
        return self._kinds[2](self, piece, self.parent)

    def done_change(self) -> TextChange:
        """Make the change that says it is complete."""
        return self._kinds[3](self, self.parent)

    def end(self) -> None:
        """Expect nothing more."""
        self.fragments.ended = True

    def snapshot(self) -> str:
        """Join the text so far."""
        return self.fragments.text()

    def value(self) -> str | None:
        """Join the text so far; None if there was none."""
        return self.fragments.text() if self.arrived else None


class GrowingAudio:
    """A spoken answer."""

    __slots__ = ("_data", "_expires_at", "_id", "_transcript")

    def __init__(self) -> None:
        self._id = ""
        self._expires_at = 0
        self._data: list[str] = []
        self._transcript = Fragments()

    def fold(self, delta: ChoiceDeltaAudio) -> None:
        """Fold a delta in."""
        self._id = self._id or delta.id or ""
        self._expires_at = delta.expires_at or self._expires_at
        if delta.data:
            self._data.append(delta.data)
        if delta.transcript:
            self._transcript.append(delta.transcript)

    def built(self) -> ChatCompletionAudio:
        """Build the plain struct."""
        return ChatCompletionAudio(
            id=self._id, data=_join_base64(self._data), expires_at=self._expires_at, transcript=self._transcript.text()
        )


def _join_base64(pieces: list[str]) -> str:
    """Join base64 that was encoded piece by piece: padding may end each of them, and only the last may keep it."""
    if any(piece.endswith("=") for piece in pieces[:-1]):
        try:
            return base64.b64encode(b"".join(base64.b64decode(piece, validate=True) for piece in pieces)).decode()
        except (binascii.Error, ValueError):
            pass  # cut at any character instead of piece by piece: joined as it is
    return "".join(pieces)


class GrowingLogprobs:
    """The log probabilities of a choice."""

    __slots__ = ("_built", "_content", "_refusal")

    def __init__(self) -> None:
        self._content: list[ChatCompletionTokenLogprob] | None = None
        self._refusal: list[ChatCompletionTokenLogprob] | None = None
        self._built: ChoiceLogprobs | None = None

    def fold(self, delta: ChoiceLogprobs) -> None:
        """Append those of a chunk."""
        self._built = None
        if delta.content is not None:
            self._content = self._content or []
            self._content += delta.content
        if delta.refusal is not None:
            self._refusal = self._refusal or []
            self._refusal += delta.refusal

    def snapshot(self) -> ChoiceLogprobs:
        """Build the plain struct; the same until something is folded."""
        if self._built is None:
            content = None if self._content is None else list(self._content)
            refusal = None if self._refusal is None else list(self._refusal)
            self._built = ChoiceLogprobs(content=content, refusal=refusal)
        return self._built
