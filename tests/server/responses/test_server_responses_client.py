"""The client over the embedded server: every turn in every dialect, tool loops, breaks, and the other endpoints."""

import pytest
from test_server_responses_folds import TURNS

from asyncstream import AsyncClient
from asyncstream.errors import NotFoundError, StreamError, StreamEventError
from asyncstream.server import (
    RESPONSES_DIALECTS,
    CallCustom,
    CallFunction,
    Cut,
    RequestApproval,
    Say,
    Scenario,
    Think,
    Turn,
    serve,
)

ASKED = {"model": "m", "input": "Hello there"}
ENDS = {"half an answer": "incomplete", "half a call": "incomplete"}
BROKEN = {"failed": StreamEventError, "error": StreamEventError, "cut": StreamError}


def _client(base_url: str) -> AsyncClient:
    return AsyncClient(api_key="any", base_url=base_url)


@pytest.mark.parametrize("name", RESPONSES_DIALECTS)
@pytest.mark.parametrize("what", TURNS)
async def test_every_turn_in_every_dialect(what, name):
    scenario = Scenario([TURNS[what]], responses_dialect=RESPONSES_DIALECTS[name])
    said = "".join(action.text for action in TURNS[what].actions if isinstance(action, Say) and action.text != "never")
    async with serve(scenario) as base_url, _client(base_url) as client, client.responses.stream(**ASKED) as stream:
        text = ""
        error = BROKEN.get(what)
        if error is not None:
            with pytest.raises(StreamError if name == "litellm" else error):
                async for piece in stream.text_deltas:
                    text += piece
        else:
            async for piece in stream.text_deltas:
                text += piece
            response = await stream.get_final_response()
            assert response.output_text == said
            assert response.status == ("completed" if name in ("llama.cpp", "ollama") else ENDS.get(what, "completed"))
    assert text == said


@pytest.mark.parametrize("name", RESPONSES_DIALECTS)
@pytest.mark.parametrize("store", [True, False])
async def test_tool_loop_in_every_dialect(name, store):
    calls = [CallFunction("f", {"a": 1}), CallCustom("g", "text")]
    scenario = Scenario([Turn(Think("hm"), *calls), Turn(Say("Done."))], responses_dialect=RESPONSES_DIALECTS[name])
    more = {} if store else {"store": False, "include": ["reasoning.encrypted_content"]}
    async with serve(scenario) as base_url, _client(base_url) as client:
        async with client.responses.stream(**ASKED, **more) as stream:
            first = await stream.get_final_response()
            called = [item for item in first.output if item.type in ("function_call", "custom_tool_call")]
            await stream.submit_tool_outputs([{"call_id": call.call_id, "output": "1"} for call in called])
            second = await stream.get_final_response()

    assert len(called) == 2
    assert second.output_text == "Done."
    sent = scenario.requests[1].body["input"]
    assert [item.get("type") for item in sent][-2:] == ["function_call_output", "custom_tool_call_output"]


async def test_approvals_are_answered_in_the_same_stream():
    scenario = Scenario([Turn(RequestApproval("roll", output="6")), Turn(Say("You rolled 6."))])
    tool = {"type": "mcp", "server_label": "mcp", "server_url": "http://x"}
    async with serve(scenario) as base_url, _client(base_url) as client:
        async with client.responses.stream(**ASKED, tools=[tool]) as stream:
            asked = (await stream.get_final_response()).output[-1]
            await stream.submit_tool_approvals([{"approval_request_id": asked.id, "approve": True}])
            response = await stream.get_final_response()

    assert [item.type for item in response.output] == ["mcp_call", "message"]


async def test_background_stream_that_breaks_again_and_again_comes_whole():
    cuts = [Cut(after_event="response.output_text.delta", how=how) for how in ("rst", "fin", "eof", "rst", "fin")]
    scenario = Scenario([Turn(Say("a b c d e f g"))], cuts=cuts)
    async with serve(scenario) as base_url, _client(base_url) as client:
        async with client.responses.stream(**ASKED, background=True) as stream:
            text = "".join([piece async for piece in stream.text_deltas])
            response = await stream.get_final_response()

    assert text == response.output_text == "a b c d e f g"
    # Five numbers each, behind created, queued, in_progress, an item and a part.
    assert [request.query.get("starting_after") for request in scenario.requests] == [None, "5", "6", "7", "8", "9"]


async def test_other_endpoints():
    async with serve(Scenario([Turn(Say("Hi"))] * 2)) as base_url, _client(base_url) as client:
        room = await client.conversations.create(items=[{"role": "user", "content": "Hello"}])
        made = await client.responses.create(**ASKED, conversation=room.id)
        got = await client.responses.retrieve(made.id)
        items = [item async for item in client.responses.input_items.list(made.id, limit=1)]
        there = [item.type async for item in client.conversations.items.list(room.id)]
        counted = await client.responses.input_tokens.count(model="m", input="one two")
        compact = await client.responses.compact(model="m", previous_response_id=made.id)
        running = await client.responses.create(**ASKED, background=True)
        over = await client.responses.poll(running.id)
        await client.responses.delete(made.id)
        with pytest.raises(NotFoundError):
            await client.responses.retrieve(made.id)

    assert got.output_text == made.output_text == over.output_text == "Hi"
    assert len(items) == 2
    assert there == ["message"] * 3
    assert counted.input_tokens == 2
    assert compact.output[-1].type == "compaction"
