"""Asyncio client for OpenAI's streaming protocols: typed events, exact snapshots, no half answers."""

from typing import TYPE_CHECKING

from asyncstream.client import AsyncClient
from asyncstream.errors import (
    APIConnectionError,
    APIError,
    APIResponseValidationError,
    APIStatusError,
    APITimeoutError,
    ArgumentError,
    AsyncStreamError,
    AuthenticationError,
    BadRequestError,
    ConfigurationError,
    ConflictError,
    ErrorResponse,
    InternalServerError,
    MaxRoundsError,
    NotFoundError,
    OpenAIError,
    ParseError,
    PermissionDeniedError,
    PollTimeoutError,
    RateLimitError,
    StreamDecodeError,
    StreamError,
    StreamEventError,
    StreamInterruptedError,
    StreamTimeoutError,
    StreamTruncatedError,
    ToolLoopError,
    ToolsLostError,
    UnprocessableEntityError,
)
from asyncstream.faces import face
from asyncstream.resources.raw import RawResponse
from asyncstream.transport.dialects import Dialect
from asyncstream.transport.observing import (
    CallDetails,
    CallFailed,
    CallFinished,
    FirstEvent,
    Observation,
    Observer,
    RequestSent,
    ResponseReceived,
    ToolBegan,
    ToolEnded,
)
from asyncstream.transport.timeout import Timeout

if TYPE_CHECKING:
    from asyncstream import accumulators as accumulators
    from asyncstream import events as events
    from asyncstream import params as params
    from asyncstream import streaming as streaming
    from asyncstream import types as types
    from asyncstream.accumulators.assistants import AssistantAccumulator
    from asyncstream.accumulators.chat import ChatAccumulator
    from asyncstream.accumulators.responses import ResponseAccumulator
    from asyncstream.client.openai_names import AsyncAzureOpenAI, AsyncOpenAI
    from asyncstream.looping.book import LoopState
    from asyncstream.streaming.assistants import AssistantEventHandler, AssistantStream, AsyncAssistantEventHandler
    from asyncstream.streaming.chat import ChatStream
    from asyncstream.streaming.responses import ResponseStream
    from asyncstream.tools.context import Later, Refused, ToolContext, ToolFailed
    from asyncstream.tools.functions import function_tool, pydantic_function_tool
    from asyncstream.tools.tool import Tool
    from asyncstream.tools.toolset import Tools
else:
    __getattr__, __dir__ = face(
        __name__,
        AssistantAccumulator="asyncstream.accumulators.assistants",
        AssistantEventHandler="asyncstream.streaming.assistants",
        AssistantStream="asyncstream.streaming.assistants",
        AsyncAssistantEventHandler="asyncstream.streaming.assistants",
        AsyncAzureOpenAI="asyncstream.client.openai_names",
        AsyncOpenAI="asyncstream.client.openai_names",
        ChatAccumulator="asyncstream.accumulators.chat",
        ChatStream="asyncstream.streaming.chat",
        Later="asyncstream.tools.context",
        LoopState="asyncstream.looping.book",
        Refused="asyncstream.tools.context",
        ResponseAccumulator="asyncstream.accumulators.responses",
        Tool="asyncstream.tools.tool",
        ToolContext="asyncstream.tools.context",
        ToolFailed="asyncstream.tools.context",
        Tools="asyncstream.tools.toolset",
        ResponseStream="asyncstream.streaming.responses",
        function_tool="asyncstream.tools.functions",
        pydantic_function_tool="asyncstream.tools.functions",
    )

__all__ = [
    "APIConnectionError",
    "APIError",
    "APIResponseValidationError",
    "APIStatusError",
    "APITimeoutError",
    "ArgumentError",
    "AssistantAccumulator",
    "AssistantEventHandler",
    "AssistantStream",
    "AsyncAssistantEventHandler",
    "AsyncAzureOpenAI",
    "AsyncClient",
    "AsyncOpenAI",
    "AsyncStreamError",
    "AuthenticationError",
    "BadRequestError",
    "CallDetails",
    "CallFailed",
    "CallFinished",
    "ChatAccumulator",
    "ChatStream",
    "ConfigurationError",
    "ConflictError",
    "Dialect",
    "ErrorResponse",
    "FirstEvent",
    "InternalServerError",
    "Later",
    "LoopState",
    "MaxRoundsError",
    "NotFoundError",
    "Observation",
    "Observer",
    "OpenAIError",
    "ParseError",
    "PermissionDeniedError",
    "PollTimeoutError",
    "RateLimitError",
    "RawResponse",
    "Refused",
    "RequestSent",
    "ResponseAccumulator",
    "ResponseReceived",
    "ResponseStream",
    "StreamDecodeError",
    "StreamError",
    "StreamEventError",
    "StreamInterruptedError",
    "StreamTimeoutError",
    "StreamTruncatedError",
    "Timeout",
    "Tool",
    "ToolBegan",
    "ToolContext",
    "ToolEnded",
    "ToolFailed",
    "ToolLoopError",
    "Tools",
    "ToolsLostError",
    "UnprocessableEntityError",
    "function_tool",
    "pydantic_function_tool",
]
