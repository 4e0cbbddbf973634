"""How dialects of Responses look; what is said is the same in all."""

import json

import pytest
from response_api import PATH, events_of, request, types_of

from asyncstream.server import (
    RESPONSES_DIALECTS,
    CallFunction,
    ErrorEvent,
    Incomplete,
    Refuse,
    ResponsesDialect,
    Say,
    Scenario,
    Think,
    Turn,
)

TURN = Turn(Think("well now"), Say("I look."), CallFunction("f", pieces=['{"a"', ":1}"], id="call_a"))


async def _body(talk, dialect: ResponsesDialect, turn: Turn = TURN, **members: object) -> bytes:
    async with talk(Scenario([turn], responses_dialect=dialect)) as api:
        came, error = await api.raw(PATH, request(**members))
    assert error is None
    return came


async def _events(talk, dialect: ResponsesDialect | str, turn: Turn = TURN, **members: object) -> list[dict]:
    dialect = RESPONSES_DIALECTS[dialect] if isinstance(dialect, str) else dialect
    return events_of(await _body(talk, dialect, turn, **members))


def _done(events: list[dict]) -> list[dict]:
    return [event["item"] for event in events if event["type"] == "response.output_item.done"]


@pytest.mark.parametrize("name", RESPONSES_DIALECTS)
async def test_each_server_says_the_same(talk, name):
    events = await _events(talk, name)

    text = "".join(event["delta"] for event in events if event["type"] == "response.output_text.delta")
    call = _done(events)[-1]
    thoughts = "".join(
        event["delta"]
        for event in events
        if event["type"] in ("response.reasoning_summary_text.delta", "response.reasoning_text.delta")
    )
    assert (text, thoughts) == ("I look.", "well now")
    assert (call["name"], call["arguments"]) == ("f", '{"a":1}')
    assert types_of(events)[-1] == "completed"


@pytest.mark.parametrize("name", RESPONSES_DIALECTS)
async def test_tool_loops_end_in_each(talk, name):
    async with talk(Scenario([TURN, Turn(Say("Done."))], responses_dialect=RESPONSES_DIALECTS[name])) as api:
        events = events_of((await api.raw(PATH, request()))[0])
        last = events[-1]["response"]
        calls = [item for item in (last["output"] or _done(events)) if item["type"] == "function_call"]
        outputs = [{"type": "function_call_output", "call_id": call["call_id"], "output": "1"} for call in calls]
        answer = await api.post(PATH, request(previous_response_id=last["id"], input=outputs))

    assert answer["output"][0]["content"][0]["text"] == "Done."


async def test_codex_lists_nothing_at_the_end(talk):
    events = await _events(talk, "codex")

    assert events[0]["type"] == "codex.rate_limits"
    assert "sequence_number" not in events[0]
    assert [event["sequence_number"] for event in events[1:]] == list(range(len(events) - 1))
    assert events[-1]["response"]["output"] == []


async def test_copilot_has_another_id_in_every_event(talk):
    events = await _events(talk, "copilot")

    ids = [event.get("item_id") or event.get("item", event.get("response"))["id"] for event in events]
    ids += [item["id"] for item in events[-1]["response"]["output"]]
    assert len(set(ids)) == len(events) + 3
    assert [event["output_index"] for event in events if event["type"] == "response.output_item.done"] == [0, 1, 2]


async def test_vllm_counts_its_parts_on_and_lists_other_ids(talk):
    events = await _events(talk, "vllm")

    listed = events[-1]["response"]["output"]
    assert {item["id"] for item in listed} & {item["id"] for item in _done(events)} == set()
    assert listed[2]["call_id"] != "call_a"
    assert {event["content_index"] for event in events if event["type"].startswith("response.reasoning_")} == {0}
    assert {event["content_index"] for event in events if event["type"].startswith("response.output_text")} == {1}
    assert types_of(events)[3] == "reasoning_part.added"
    assert listed[0]["content"] == [{"type": "reasoning_text", "text": "well now"}]


async def test_llama_cpp_has_neither_indexes_nor_numbers(talk):
    events = await _events(talk, "llama.cpp", Turn(Say("half"), Incomplete()))

    keys = {key for event in events for key in event}
    assert not keys & {"sequence_number", "output_index", "content_index", "summary_index"}
    assert set(events[0]["response"]) == set(events[1]["response"]) == {"id", "object", "status"}
    assert (events[-1]["type"], events[-1]["response"]["status"]) == ("response.completed", "completed")


async def test_openrouter_has_comments_and_temporary_ids(talk):
    body = await _body(talk, RESPONSES_DIALECTS["openrouter"])
    events = events_of(body)

    assert body.startswith(b": OPENROUTER PROCESSING\n\ndata: {")
    assert body.endswith(b": OPENROUTER PROCESSING\n\ndata: [DONE]\n\n")
    assert b"event:" not in body
    assert _done(events)[0]["id"].startswith("rs_tmp_")
    assert "_tmp_" not in json.dumps(events[-1]["response"])


async def test_litellm_streams_bare_summaries(talk):
    events = await _events(talk, "litellm")

    kinds = types_of(events)
    assert {event["model"] for event in events} == {"m"}
    assert [kind for kind in kinds if kind.startswith("reasoning")] == ["reasoning_summary_text.delta"] * 2
    assert not any("summary_index" in event for event in events)
    assert [item["type"] for item in _done(events)] == ["message", "function_call"]
    assert events[-1]["response"]["output"][0]["content"][0]["text"] == "well now"


async def test_databricks_names_no_item_as_it_announced_it(talk):
    events = await _events(talk, "databricks", Turn(Say("Hi")))

    announced = next(event["item"]["id"] for event in events if event["type"] == "response.output_item.added")
    named = {event["item_id"] for event in events if "item_id" in event}
    assert announced not in named
    assert len(named) == 2
    assert events[0]["response"]["id"] != events[-1]["response"]["id"]
    assert "in_progress" not in types_of(events)


async def test_hugging_face_announces_a_message_in_the_place_of_its_reasoning(talk):
    events = await _events(talk, "huggingface")

    announced = [event["output_index"] for event in events if event["type"] == "response.output_item.added"]
    assert announced == [0, 0, 2]
    assert [event["output_index"] for event in events if event["type"] == "response.output_item.done"] == [0, 1, 2]


async def test_ollama_loses_the_text_before_a_call(talk):
    turn = Turn(Say("I look."), CallFunction("f", {"a": 1}), Say("Done."))
    events = await _events(talk, "ollama", turn)

    assert [item["type"] for item in _done(events)] == ["function_call", "message"]
    assert [item["type"] for item in events[-1]["response"]["output"]] == ["function_call", "message"]
    announced = [event["output_index"] for event in events if event["type"] == "response.output_item.added"]
    assert announced == [0, 0, 1]
    deltas = [event["delta"] for event in events if event["type"] == "response.function_call_arguments.delta"]
    assert deltas == ['{"a":1}']
    assert [event["sequence_number"] for event in events] == list(range(len(events)))


async def test_ollama_keeps_text_that_no_call_follows(talk):
    events = await _events(talk, "ollama", Turn(Think("well"), Say("a b"), Refuse("no"), Say("c")))

    assert types_of(events)[-3:] == ["content_part.done", "output_item.done", "completed"]
    assert len(events[-1]["response"]["output"][1]["content"]) == 3
    assert not [kind for kind in types_of(events) if kind.startswith("reasoning_summary_part")]


async def test_lm_studio_sends_arguments_at_their_end_alone(talk):
    events = await _events(talk, "lmstudio")

    kinds = types_of(events)
    assert "function_call_arguments.delta" not in kinds
    assert next(event for event in events if event["type"].endswith("arguments.done"))["arguments"] == '{"a":1}'
    assert "reasoning_text.delta" in kinds


@pytest.mark.parametrize("name", ["openai", "azure"])
async def test_deltas_are_padded_unless_the_request_says_no(talk, name):
    padded = await _events(talk, name)
    plain = await _events(talk, name, stream_options={"include_obfuscation": False})

    assert all("obfuscation" in event for event in padded if "delta" in event)
    assert not any("obfuscation" in event for event in plain)


@pytest.mark.parametrize(
    ("form", "ends"),
    [
        ("nested_failed", ["error", "response.failed"]),
        ("failed_nested", ["response.failed", "error"]),
        ("nested", ["error"]),
        ("flat", ["error"]),
        ("failed", ["response.failed"]),
        ("object", [None]),
        ("silent", []),
    ],
)
async def test_errors(talk, form, ends):
    turn = Turn(Say("x"), ErrorEvent("boom", code="c", nested=True))
    events = await _events(talk, ResponsesDialect(failures=form), turn)

    assert [event.get("type") for event in events][-1 - len(ends) :] == ["response.output_text.delta", *ends]
    for event in events[len(events) - len(ends) :]:
        error = event["response"]["error"] if "response" in event else event.get("error", event)
        assert (error["message"], error["code"]) == ("boom", "c")


@pytest.mark.parametrize("numbers", ["absent", "constant"])
async def test_numbers(talk, numbers):
    events = await _events(talk, ResponsesDialect(numbers=numbers))

    assert {event.get("sequence_number") for event in events} == ({None} if numbers == "absent" else {1})


async def test_list_at_the_end_may_be_null(talk):
    events = await _events(talk, ResponsesDialect(listed="null"))

    assert events[-1]["response"]["output"] is None


@pytest.mark.parametrize("done", [True, False])
async def test_done_ends_what_ends_with_it_unless_the_scenario_says_no(talk, done):
    async with talk(Scenario([Turn(Say("x"))], done=done, responses_dialect=ResponsesDialect(done=True))) as api:
        came, _ = await api.raw(PATH, request())

    assert came.endswith(b"data: [DONE]\n\n") == done
