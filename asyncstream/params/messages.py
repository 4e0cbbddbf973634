"""The request bodies of messages, and the content parts and attachments that they are made of."""

from collections.abc import Sequence
from typing import Literal, Required, TypeAlias, TypedDict

from asyncstream.params.shared import ImageURLParam
from asyncstream.params.tools import CodeInterpreterToolParam
from asyncstream.types.shared import Metadata

__all__ = [
    "AttachmentFileSearchToolParam",
    "AttachmentParam",
    "AttachmentToolParam",
    "ImageFileContentBlockParam",
    "ImageFileParam",
    "ImageURLContentBlockParam",
    "MessageContentParam",
    "MessageContentPartParam",
    "MessageCreateParams",
    "MessageParam",
    "MessageUpdateParams",
    "TextContentBlockParam",
]


class TextContentBlockParam(TypedDict):
    """A part of text."""

    type: Literal["text"]
    text: str


class ImageFileParam(TypedDict, total=False):
    """An image that was uploaded with the purpose "vision"."""

    file_id: Required[str]
    detail: Literal["auto", "low", "high"]


class ImageFileContentBlockParam(TypedDict):
    """A part that is an uploaded image."""

    type: Literal["image_file"]
    image_file: ImageFileParam


class ImageURLContentBlockParam(TypedDict):
    """A part that is an image under a URL."""

    type: Literal["image_url"]
    image_url: ImageURLParam


MessageContentPartParam: TypeAlias = TextContentBlockParam | ImageFileContentBlockParam | ImageURLContentBlockParam
MessageContentParam: TypeAlias = str | Sequence[MessageContentPartParam]


class AttachmentFileSearchToolParam(TypedDict):
    """Lets file search read the attachment."""

    type: Literal["file_search"]


AttachmentToolParam: TypeAlias = CodeInterpreterToolParam | AttachmentFileSearchToolParam


class AttachmentParam(TypedDict):
    """A file beside the message, and the tools that may read it."""

    file_id: str
    tools: Sequence[AttachmentToolParam]


class MessageCreateParams(TypedDict, total=False):
    """POST /threads/{thread_id}/messages, without `role` and `content`."""

    attachments: Sequence[AttachmentParam] | None
    metadata: Metadata | None


class MessageParam(MessageCreateParams, total=False):
    """A message inside another body: of a new thread, or added by a run."""

    role: Required[Literal["user", "assistant"]]
    content: Required[MessageContentParam]


class MessageUpdateParams(TypedDict, total=False):
    """POST /threads/{thread_id}/messages/{message_id}."""

    metadata: Metadata | None
