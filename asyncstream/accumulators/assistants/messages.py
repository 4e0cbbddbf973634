"""Fold message deltas and payloads into a Message. Pure: no IO, no callbacks. Fed by `accumulator`.

Knows nothing of runs. A message is a list of parts by index; at most one part is open at a time, for opening another
closes it (rule 5.10). What closes, and in which order, is decided here.
"""

from collections.abc import Iterable
from copy import copy
from heapq import merge
from operator import attrgetter
from typing import ClassVar, TypeAlias, cast

from msgspec import Struct

from asyncstream.accumulators.assistants.changes import (
    ImageFileChanged,
    ImageFileCreated,
    ImageFileDone,
    MessageChanged,
    MessageCreated,
    MessageDone,
    TextChanged,
    TextCreated,
    TextDone,
)
from asyncstream.accumulators.changes import ChangeSink
from asyncstream.accumulators.fragments import Fragments
from asyncstream.accumulators.growing import Growing
from asyncstream.accumulators.merging import (
    Indexed,
    JSONFold,
    Payloads,
    UnknownJSON,
    index_of,
    members_of,
    replace_present,
)
from asyncstream.accumulators.repairs import Repairs
from asyncstream.decoding import coerce_json, dump_raw
from asyncstream.types.messages import (
    Annotation,
    AnnotationDelta,
    FileCitation,
    FileCitationAnnotation,
    FileCitationDeltaAnnotation,
    FilePathAnnotation,
    FilePathDeltaAnnotation,
    ImageFile,
    ImageFileContentBlock,
    ImageFileDelta,
    ImageFileDeltaBlock,
    ImageURLContentBlock,
    ImageURLDeltaBlock,
    Message,
    MessageContent,
    MessageContentDelta,
    MessageDelta,
    RefusalContentBlock,
    RefusalDeltaBlock,
    Text,
    TextContentBlock,
    TextDelta,
    TextDeltaBlock,
    UnknownAnnotation,
    UnknownAnnotationDelta,
    UnknownContentBlock,
    UnknownContentDeltaBlock,
    URLCitationAnnotation,
    URLCitationDeltaAnnotation,
)
from asyncstream.types.shared import ImageURL

__all__ = ["GrowingMessage", "MessageChange"]

MessageChange: TypeAlias = (
    MessageCreated
    | MessageChanged
    | MessageDone
    | TextCreated
    | TextChanged
    | TextDone
    | ImageFileCreated
    | ImageFileChanged
    | ImageFileDone
)


class _Part(Growing[MessageChange]):
    """A content part as it grows. Refusals, image URLs and unknown parts have no changes of their own."""

    __slots__ = ("index", "parent")

    delta: ClassVar[type[Struct]]
    """The delta block that feeds this kind of part."""

    def __init__(self, parent: str, index: int) -> None:
        super().__init__()
        self.parent = parent
        """The id of its message."""
        self.index = index


class _TextPart(_Part):
    __slots__ = ("annotations", "value")

    delta = TextDeltaBlock

    def __init__(self, parent: str, index: int) -> None:
        super().__init__(parent, index)
        self.value = Fragments()
        self.annotations: Indexed[Annotation | UnknownJSON] = Indexed()

    def fold(self, delta: TextDelta) -> None:
        if delta.value:
            self.value.append(delta.value)
        if delta.annotations:
            self.cite(delta.annotations)

    def cite(self, annotations: list[AnnotationDelta]) -> None:
        for delta in annotations:
            if isinstance(delta, UnknownAnnotationDelta):
                index = index_of(members_of(delta.raw).get("index"))
            else:
                index = delta.index
            held = self.annotations.get(index)
            if held is None and type(delta) is FileCitationDeltaAnnotation:
                self.annotations.put(index, _new_file_citation(delta))
            elif isinstance(held, UnknownJSON) and isinstance(delta, UnknownAnnotationDelta):
                held.wire_type = held.wire_type or delta.wire_type
                held.fold(delta.raw)
            else:
                self.annotations.put(index, _fold_annotation(held, delta))

    def load(self, block: TextContentBlock) -> None:
        if block.text.value:
            self.value.replace(block.text.value)
        if block.text.annotations:
            self.annotations = Indexed(
                UnknownJSON(one.wire_type, one.raw) if isinstance(one, UnknownAnnotation) else one
                for one in block.text.annotations
            )

    def end(self) -> None:
        self.value.ended = True

    def created_change(self) -> TextCreated:
        return TextCreated(Text(), self.parent, self.index)

    def changed(self, delta: TextDelta) -> TextChanged:
        return TextChanged(self, delta, self.parent, self.index)

    def done_change(self) -> TextDone:
        return TextDone(self, self.parent, self.index)

    def snapshot(self) -> Text:
        annotations: list[Annotation] = [
            UnknownAnnotation(wire_type=one.wire_type, raw=one.raw) if isinstance(one, UnknownJSON) else one
            for one in self.annotations.listed()
        ]
        return Text(value=self.value.text(), annotations=annotations)

    def block(self) -> MessageContent:
        return TextContentBlock(text=self.snapshot())


_ANNOTATIONS: dict[type[Struct], type[FileCitationAnnotation | FilePathAnnotation | URLCitationAnnotation]] = {
    FileCitationDeltaAnnotation: FileCitationAnnotation,
    FilePathDeltaAnnotation: FilePathAnnotation,
    URLCitationDeltaAnnotation: URLCitationAnnotation,
}


def _new_file_citation(delta: FileCitationDeltaAnnotation) -> FileCitationAnnotation:
    """Make what `_fold_annotation` makes of the first delta of a citation: nearly all have one only."""
    file = delta.file_citation
    return FileCitationAnnotation(
        text=delta.text or "",
        file_citation=FileCitation()
        if file is None
        else FileCitation(file_id=file.file_id or "", quote=file.quote or None),
        start_index=delta.start_index,
        end_index=delta.end_index,
    )


def _fold_annotation(held: Annotation | UnknownJSON | None, delta: AnnotationDelta) -> Annotation | UnknownJSON:
    if isinstance(delta, UnknownAnnotationDelta):
        if held is None or isinstance(held, UnknownJSON) or delta.wire_type:
            return UnknownJSON(delta.wire_type, delta.raw)
        # It has no type: what is there goes on.
        typed = next(typed for typed, kind in _ANNOTATIONS.items() if kind is type(held))
        return replace_present(held, coerce_json(typed, members_of(delta.raw))[0])
    kind = _ANNOTATIONS[type(delta)]
    return replace_present(held if isinstance(held, kind) else kind(), delta)


class _RefusalPart(_Part):
    __slots__ = ("refusal",)

    delta = RefusalDeltaBlock

    def __init__(self, parent: str, index: int) -> None:
        super().__init__(parent, index)
        self.refusal = Fragments()

    def fold(self, block: RefusalDeltaBlock) -> None:
        if block.refusal:
            self.refusal.append(block.refusal)

    def load(self, block: RefusalContentBlock) -> None:
        if block.refusal:
            self.refusal.replace(block.refusal)

    def end(self) -> None:
        self.refusal.ended = True

    def block(self) -> MessageContent:
        return RefusalContentBlock(refusal=self.refusal.text())


class _ImageFilePart(_Part):
    __slots__ = ("image_file",)

    delta = ImageFileDeltaBlock

    def __init__(self, parent: str, index: int) -> None:
        super().__init__(parent, index)
        self.image_file = ImageFile()

    def fold(self, delta: ImageFileDelta) -> None:
        self.image_file = replace_present(self.image_file, delta)

    def load(self, block: ImageFileContentBlock) -> None:
        self.image_file = replace_present(self.image_file, block.image_file)

    def created_change(self) -> ImageFileCreated:
        return ImageFileCreated(ImageFile(), self.parent, self.index)

    def changed(self, delta: ImageFileDelta) -> ImageFileChanged:
        return ImageFileChanged(self, delta, self.parent, self.index)

    def done_change(self) -> ImageFileDone:
        return ImageFileDone(self, self.parent, self.index)

    def snapshot(self) -> ImageFile:
        return self.image_file

    def block(self) -> MessageContent:
        return ImageFileContentBlock(image_file=self.image_file)


class _ImageURLPart(_Part):
    __slots__ = ("image_url",)

    delta = ImageURLDeltaBlock

    def __init__(self, parent: str, index: int) -> None:
        super().__init__(parent, index)
        self.image_url = ImageURL()

    def fold(self, block: ImageURLDeltaBlock) -> None:
        if block.image_url is not None:
            self.image_url = replace_present(self.image_url, block.image_url)

    def load(self, block: ImageURLContentBlock) -> None:
        self.image_url = replace_present(self.image_url, block.image_url)

    def block(self) -> MessageContent:
        return ImageURLContentBlock(image_url=self.image_url)


class _UnknownPart(_Part):
    __slots__ = ("members", "wire_type")

    delta = UnknownContentDeltaBlock

    def __init__(self, parent: str, index: int) -> None:
        super().__init__(parent, index)
        self.members = JSONFold()
        self.wire_type = ""

    def fold(self, block: UnknownContentDeltaBlock) -> None:
        self.wire_type = self.wire_type or block.wire_type
        self.members.fold(members_of(block.raw))

    def load(self, block: UnknownContentBlock) -> None:
        self.wire_type = block.wire_type
        self.members = JSONFold()
        self.members.fold(members_of(block.raw))

    def end(self) -> None:
        self.members.end()

    def block(self) -> MessageContent:
        return UnknownContentBlock(wire_type=self.wire_type, raw=dump_raw(self.members.built()))


_AnyPart: TypeAlias = _TextPart | _RefusalPart | _ImageFilePart | _ImageURLPart | _UnknownPart

_PART_OF: dict[type[Struct], type[_AnyPart]] = {
    TextDeltaBlock: _TextPart,
    TextContentBlock: _TextPart,
    RefusalDeltaBlock: _RefusalPart,
    RefusalContentBlock: _RefusalPart,
    ImageFileDeltaBlock: _ImageFilePart,
    ImageFileContentBlock: _ImageFilePart,
    ImageURLDeltaBlock: _ImageURLPart,
    ImageURLContentBlock: _ImageURLPart,
    UnknownContentDeltaBlock: _UnknownPart,
    UnknownContentBlock: _UnknownPart,
}


_by_index = attrgetter("index")


def _fits(part: _AnyPart, block: MessageContentDelta) -> bool:
    """Return True if a block is of a part's type, so that it can be folded into it."""
    if isinstance(part, _UnknownPart) and isinstance(block, UnknownContentDeltaBlock):
        return part.wire_type in ("", block.wire_type)
    return part.delta is type(block)


class GrowingMessage(Growing[MessageChange]):
    """A message as it grows."""

    __slots__ = (
        "_all_closed",
        "_fields",
        "_grown",
        "_next_index",
        "_open",
        "_order",
        "_parts",
        "_repairs",
        "_streamed",
        "_unordered",
        "built",
        "id",
    )

    def __init__(self, id: str, repairs: Repairs, payload: Message | None) -> None:
        """Make a message that nothing is known of but its id, and what identifies it in the payload that brings it."""
        super().__init__()
        self.id = id
        fields = Message(id=id, status="in_progress")
        if payload is not None:
            fields.role = payload.role or fields.role
            fields.created_at = payload.created_at
            fields.thread_id = payload.thread_id
            fields.run_id = payload.run_id or None
            fields.assistant_id = payload.assistant_id or None
        self._fields = Payloads(fields, ("content",))
        self._repairs = repairs
        self._parts: dict[int, _AnyPart] = {}
        # One more than the highest index.
        self._next_index = 0
        # Every part is closed: none came since it was last looked.
        self._all_closed = True
        self._order: list[_AnyPart] = []
        # Parts that came behind one with a higher index; `_listed` gives them their places.
        self._unordered: list[_AnyPart] = []
        # The part that opened last: it is closed when another opens, and continued by parts without an index.
        self._open: _AnyPart | None = None
        self._streamed = False
        # The part that the last piece was for.
        self._grown: _TextPart | None = None
        self.built: Message | None = None

    def snapshot(self) -> Message:
        """Build the message as it is now; the same struct until something is folded."""
        if self.built is None:
            self.built = copy(self._fields.merged())
            self.built.content = [part.block() for part in self._listed()]
        return self.built

    def created_change(self) -> MessageCreated:
        """Make the change that tells of it."""
        return MessageCreated(copy(self._fields.merged()))

    def done_change(self) -> MessageDone:
        """Make the change that says it is complete."""
        return MessageDone(self)

    def add_piece(self, delta: MessageDelta, changes: ChangeSink[MessageChange] | None) -> bool:
        """Fold a delta that adds to one open text part, which nearly all do.

        Args:
            delta: The delta.
            changes: What its changes are appended to; None builds none.

        Returns:
            True if it was folded; False, and nothing folded, if the delta is any other: `fold_delta` takes it.
        """
        content = delta.content
        if content is None or len(content) != 1 or delta.role:
            return False
        block = content[0]
        if type(block) is not TextDeltaBlock:
            return False
        part = self._parts.get(block.index)  # type: ignore[arg-type]  # None is no key
        text = block.text
        if text is None or type(part) is not _TextPart or not part.created:
            return False
        self._grown = part
        # As `part.fold`, in place: the call would be a tenth of the fold.
        if text.value:
            part.value.append(text.value)
        if text.annotations:
            part.cite(text.annotations)
        self.built = None
        if changes is not None:
            changes.append(TextChanged(part, text, self.id, part.index))
            changes.append(MessageChanged(self, delta))
        return True

    def add_alike(self, text: str) -> bool:
        """Fold what `add_piece` folded last, with another text and without annotations."""
        self.built = None
        self._grown.value.append(text)  # type: ignore[union-attr]  # after `add_piece` alone
        return True

    def pieces(self) -> list[str]:
        """Return what `add_alike` adds to, which forgets what was built."""
        return self._grown.value.pieces  # type: ignore[union-attr]  # after `add_piece` alone

    def fold_delta(self, delta: MessageDelta, changes: ChangeSink[MessageChange]) -> None:
        """Fold a delta; append its changes in order, `MessageChanged` last."""
        self.built = None
        if delta.role:
            self._fields.merged().role = delta.role
        for block in delta.content or ():
            self._fold_block(block, changes)
        changes.append(MessageChanged(self, delta))

    def _fold_block(self, block: MessageContentDelta, changes: ChangeSink[MessageChange]) -> None:
        part, block = self._part_for(block)
        if not part.created:
            if self._open is not None:
                self._open.close(changes)
            self._open = part
            part.open(changes)
        self._streamed = True
        match block:
            case TextDeltaBlock() if isinstance(part, _TextPart):
                text = block.text or TextDelta()
                part.fold(text)
                changes.append(part.changed(text))
            case ImageFileDeltaBlock() if isinstance(part, _ImageFilePart):
                image = block.image_file or ImageFileDelta()
                part.fold(image)
                changes.append(part.changed(image))
            case RefusalDeltaBlock() if isinstance(part, _RefusalPart):
                part.fold(block)
            case ImageURLDeltaBlock() if isinstance(part, _ImageURLPart):
                part.fold(block)
            case UnknownContentDeltaBlock() if isinstance(part, _UnknownPart):
                part.fold(block)

    def _part_for(self, block: MessageContentDelta) -> tuple[_AnyPart, MessageContentDelta]:
        """Find or make the part of a block that its index and type alone do not lead to (rule 5.4)."""
        if isinstance(block, UnknownContentDeltaBlock):
            members = members_of(block.raw)
            index = index_of(members.get("index"))
            part = self._open if index is None else self._parts.get(index)
            if part is not None and not block.wire_type:
                # It has no type: the part's own stays.
                self._repairs.add("5.4", f"{self.id} part {part.index}", members)
                if isinstance(part, _UnknownPart):
                    return part, block
                return part, cast("MessageContentDelta", coerce_json(part.delta, members)[0])
        else:
            index = block.index
            part = self._open if index is None else self._parts.get(index)
        if part is not None and _fits(part, block):
            return part, block
        if part is not None and index is not None:
            # The type of a part stays: what is of another type there is a part without an index.
            self._repairs.add("5.4", f"{self.id} part {index}", block.type)
            if self._open is not None and _fits(self._open, block):
                return self._open, block
            index = None
        return self._make_part(_PART_OF[type(block)], index), block

    def _make_part(self, kind: type[_AnyPart], index: int | None) -> _AnyPart:
        part = kind(self.id, self._next_index if index is None else index)
        self._parts[part.index] = part
        self._next_index = max(self._next_index, part.index + 1)
        self._all_closed = False
        if self._order and part.index < self._order[-1].index:
            self._unordered.append(part)
        else:
            self._order.append(part)
        return part

    def _listed(self) -> list[_AnyPart]:
        """Give the parts in order."""
        if self._unordered:
            late = sorted(self._unordered, key=_by_index)
            self._order = list(merge(self._order, late, key=_by_index))
            self._unordered = []
        return self._order

    def fold_payload(self, payload: Message) -> None:
        """Fold a `created` or `in_progress` payload: its content counts only while nothing was streamed."""
        self.built = None
        self._fields.fold(payload)
        if payload.content and not self._streamed:
            self._replace_content(payload.content)

    def set_status(self, status: str) -> None:
        """Set the status that the event's name says, where its payload has none; that payload is folded next."""
        self._fields.merged().status = status

    def fold_ending(self, payload: Message, changes: ChangeSink[MessageChange]) -> None:
        """Fold an ending payload, whose content is authoritative, and close the message (rule 5.12)."""
        self._fields.fold(payload)
        gone: list[_AnyPart] = []
        if payload.content:
            gone = self._replace_content(payload.content)
            # Nothing that comes late may put less in place of what is authoritative.
            self._streamed = True
        self.close(changes, gone)

    def _replace_content(self, content: list[MessageContent]) -> list[_AnyPart]:
        """Put an authoritative list in place of the parts; return the parts that are not in it."""
        streamed = self._listed()
        # As a dict for its order; a part is equal to itself only.
        listed: dict[_AnyPart, None] = {}
        taken = {part.index for part in streamed}
        free = max(taken, default=-1) + 1
        for position, block in enumerate(content):
            kind = _PART_OF[type(block)]
            part = streamed[position] if position < len(streamed) else None
            if not isinstance(part, kind):
                part = kind(self.id, position if position not in taken else free)
                taken.add(part.index)
                free = max(free, part.index + 1)
            part.load(block)  # type: ignore[arg-type]  # the part was chosen by the block's type
            listed[part] = None
        self._order = [*listed]
        self._parts = {part.index: part for part in listed}
        self._next_index = max(self._parts, default=-1) + 1
        self._all_closed = False
        if self._open not in listed:
            self._open = None
        return [part for part in streamed if part not in listed and part.created]

    def close(self, changes: ChangeSink[MessageChange], gone: Iterable[_AnyPart] = ()) -> None:
        """Close the parts that are open in order, those that an authoritative list left out last, then the message."""
        if not self._all_closed:
            self._all_closed = True
            for part in (*self._listed(), *gone):
                part.close(changes)
        self.built = None
        super().close(changes)
