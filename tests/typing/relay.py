"""What checkers know of the relay's follower. Never run: mypy and basedpyright read it."""

from typing import assert_type

from asyncstream.events import AssistantStreamEvent, ThreadMessageDelta
from asyncstream.relay import Follower, follow
from asyncstream.types import ChatCompletionChunk, MessageDeltaEvent, Run


async def events_are_those_of_the_protocol(url: str) -> None:
    assert_type(follow(url, protocol="assistants"), Follower[AssistantStreamEvent])
    assert_type(follow(url, protocol="chat"), Follower[ChatCompletionChunk])
    async for event in follow(url, protocol="assistants"):
        match event:
            case ThreadMessageDelta(data=data):
                assert_type(data, MessageDeltaEvent)
            case _ if event.event == "thread.run.completed":
                assert_type(event.data, Run)
            case _:
                pass
    async with follow(url, protocol="chat", last_event_id="7", timeout=30) as events:
        assert_type(events, Follower[ChatCompletionChunk])
        assert_type(await anext(events), ChatCompletionChunk)
        assert_type(events.last_event_id, str | None)


def mistakes_are_seen(url: str) -> None:
    follow(url, protocol="semaphore")  # type: ignore[call-overload]  # no such protocol
    follow(url)  # type: ignore[call-overload]  # a protocol is needed
