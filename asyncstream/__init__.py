"""Asyncio client for OpenAI's streaming protocols: typed events, exact snapshots, no half answers."""

from asyncstream.accumulators import AssistantAccumulator
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
from asyncstream.streaming import AssistantEventHandler, AssistantStream
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
    "ConfigurationError",
    "ConflictError",
    "InternalServerError",
    "NotFoundError",
    "PermissionDeniedError",
    "PollTimeoutError",
    "RateLimitError",
    "StreamDecodeError",
    "StreamError",
    "StreamEventError",
    "StreamInterruptedError",
    "StreamTimeoutError",
    "StreamTruncatedError",
    "Timeout",
    "UnprocessableEntityError",
]
