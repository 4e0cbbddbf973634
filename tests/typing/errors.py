"""What a type checker knows of what errors carry. Checked, never run."""

from typing import assert_type

from asyncstream import (
    AssistantAccumulator,
    ChatAccumulator,
    PollTimeoutError,
    ResponseAccumulator,
    StreamError,
    StreamTimeoutError,
    StreamTruncatedError,
)
from asyncstream.types import ChatCompletion, Message, Response, Run, VectorStoreFile, VectorStoreFileBatch


def partial(error: StreamError, truncated: StreamTruncatedError, late: StreamTimeoutError) -> None:
    assert_type(error.partial, AssistantAccumulator | ChatAccumulator | ResponseAccumulator | None)
    assert_type(truncated.partial, AssistantAccumulator | ChatAccumulator | ResponseAccumulator | None)
    assert_type(late.partial, AssistantAccumulator | ChatAccumulator | ResponseAccumulator | None)
    assert_type(error.events_seen, int)


def narrowed_by_isinstance(error: StreamError) -> list[Message]:
    if isinstance(error.partial, AssistantAccumulator):
        return assert_type(error.partial.messages, list[Message])
    return []


def narrowed_by_match(error: StreamError) -> str:
    match error.partial:
        case AssistantAccumulator(run=run):
            assert_type(run, Run | None)
            return "a run"
        case ChatAccumulator(completion=completion):
            assert_type(completion, ChatCompletion)
            return "a chat"
        case ResponseAccumulator(response=response):
            assert_type(response, Response)
            return "a response"
        case nothing:
            assert_type(nothing, None)
            return "nothing"


def last(error: PollTimeoutError) -> str:
    match error.last:
        case Run(status=status):
            return status
        case VectorStoreFile() | VectorStoreFileBatch() as polled:
            return polled.status
        case Response(status=status):
            return status or ""
        case nothing:
            assert_type(nothing, None)
            return ""


def polled(error: PollTimeoutError) -> None:
    assert_type(error.last, Run | VectorStoreFile | VectorStoreFileBatch | Response[object] | None)
