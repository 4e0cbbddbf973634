"""Responses from end to end: the client against the embedded server, which keeps them, breaks them and forgets them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from msgspec import Struct

from asyncstream import (
    AsyncClient,
    BadRequestError,
    NotFoundError,
    StreamEventError,
    StreamInterruptedError,
)
from asyncstream.server import (
    CallCustom,
    CallFunction,
    Cut,
    Fail,
    Incomplete,
    Pause,
    RequestApproval,
    Say,
    Scenario,
    Think,
    Turn,
    serve,
)
from asyncstream.types import ResponseCustomToolCall, ResponseFunctionToolCall


class City(Struct):
    city: str


SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOLS: list[Any] = [
    {"type": "function", "name": "weather", "parameters": {**SCHEMA, "additionalProperties": False}, "strict": True},
    {"type": "custom", "name": "run"},
]


@asynccontextmanager
async def talk(scenario: Scenario, **options: Any) -> AsyncIterator[AsyncClient]:
    """Serve a scenario; waits take no time."""

    async def sleep(seconds: float) -> None:
        pass

    async with serve(scenario) as url, AsyncClient(api_key="k", base_url=url, **options) as client:
        client._transport._sleep = sleep
        yield client


def asked(scenario: Scenario) -> list[str]:
    return [request.method for request in scenario.requests]


@pytest.mark.parametrize("how", ["fin", "rst", "eof"])
async def test_a_response_goes_on_over_many_breaks(how):
    cuts = [
        Cut(after_event="response.in_progress", how=how),
        Cut(after_event="response.output_text.delta", how=how),
        Cut(after_bytes=1, how=how),
        Cut(after_event="response.output_text.delta", count=2, how=how),
        None,
    ]
    scenario = Scenario([Turn(Think("hm"), Say("a b c d e"))], cuts=cuts, delay=0.001)
    async with talk(scenario) as client:
        async with client.responses.stream(model="m", input="hi", background=True) as stream:
            texts = [text async for text in stream.text_deltas]
            final = await stream.get_final_response()
        kept = await client.responses.retrieve(final.id)

    assert (["a", " b", " c", " d", " e"], "completed") == (texts, final.status)
    assert kept.output == final.output
    assert ["POST", *["GET"] * 5] == asked(scenario)


async def test_a_response_that_is_too_old_to_be_gone_on_with_is_refused():
    scenario = Scenario([Turn(Say("a b"), Pause(30))], cuts=[Cut(after_event="response.output_text.delta")])
    scenario.resume_window = 0.0
    async with talk(scenario) as client:
        async with client.responses.stream(model="m", input="hi", background=True) as stream:
            with pytest.raises(BadRequestError) as caught:
                await stream.until_done()

    assert isinstance(caught.value.__cause__, StreamInterruptedError)
    assert (stream.accumulator, "a") == (caught.value.partial, stream.accumulator.response.output_text)


async def test_a_response_that_was_deleted_meanwhile_is_not_found():
    scenario = Scenario([Turn(Say("a b"), Pause(30))], cuts=[Cut(after_event="response.output_text.delta", how="eof")])
    async with talk(scenario) as client:
        async with client.responses.stream(model="m", input="hi", background=True) as stream:
            async for event in stream:
                if event.type == "response.output_text.delta":
                    await client.responses.delete(stream.accumulator.response.id)
                    break
            with pytest.raises(NotFoundError) as caught:
                await stream.until_done()

    assert caught.value.partial is stream.accumulator


async def test_a_response_that_fails_after_the_break_is_an_error():
    scenario = Scenario(
        [Turn(Say("a b"), Fail("server_error", "out of luck"))],
        cuts=[Cut(after_event="response.output_text.delta")],
        delay=0.001,
    )
    async with talk(scenario) as client:
        async with client.responses.stream(model="m", input="hi", background=True) as stream:
            with pytest.raises(StreamEventError, match="out of luck") as caught:
                await stream.until_done()

    assert ("server_error", "a b", ["POST", "GET"]) == (
        caught.value.code,
        stream.accumulator.response.output_text,
        asked(scenario),
    )


async def test_a_response_that_is_not_in_the_background_is_not_gone_on_with():
    scenario = Scenario([Turn(Say("a b"))], cuts=[Cut(after_event="response.output_text.delta")])
    async with talk(scenario) as client, client.responses.stream(model="m", input="hi") as stream:
        with pytest.raises(StreamInterruptedError):
            await stream.until_done()

    assert ["POST"] == asked(scenario)


async def test_a_response_is_joined_while_it_runs_and_cancelled():
    scenario = Scenario([Turn(Say("a b"), Pause(30))])
    async with talk(scenario) as client:
        made = await client.responses.create(model="m", input="hi", background=True, stream=True)
        async with made:
            async for _ in made:
                if made.accumulator.response.output_text == "a b":
                    break
        async with client.responses.stream(response_id=made.accumulator.response.id, starting_after=2) as joined:
            first = await anext(joined)
            cancelled = await client.responses.cancel(joined.accumulator.response.id or made.accumulator.response.id)
            final = await joined.get_final_response()

    assert 3 == first.sequence_number
    assert ("cancelled", "cancelled", "a b") == (cancelled.status, final.status, final.output_text)


@pytest.mark.parametrize("kept", ["stored", "sent back", "conversation"])
async def test_calls_are_answered_in_their_stream(kept):
    first = Turn(Think("hm"), CallFunction("weather", {"city": "Oslo"}), CallCustom("run", "ls"))
    scenario = Scenario([first, Turn(CallFunction("weather", {"city": "Rome"})), Turn(Say("18 and 25"))])
    params: dict[str, Any] = {"stored": {}, "sent back": {"store": False}}.get(kept, {})
    if kept == "sent back":
        params["include"] = ["reasoning.encrypted_content"]
    async with talk(scenario) as client:
        if kept == "conversation":
            params["conversation"] = (await client.conversations.create()).id
        async with client.responses.stream(model="m", input="hi", tools=TOOLS, **params) as stream:
            for _ in range(2):
                await stream.until_done()
                calls = [
                    item
                    for item in stream.accumulator.response.output
                    if isinstance(item, ResponseFunctionToolCall | ResponseCustomToolCall)
                ]
                await stream.submit_tool_outputs([{"call_id": call.call_id, "output": call.name} for call in calls])
            final = await stream.get_final_response()

    assert ("18 and 25", [2, 1]) == (final.output_text, [len(round.results) for round in stream.rounds])
    bodies = [request.body or {} for request in scenario.requests if request.path.endswith("/responses")]
    assert ["previous_response_id" in body for body in bodies] == [False, *[kept == "stored"] * 2]
    assert [len(body["input"]) for body in bodies[1:]] == ([6, 8] if kept == "sent back" else [2, 1])


async def test_approvals_are_given_in_their_stream():
    scenario = Scenario([Turn(RequestApproval("drop", {"table": "t"}, server_label="db")), Turn(Say("done"))])
    tools: list[Any] = [
        {"type": "mcp", "server_label": "db", "server_url": "https://db.test", "require_approval": "always"}
    ]
    async with talk(scenario) as client:
        async with client.responses.stream(model="m", input="hi", tools=tools) as stream:
            await stream.until_done()
            (request,) = (item for item in stream.accumulator.response.output if item.type == "mcp_approval_request")
            await stream.submit_tool_approvals([{"approval_request_id": request.id, "approve": True}])
            final = await stream.get_final_response()

    assert ("done", True) == (final.output_text, any(item.type == "mcp_call" for item in final.output))


async def test_an_answer_that_was_cut_short_is_told_by_its_status():
    scenario = Scenario([Turn(Say('{"city": "Os'), Incomplete())])
    async with talk(scenario) as client:
        async with client.responses.stream(model="m", input="hi", text_format=City) as stream:
            final = await stream.get_final_response()

    assert ("incomplete", '{"city": "Os', None) == (final.status, final.output_text, final.output_parsed)


async def test_what_is_kept_can_be_listed_counted_polled_and_deleted():
    scenario = Scenario([Turn(Say("a")), Turn(Say("b"))], poll_after_ms=1)
    async with talk(scenario) as client:
        polled = await client.responses.create_and_poll(model="m", input="hi")
        items = [item async for item in client.responses.input_items.list(polled.id)]
        count = await client.responses.input_tokens.count(model="m", input="hi there")
        conversation = await client.conversations.create(metadata={"a": "b"})
        await client.responses.create(model="m", input="hi", conversation=conversation.id)
        said = [item async for item in client.conversations.items.list(conversation.id, order="asc")]
        await client.conversations.items.delete(said[0].id, conversation_id=conversation.id)
        left = [item async for item in client.conversations.items.list(conversation.id)]
        await client.responses.delete(polled.id)
        with pytest.raises(NotFoundError):
            await client.responses.retrieve(polled.id)
        gone = await client.conversations.delete(conversation.id)

    assert ("completed", "a", 1, 2) == (polled.status, polled.output_text, len(items), count.input_tokens)
    assert ([2, 1], True) == ([len(said), len(left)], gone.deleted)
