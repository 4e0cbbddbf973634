"""What users hold while a run goes on: its stream, and the handler whose callbacks the stream calls."""

from asyncstream.streaming.assistants.stream import AssistantEventHandler, AssistantStream, AsyncAssistantEventHandler

__all__ = ["AssistantEventHandler", "AssistantStream", "AsyncAssistantEventHandler"]
