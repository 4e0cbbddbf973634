"""R5: what is cancelled in a stream, and gone on with.

`anext`, `until_done`, `get_final_...` and the views: wherever they are cancelled, the stream goes on, and in the end
all events, pieces, changes and callbacks have come, none of them twice, and no request was sent twice. Opening, closing
and submitting: `on_end` is called once whatever is cancelled, and nothing stays behind.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from itertools import count
from typing import Any

import pytest
import responses_wire
from assistants_wire import DONE, HELLO, STREAM_HEAD, WAITS, chunk, message, run, text
from raw_server import Exchange, raw_server, response
from recording import Recorder
from stepping import Plan, leftovers, outcome_of, settled, turns

from asyncstream import (
    AssistantStream,
    AsyncClient,
    AuthenticationError,
    ChatStream,
    ResponseStream,
    StreamInterruptedError,
)

WAYS = {"waiting": (False, False), "come": (True, False), "twice": (False, True), "come, twice": (True, True)}
"""Whether the cancellation comes late, and whether another one follows at the next await."""

Read = Callable[[Any, list[object]], Awaitable[object]]


async def send_slowly(exchange: Exchange, frames: list[bytes], *, end: bool = True) -> None:
    """Answer with a stream, each frame in two halves, so that a reader has to wait for each."""
    await exchange.send(STREAM_HEAD)
    for data in frames:
        for half in (data[: len(data) // 2], data[len(data) // 2 :]):
            await exchange.send(chunk(half))
            await turns(3)
    if end:
        await exchange.send(b"0\r\n\r\n")


SECOND = [run("in_progress"), message("created"), text("Hi"), message("completed", text="Hi"), run("completed")]
CHAT = [
    b'data: {"id":"c","choices":[{"index":0,"delta":{"role":"assistant","content":"Hel"}}]}\n\n',
    b'data: {"id":"c","choices":[{"index":0,"delta":{"content":"lo"}}]}\n\n',
    b'data: {"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n',
    b"data: [DONE]\n\n",
]
CALLS = [
    b'data: {"id":"b","choices":[{"index":0,"delta":{"content":"See","tool_calls":[{"index":0,"id":"call_1","function":'
    b'{"name":"f","arguments":"{}"}}]}}]}\n\n',
    b'data: {"id":"b","choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}\n\n',
    b'data: {"id":"b","choices":[{"index":0,"delta":{"refusal":"no"}}]}\n\n',
    b'data: {"id":"b","choices":[],"usage":{"total_tokens":3}}\n\n',
    b"data: [DONE]\n\n",
]
"""An answer that calls a tool and goes on after its finish reason with what only its end closes."""


ASKS = responses_wire.answer(responses_wire.message("See"), responses_wire.call("1"))
ANSWERS = responses_wire.hello("resp_2")


async def converse(exchange: Exchange) -> None:
    if "chat" in exchange.target:
        await send_slowly(
            exchange, CALLS if b"waits" in exchange.body and b"tool_call_id" not in exchange.body else CHAT
        )
    elif "responses" in exchange.target:
        waits = b"waits" in exchange.body and b"function_call_output" not in exchange.body
        await send_slowly(exchange, ASKS if waits else ANSWERS)
    elif "submit" in exchange.target:
        await send_slowly(exchange, [*SECOND, DONE])
    elif b"refused" in exchange.body:
        await exchange.send(response(401, b'{"error": {"message": "no"}}'))
    elif b"waits" in exchange.body:
        await send_slowly(exchange, [*WAITS, DONE])
    elif b"endless" in exchange.body:
        await send_slowly(exchange, HELLO[:3], end=False)
        await exchange.gone()
    else:
        # Without `done`, and with a part that only the end closes.
        await send_slowly(exchange, [*HELLO[:-1], text("left open", "msg_2"), HELLO[-1]])


@asynccontextmanager
async def nothing_left_behind(plan: object = None) -> AsyncIterator[AsyncClient]:
    before = asyncio.all_tasks()
    async with raw_server(converse) as server:
        async with AsyncClient(api_key="k", base_url=server.url, max_retries=0) as client:
            yield client

            assert [] == await settled(lambda: leftovers(client, before)), plan
        bodies = [exchange.body for exchange in server.requests]
        assert len(bodies) == len({*bodies}), plan
        assert not await settled(lambda: server.open), plan


# Going on.


async def events(stream: Any, seen: list[object]) -> None:
    async for event in stream:
        seen.append(event)


async def pieces(stream: Any, seen: list[object]) -> None:
    async for piece in stream.text_deltas:
        seen.append(piece)


async def changes(stream: Any, seen: list[object]) -> None:
    async for change in stream.changes:
        seen.append((type(change), change.snapshot))


async def one_by_one(stream: Any, seen: list[object]) -> None:
    """Read an event, a change, and the rest."""
    if not seen:
        seen.append(await anext(stream))
    if len(seen) == 1:
        seen.append(type(await anext(stream.changes)))
    await events(stream, seen)


async def until_done(stream: Any, _: list[object]) -> None:
    await stream.until_done()


async def final(stream: Any, seen: list[object]) -> None:
    if isinstance(stream, ChatStream):
        seen.append(await stream.get_final_completion())
    elif isinstance(stream, ResponseStream):
        seen.append(await stream.get_final_response())
    else:
        run = await stream.get_final_run()
        seen += [run, await stream.get_final_run_steps(), await stream.get_final_messages()]


async def submitting(stream: AssistantStream, seen: list[object]) -> None:
    """Read; submit outputs when the run waits for them, until that has succeeded."""
    if stream.accumulator.waiting:
        await stream.submit_tool_outputs([{"tool_call_id": "call_1", "output": "1"}])
    async for event in stream:
        seen.append(event)
        if stream.accumulator.waiting:
            await stream.submit_tool_outputs([{"tool_call_id": "call_1", "output": "1"}])


def asked(stream: ChatStream) -> bool:
    """Tell whether the answer is one that waits for outputs."""
    return stream.finished and stream.current_completion_snapshot.choices[0].finish_reason == "tool_calls"


async def submitting_to_chat(stream: ChatStream, seen: list[object]) -> None:
    """Read; submit outputs as soon as they may be, again and again until that has succeeded."""
    if asked(stream):
        await stream.submit_tool_outputs([{"tool_call_id": "call_1", "output": "1"}])
    async for event in stream:
        seen.append(event)
        if asked(stream):
            await stream.submit_tool_outputs([{"tool_call_id": "call_1", "output": "1"}])


async def submitting_and_reading_on(stream: ChatStream, seen: list[object]) -> None:
    """Read the changes; submit when they come to their end, and after a cancellation just read on."""
    while True:
        await changes(stream, seen)
        if not asked(stream):
            break
        await stream.submit_tool_outputs([{"tool_call_id": "call_1", "output": "1"}])


async def submitting_to_a_response(stream: ResponseStream[None], seen: list[object]) -> None:
    """Read; submit outputs as soon as they may be, again and again until that has succeeded."""

    async def submit() -> None:
        if stream.finished and stream.accumulator.response.id == "resp_1":
            await stream.submit_tool_outputs([{"call_id": "call_1", "output": "1"}])

    await submit()
    async for event in stream:
        seen.append(event)
        await submit()


READERS: dict[str, Read] = {
    "anext": events,
    "text_deltas": pieces,
    "changes": changes,
    "mixed": one_by_one,
    "until_done": until_done,
    "get_final": final,
    "submit_tool_outputs": submitting,
    "submit to chat": submitting_to_chat,
    "submit to chat, read on": submitting_and_reading_on,
    "submit to a response": submitting_to_a_response,
}
SUBMITTING = {"submit_tool_outputs": ("plain", "handler"), "submit to chat": ("chat",)}
SUBMITTING["submit to chat, read on"] = ("chat",)
SUBMITTING["submit to a response"] = ("responses",)


def opened(client: AsyncClient, kind: str, said: str = "") -> tuple[Any, Recorder | None]:
    if kind == "chat":
        return client.chat.completions.stream(messages=[], model=said or "m"), None
    if kind == "responses":
        return client.responses.stream(input="", model=said or "m"), None
    handler = Recorder() if kind == "handler" else None
    return client.threads.runs.stream("t", assistant_id="a", instructions=said, event_handler=handler), handler


async def read_with(plans: list[Plan], read: Read, kind: str, said: str) -> tuple[list[object], list[Any], int]:
    """Read a stream to its end, one plan of cancellation after the other; return all that came, and the interrupted."""
    seen: list[object] = []
    interrupted = 0
    async with nothing_left_behind(plans) as client:
        stream, handler = opened(client, kind, said)
        async with stream:
            for plan in plans:
                outcome = await outcome_of(plan.drive(read(stream, seen)))
                assert bool(plan.hits) == isinstance(outcome, asyncio.CancelledError), (plan, outcome)
                interrupted += len(plan.hits)
                if not plan.hits:
                    break
            else:
                await read(stream, seen)
            if read not in (final, until_done):
                await stream.until_done()
        snapshot = getattr(stream.accumulator, {"chat": "completion", "responses": "response"}.get(kind, "messages"))
    if handler is None:
        return [*seen, snapshot], [], 0
    assert len(handler.begun) - len(handler.ended) <= interrupted
    assert all(ended in handler.begun for ended in handler.ended)
    return [*seen, snapshot], handler.begun, interrupted


CASES = [
    (kind, how)
    for kind in ("plain", "handler", "chat", "responses")
    for how in READERS
    if how not in SUBMITTING or kind in SUBMITTING[how]
]


@pytest.mark.faults
@pytest.mark.parametrize("late", [False, True], ids=["waiting", "come"])
@pytest.mark.parametrize(("kind", "how"), CASES)
async def test_a_cancelled_reading_goes_on_and_loses_nothing(kind: str, how: str, late: bool) -> None:
    read = READERS[how]
    said = "waits" if how in SUBMITTING else ""
    expected, calls, _ = await read_with([], read, kind, said)
    assert len(expected) > (0 if how == "until_done" else 1)

    for point in count(1):
        plan = Plan(frozenset({point}), late)
        got, called, _ = await read_with([plan], read, kind, said)

        assert expected == got, plan
        assert calls == called, plan
        if not plan.hits:
            assert point > 3
            break


QUICK = {("handler", "anext"), ("plain", "changes"), ("chat", "get_final"), ("chat", "submit to chat")}
QUICK |= {("responses", "submit to a response")}
"""One of each kind, for the unit tests."""


@pytest.mark.parametrize("late", [False, True], ids=["waiting", "come"])
@pytest.mark.parametrize(
    ("kind", "how"), [pytest.param(*case, marks=() if case in QUICK else pytest.mark.faults) for case in CASES]
)
async def test_a_reading_that_is_cancelled_again_and_again_loses_nothing(kind: str, how: str, late: bool) -> None:
    read = READERS[how]
    said = "waits" if how in SUBMITTING else ""
    expected, calls, _ = await read_with([], read, kind, said)
    for step in (1, 2):
        # With a step of 1 each await is cancelled as soon as it is met.
        plans = [Plan(frozenset({step}), late) for _ in range(1000)]
        got, called, interrupted = await read_with(plans, read, kind, said)

        assert expected == got
        assert calls == called
        assert interrupted > 1 or kind != "handler"


# Opening and closing.


async def whole(client: AsyncClient, handler: Recorder) -> None:
    async with client.threads.runs.stream("t", assistant_id="a", event_handler=handler) as stream:
        await stream.until_done()


async def left_early(client: AsyncClient, handler: Recorder) -> None:
    async with client.threads.runs.stream(
        "t", assistant_id="a", instructions="endless", event_handler=handler
    ) as stream:
        await anext(stream)


async def left_unread(client: AsyncClient, handler: Recorder) -> None:
    async with client.threads.runs.stream("t", assistant_id="a", instructions="endless", event_handler=handler):
        pass


async def refused(client: AsyncClient, handler: Recorder) -> None:
    with pytest.raises(AuthenticationError):
        async with client.threads.runs.stream("t", assistant_id="a", instructions="refused", event_handler=handler):
            pass


async def submitted(client: AsyncClient, handler: Recorder) -> None:
    async with client.threads.runs.stream("t", assistant_id="a", instructions="waits", event_handler=handler) as stream:
        await submitting(stream, [])


async def submitted_in_a_callback(client: AsyncClient, handler: Recorder) -> None:
    async def during(name: str) -> None:
        if name == "on_run_requires_action":
            await handler.stream.submit_tool_outputs([{"tool_call_id": "call_1", "output": "1"}])

    handler.during = during  # type: ignore[method-assign]
    async with client.threads.runs.stream("t", assistant_id="a", instructions="waits", event_handler=handler) as stream:
        assert (await stream.get_final_run()).status == "completed"


async def failing_callback(client: AsyncClient, handler: Recorder) -> None:
    async def during(name: str) -> None:
        await turns(1)
        if name == "on_message_created":
            raise KeyError(name)

    handler.during = during  # type: ignore[method-assign]
    with pytest.raises(KeyError):
        async with client.threads.runs.stream("t", assistant_id="a", event_handler=handler) as stream:
            await stream.until_done()


async def closed_in_a_callback(client: AsyncClient, handler: Recorder) -> None:
    async def during(name: str) -> None:
        await turns(1)
        if name == "on_message_created":
            await handler.stream.close()

    handler.during = during  # type: ignore[method-assign]
    with pytest.raises(StreamInterruptedError):
        async with client.threads.runs.stream("t", assistant_id="a", event_handler=handler) as stream:
            await stream.until_done()


async def failing_end(client: AsyncClient, handler: Recorder) -> None:
    async def during(name: str) -> None:
        await turns(1)
        if name == "on_end":
            raise KeyError(name)

    handler.during = during  # type: ignore[method-assign]
    with pytest.raises(KeyError):
        async with client.threads.runs.stream(
            "t", assistant_id="a", instructions="endless", event_handler=handler
        ) as stream:
            await anext(stream)


LIVES = [whole, left_early, left_unread, refused, submitted, submitted_in_a_callback, failing_callback]
LIVES += [closed_in_a_callback, failing_end]


@pytest.mark.faults
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("live", LIVES, ids=lambda live: live.__name__)
async def test_a_stream_ends_once_whatever_is_cancelled(live: Callable[..., Awaitable[None]], way: str) -> None:
    late, again = WAYS[way]
    for point in count(1):
        plan = Plan(frozenset({point, point + 1} if again else {point}), late)
        handler = Recorder()
        async with nothing_left_behind(plan) as client:
            outcome = await outcome_of(plan.drive(live(client, handler)))

        assert bool(plan.hits) == isinstance(outcome, asyncio.CancelledError), (plan, outcome)
        assert plan.hits or outcome is None
        assert handler.count("on_end") == 1, plan
        assert handler.begun[-1] == ("on_end",), plan
        assert handler.count("on_exception") <= 1, plan
        assert not any(isinstance(call[-1], asyncio.CancelledError) for call in handler.begun)
        if not plan.hits:
            assert point > 3
            break
