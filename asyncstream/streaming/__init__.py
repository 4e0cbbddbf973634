"""What users hold while a response runs: the streams and the event handlers. Public names only."""

from asyncstream.streaming.assistants import AssistantStream
from asyncstream.streaming.chat import ChatStream
from asyncstream.streaming.content import ContentRequest, ContentStream, FileContent
from asyncstream.streaming.handlers import AssistantEventHandler
from asyncstream.streaming.view import View

__all__ = [
    "AssistantEventHandler",
    "AssistantStream",
    "ChatStream",
    "ContentRequest",
    "ContentStream",
    "FileContent",
    "View",
]
