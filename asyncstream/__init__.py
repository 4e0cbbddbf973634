"""Asyncio client for OpenAI's streaming protocols: typed events, exact snapshots, no half answers."""

from asyncstream.accumulators import AssistantAccumulator, ChatAccumulator
from asyncstream.client import AsyncClient
from asyncstream.errors import (
    APIConnectionError,
    APIError,
    APIResponseValidationError,
    APIStatusError,
    APITimeoutError,
    AsyncStreamError,
    AuthenticationError,
    BadRequestError,
    ConfigurationError,
    ConflictError,
    InternalServerError,
    NotFoundError,
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
    UnprocessableEntityError,
)
from asyncstream.resources.raw import RawResponse
from asyncstream.streaming import AssistantEventHandler, AssistantStream, ChatStream
from asyncstream.tools import function_tool
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
)
from asyncstream.transport.timeout import Timeout

AsyncAssistantEventHandler = AssistantEventHandler
"""The name that openai-python has for it."""

__all__ = [
    "APIConnectionError",
    "APIError",
    "APIResponseValidationError",
    "APIStatusError",
    "APITimeoutError",
    "AssistantAccumulator",
    "AssistantEventHandler",
    "AssistantStream",
    "AsyncAssistantEventHandler",
    "AsyncClient",
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
    "FirstEvent",
    "InternalServerError",
    "NotFoundError",
    "Observation",
    "Observer",
    "ParseError",
    "PermissionDeniedError",
    "PollTimeoutError",
    "RateLimitError",
    "RawResponse",
    "RequestSent",
    "ResponseReceived",
    "StreamDecodeError",
    "StreamError",
    "StreamEventError",
    "StreamInterruptedError",
    "StreamTimeoutError",
    "StreamTruncatedError",
    "Timeout",
    "UnprocessableEntityError",
    "function_tool",
]
