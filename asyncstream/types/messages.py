"""The wire structs of messages: the message, its content parts and their annotations, and the deltas of all three.

Snapshots default to what an empty part is, deltas to None: in a delta None means that this event does not say.
Folding one into the other is the business of `accumulators`. Imports `shared`, `structs`, `tools` and msgspec only.
"""

from typing import ClassVar, Literal, TypeAlias

from msgspec import field

from asyncstream.types.shared import ImageDetail, ImageURL, IncompleteDetails, Metadata
from asyncstream.types.structs import WireStruct
from asyncstream.types.tools import CodeInterpreterTool, FileSearchTool, UnknownTool

__all__ = [
    "Annotation",
    "AnnotationDelta",
    "Attachment",
    "AttachmentTool",
    "FileCitation",
    "FileCitationAnnotation",
    "FileCitationDelta",
    "FileCitationDeltaAnnotation",
    "FilePath",
    "FilePathAnnotation",
    "FilePathDelta",
    "FilePathDeltaAnnotation",
    "ImageFile",
    "ImageFileContentBlock",
    "ImageFileDelta",
    "ImageFileDeltaBlock",
    "ImageURLContentBlock",
    "ImageURLDelta",
    "ImageURLDeltaBlock",
    "Message",
    "MessageContent",
    "MessageContentDelta",
    "MessageDeleted",
    "MessageDelta",
    "MessageDeltaEvent",
    "MessageRole",
    "MessageStatus",
    "RefusalContentBlock",
    "RefusalDeltaBlock",
    "Text",
    "TextContentBlock",
    "TextDelta",
    "TextDeltaBlock",
    "URLCitation",
    "URLCitationAnnotation",
    "URLCitationDelta",
    "URLCitationDeltaAnnotation",
    "UnknownAnnotation",
    "UnknownAnnotationDelta",
    "UnknownContentBlock",
    "UnknownContentDeltaBlock",
]

MessageRole: TypeAlias = Literal["user", "assistant"] | str
MessageStatus: TypeAlias = Literal["in_progress", "incomplete", "completed"] | str


# Annotations. `start_index` and `end_index` count characters of the part's text; `text` is what stands between them.


class FileCitation(WireStruct, kw_only=True, gc=False):
    """The file that a citation points to."""

    file_id: str = ""
    quote: str | None = None
    """The cited words; servers send them in deltas, rarely afterwards."""


class FileCitationAnnotation(WireStruct, kw_only=True, gc=False, tag_field="type", tag="file_citation"):
    """A place in the text that cites a file."""

    type: ClassVar[Literal["file_citation"]] = "file_citation"
    text: str = ""
    file_citation: FileCitation = field(default_factory=FileCitation)
    start_index: int | None = None
    end_index: int | None = None


class FilePath(WireStruct, kw_only=True, gc=False):
    """The file that a path in the text stands for."""

    file_id: str = ""


class FilePathAnnotation(WireStruct, kw_only=True, gc=False, tag_field="type", tag="file_path"):
    """A path in the text under which the code interpreter wrote a file."""

    type: ClassVar[Literal["file_path"]] = "file_path"
    text: str = ""
    file_path: FilePath = field(default_factory=FilePath)
    start_index: int | None = None
    end_index: int | None = None


class URLCitation(WireStruct, kw_only=True, gc=False):
    """Azure: the page that a citation points to."""

    url: str = ""
    title: str | None = None


class URLCitationAnnotation(WireStruct, kw_only=True, gc=False, tag_field="type", tag="url_citation"):
    """Azure: a place in the text that cites a page."""

    type: ClassVar[Literal["url_citation"]] = "url_citation"
    text: str = ""
    url_citation: URLCitation = field(default_factory=URLCitation)
    start_index: int | None = None
    end_index: int | None = None


class UnknownAnnotation(WireStruct, kw_only=True, gc=False, tag_field="type", tag="unknown"):
    """An annotation of a type that this version does not know."""

    type: ClassVar[Literal["unknown"]] = "unknown"
    wire_type: str
    """The wire's own `type`; "" if it had none."""
    raw: bytes
    """Its JSON as received."""


Annotation: TypeAlias = FileCitationAnnotation | FilePathAnnotation | URLCitationAnnotation | UnknownAnnotation


# Content parts.


class Text(WireStruct, kw_only=True, gc=False):
    """A text and the annotations on it."""

    value: str = ""
    annotations: list[Annotation] = []


class TextContentBlock(WireStruct, kw_only=True, gc=False, tag_field="type", tag="text"):
    """A part of text."""

    type: ClassVar[Literal["text"]] = "text"
    text: Text = field(default_factory=Text)


class RefusalContentBlock(WireStruct, kw_only=True, gc=False, tag_field="type", tag="refusal"):
    """A part in which the model says that it will not."""

    type: ClassVar[Literal["refusal"]] = "refusal"
    refusal: str = ""


class ImageFile(WireStruct, kw_only=True, gc=False):
    """An image among the uploaded or generated files."""

    file_id: str = ""
    detail: ImageDetail | None = None


class ImageFileContentBlock(WireStruct, kw_only=True, gc=False, tag_field="type", tag="image_file"):
    """A part that is an image file."""

    type: ClassVar[Literal["image_file"]] = "image_file"
    image_file: ImageFile = field(default_factory=ImageFile)


class ImageURLContentBlock(WireStruct, kw_only=True, gc=False, tag_field="type", tag="image_url"):
    """A part that is an image under a URL."""

    type: ClassVar[Literal["image_url"]] = "image_url"
    image_url: ImageURL = field(default_factory=ImageURL)


class UnknownContentBlock(WireStruct, kw_only=True, gc=False, tag_field="type", tag="unknown"):
    """A content part of a type that this version does not know."""

    type: ClassVar[Literal["unknown"]] = "unknown"
    wire_type: str
    """The wire's own `type`; "" if it had none."""
    raw: bytes
    """Its JSON as received."""


MessageContent: TypeAlias = (
    TextContentBlock | ImageFileContentBlock | ImageURLContentBlock | RefusalContentBlock | UnknownContentBlock
)


# Messages.

AttachmentTool: TypeAlias = CodeInterpreterTool | FileSearchTool | UnknownTool


class Attachment(WireStruct, kw_only=True, gc=False):
    """A file beside a message, and the tools that may read it."""

    file_id: str | None = None
    tools: list[AttachmentTool] | None = None


class Message(WireStruct, kw_only=True, gc=False):
    """A message of a thread."""

    id: str
    object: str = "thread.message"
    created_at: int = 0
    """Seconds since 1970-01-01 UTC."""
    thread_id: str = ""
    status: MessageStatus = ""
    incomplete_details: IncompleteDetails | None = None
    completed_at: int | None = None
    incomplete_at: int | None = None
    role: MessageRole = "assistant"
    content: list[MessageContent] = []
    assistant_id: str | None = None
    run_id: str | None = None
    """None for a message that no run wrote."""
    attachments: list[Attachment] | None = None
    metadata: Metadata | None = None


class MessageDeleted(WireStruct, kw_only=True, gc=False):
    """The answer to a deletion."""

    id: str
    object: str = "thread.message.deleted"
    deleted: bool = False


# Deltas. `index` is the place in the list that the delta goes to; None where the server left it out.


class FileCitationDelta(WireStruct, kw_only=True, gc=False):
    """What a delta says of a cited file."""

    file_id: str | None = None
    quote: str | None = None


class FileCitationDeltaAnnotation(WireStruct, kw_only=True, gc=False, tag_field="type", tag="file_citation"):
    """A delta to a file citation."""

    type: ClassVar[Literal["file_citation"]] = "file_citation"
    index: int | None = None
    text: str | None = None
    file_citation: FileCitationDelta | None = None
    start_index: int | None = None
    end_index: int | None = None


class FilePathDelta(WireStruct, kw_only=True, gc=False):
    """What a delta says of a written file."""

    file_id: str | None = None


class FilePathDeltaAnnotation(WireStruct, kw_only=True, gc=False, tag_field="type", tag="file_path"):
    """A delta to a file path."""

    type: ClassVar[Literal["file_path"]] = "file_path"
    index: int | None = None
    text: str | None = None
    file_path: FilePathDelta | None = None
    start_index: int | None = None
    end_index: int | None = None


class URLCitationDelta(WireStruct, kw_only=True, gc=False):
    """Azure: what a delta says of a cited page."""

    url: str | None = None
    title: str | None = None


class URLCitationDeltaAnnotation(WireStruct, kw_only=True, gc=False, tag_field="type", tag="url_citation"):
    """Azure: a delta to a page citation."""

    type: ClassVar[Literal["url_citation"]] = "url_citation"
    index: int | None = None
    text: str | None = None
    url_citation: URLCitationDelta | None = None
    start_index: int | None = None
    end_index: int | None = None


class UnknownAnnotationDelta(WireStruct, kw_only=True, gc=False, tag_field="type", tag="unknown"):
    """A delta to an annotation of a type that this version does not know."""

    type: ClassVar[Literal["unknown"]] = "unknown"
    wire_type: str
    """The wire's own `type`; "" if it had none."""
    raw: bytes
    """Its JSON as received."""


AnnotationDelta: TypeAlias = (
    FileCitationDeltaAnnotation | FilePathDeltaAnnotation | URLCitationDeltaAnnotation | UnknownAnnotationDelta
)


class TextDelta(WireStruct, kw_only=True, gc=False):
    """What a delta adds to a text."""

    value: str | None = None
    annotations: list[AnnotationDelta] | None = None


class TextDeltaBlock(WireStruct, kw_only=True, gc=False, tag_field="type", tag="text"):
    """A delta to a text part."""

    type: ClassVar[Literal["text"]] = "text"
    index: int | None = None
    text: TextDelta | None = None


class RefusalDeltaBlock(WireStruct, kw_only=True, gc=False, tag_field="type", tag="refusal"):
    """A delta to a refusal part."""

    type: ClassVar[Literal["refusal"]] = "refusal"
    index: int | None = None
    refusal: str | None = None


class ImageFileDelta(WireStruct, kw_only=True, gc=False):
    """What a delta says of an image file."""

    file_id: str | None = None
    detail: ImageDetail | None = None


class ImageFileDeltaBlock(WireStruct, kw_only=True, gc=False, tag_field="type", tag="image_file"):
    """A delta to an image file part."""

    type: ClassVar[Literal["image_file"]] = "image_file"
    index: int | None = None
    image_file: ImageFileDelta | None = None


class ImageURLDelta(WireStruct, kw_only=True, gc=False):
    """What a delta says of an image under a URL."""

    url: str | None = None
    detail: ImageDetail | None = None


class ImageURLDeltaBlock(WireStruct, kw_only=True, gc=False, tag_field="type", tag="image_url"):
    """A delta to an image URL part."""

    type: ClassVar[Literal["image_url"]] = "image_url"
    index: int | None = None
    image_url: ImageURLDelta | None = None


class UnknownContentDeltaBlock(WireStruct, kw_only=True, gc=False, tag_field="type", tag="unknown"):
    """A delta to a content part of a type that this version does not know."""

    type: ClassVar[Literal["unknown"]] = "unknown"
    wire_type: str
    """The wire's own `type`; "" if it had none."""
    raw: bytes
    """Its JSON as received."""


MessageContentDelta: TypeAlias = (
    TextDeltaBlock | ImageFileDeltaBlock | ImageURLDeltaBlock | RefusalDeltaBlock | UnknownContentDeltaBlock
)


class MessageDelta(WireStruct, kw_only=True, gc=False):
    """What one event adds to a message."""

    role: MessageRole | None = None
    content: list[MessageContentDelta] | None = None


class MessageDeltaEvent(WireStruct, kw_only=True, gc=False):
    """The payload of `thread.message.delta`."""

    id: str
    """The message that the delta goes to."""
    object: str = "thread.message.delta"
    delta: MessageDelta = field(default_factory=MessageDelta)
