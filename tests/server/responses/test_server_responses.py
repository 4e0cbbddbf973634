"""Responses in the foreground: whole and streamed answers, each action of a turn, bad ends, and what is kept."""

import gzip
import json

import aiohttp
import pytest
from response_api import FUNCTION, PATH, events_of, request, streamed, types_of

from asyncstream.server import (
    CallCustom,
    CallFunction,
    CallMCP,
    Citation,
    Cut,
    DrawImage,
    EmitRaw,
    EndStep,
    ErrorEvent,
    Expire,
    Fail,
    Fault,
    FilePath,
    Incomplete,
    Pause,
    Refuse,
    RequestApproval,
    ResponsesDialect,
    RunCode,
    Say,
    Scenario,
    SearchFiles,
    SearchResult,
    SearchWeb,
    ShowImage,
    Think,
    Turn,
    UrlCitation,
)


async def _play(talk, *actions, **members):
    async with talk(Scenario([Turn(*actions)])) as api:
        return await streamed(api, **members)


def _done(events: list[dict]) -> list[dict]:
    return [event["item"] for event in events if event["type"] == "response.output_item.done"]


async def test_text_streams_as_at_openai(talk):
    events = await _play(talk, Say("Hello you"))

    assert types_of(events) == [
        "created",
        "in_progress",
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.delta",
        "output_text.done",
        "content_part.done",
        "output_item.done",
        "completed",
    ]
    assert [event["sequence_number"] for event in events] == list(range(10))
    message = {"type": "message", "status": "completed", "role": "assistant"}
    part = {"type": "output_text", "annotations": [], "logprobs": [], "text": "Hello you"}
    last = events[-1]["response"]
    assert last["output"] == [{"id": last["output"][0]["id"], **message, "content": [part]}]
    assert last["output"][0]["id"].startswith("msg_")
    assert (last["id"][:5], last["status"], events[0]["response"]["output"]) == ("resp_", "completed", [])
    assert last["usage"]["total_tokens"] == 4


async def test_whole_answer_is_the_last_event_of_its_stream(talk):
    turns = [Turn(Think("well"), Say("Hi"), RunCode("1", logs="1"))] * 2
    async with talk(Scenario(turns)) as api:
        whole = await api.post(PATH, request(instructions="Be kind", user="u", metadata={"a": "b"}))
        events = await streamed(api, instructions="Be kind", user="u", metadata={"a": "b"})

    streamed_answer = events[-1]["response"]
    for answer in (whole, streamed_answer):
        for thing in (answer, *answer["output"]):
            for key in ("id", "created_at", "completed_at", "container_id"):
                thing.pop(key, None)
    assert whole == streamed_answer
    assert (whole["instructions"], whole["user"], whole["metadata"]) == ("Be kind", "u", {"a": "b"})


async def test_every_event_has_its_name_in_its_frame(talk):
    async with talk(Scenario([Turn(Say("Hi"))])) as api:
        came, _ = await api.raw(PATH, request())

    for frame in came.decode().strip().split("\n\n"):
        name, data = frame.split("\n")
        assert name.removeprefix("event: ") == json.loads(data.removeprefix("data: "))["type"]


async def test_content_in_a_row_is_parts_of_one_message(talk):
    events = await _play(talk, Say("see"), Refuse("no no"), EndStep(), Say("next"))

    first, second = events[-1]["response"]["output"]
    assert [part["type"] for part in first["content"]] == ["output_text", "refusal"]
    assert first["content"][1] == {"type": "refusal", "refusal": "no no"}
    assert second["content"][0]["text"] == "next"
    deltas = [event for event in events if event["type"].endswith(".delta")]
    places = [(event["output_index"], event["content_index"]) for event in deltas]
    assert places == [(0, 0), (0, 1), (0, 1), (1, 0)]


async def test_annotations_come_behind_the_piece_that_completes_their_marker(talk):
    say = Say(
        pieces=["Cake", "[", "1]", " yes"],
        citations=[Citation("[1]", "file-1"), FilePath("[f]", "file-2"), UrlCitation("[u]", "http://x", "X")],
    )
    events = await _play(talk, say)

    kinds = types_of(events)
    assert kinds[kinds.index("output_text.annotation.added") - 1] == "output_text.delta"
    told = [event["annotation"] for event in events if event["type"] == "response.output_text.annotation.added"]
    assert told == [
        {"type": "file_citation", "file_id": "file-1", "filename": "file-1", "index": 4},
        {"type": "file_path", "file_id": "file-2", "index": 11},
        {"type": "url_citation", "url": "http://x", "title": "X", "start_index": 14, "end_index": 17},
    ]
    assert events[-1]["response"]["output"][0]["content"][0]["annotations"] == told


async def test_reasoning_is_parts_of_a_summary(talk):
    events = await _play(talk, Think("one two"), Think("three"), Say("so"), include=["reasoning.encrypted_content"])

    reasoning, _ = _done(events)
    assert [part["text"] for part in reasoning["summary"]] == ["one two", "three"]
    assert reasoning["encrypted_content"]
    assert events[-1]["response"]["usage"]["output_tokens_details"]["reasoning_tokens"] == 3
    assert [event["summary_index"] for event in events if event["type"].endswith("summary_text.delta")] == [0, 0, 1]


async def test_calls_are_items_one_after_the_other(talk):
    calls = [CallFunction("f", {"a": 1}, id="call_a"), CallCustom("g", "some text", id="call_b")]
    events = await _play(talk, *calls)

    function, custom = _done(events)
    assert (function["type"], function["call_id"], function["arguments"]) == ("function_call", "call_a", '{"a":1}')
    assert (custom["type"], custom["call_id"], custom["input"]) == ("custom_tool_call", "call_b", "some text")
    assert (function["id"][:3], custom["id"][:4]) == ("fc_", "ctc_")
    joined = {}
    for event in events:
        if event["type"].endswith(".delta"):
            joined[event["item_id"]] = joined.get(event["item_id"], "") + event["delta"]
    assert joined == {function["id"]: '{"a":1}', custom["id"]: "some text"}
    assert [event["item"]["status"] for event in events if event["type"] == "response.output_item.added"] == [
        "in_progress",
        "in_progress",
    ]


@pytest.mark.parametrize(
    ("action", "states", "item", "included"),
    [
        (
            RunCode("1", logs="1\n", image="i"),
            ["in_progress", "interpreting", "completed"],
            {"type": "code_interpreter_call", "code": "1", "outputs": None},
            {
                "outputs": [
                    {"type": "logs", "logs": "1\n"},
                    {"type": "image", "url": "https://files.example/i"},
                ]
            },
        ),
        (
            SearchFiles([SearchResult("file-1", "a.txt", 0.5, "the text")]),
            ["in_progress", "searching", "completed"],
            {"type": "file_search_call", "queries": ["Hello there"], "results": None},
            {
                "results": [
                    {"file_id": "file-1", "filename": "a.txt", "score": 0.5, "attributes": {}, "text": "the text"}
                ]
            },
        ),
        (
            SearchWeb("cake", ["http://x"]),
            ["in_progress", "searching", "completed"],
            {"type": "web_search_call", "action": {"type": "search", "query": "cake", "queries": ["cake"]}},
            {
                "action": {
                    "type": "search",
                    "query": "cake",
                    "queries": ["cake"],
                    "sources": [{"type": "url", "url": "http://x"}],
                }
            },
        ),
        (
            DrawImage("UE5H", ["UA==", "UE4="], revised_prompt="a cake"),
            ["in_progress", "generating", "completed"],
            {"type": "image_generation_call", "result": "UE5H", "revised_prompt": "a cake"},
            {},
        ),
        (
            CallMCP("roll", {"dice": 2}, server_label="dnd", output="6"),
            ["in_progress", "completed"],
            {"type": "mcp_call", "arguments": '{"dice":2}', "output": "6", "server_label": "dnd", "error": None},
            {},
        ),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, list | dict) else "",
)
async def test_hosted_tools_go_through_their_states(talk, action, states, item, included):
    include = ["code_interpreter_call.outputs", "file_search_call.results", "web_search_call.action.sources"]
    events = await _play(talk, action)
    with_more = await _play(talk, action, include=include)

    [done] = _done(events)
    assert {key: done[key] for key in item} == item
    assert done["status"] == "completed"
    named = [
        event["type"].rpartition(".")[2] for event in events if event["type"].startswith(f"response.{done['type']}.")
    ]
    assert [word for word in named if word != "partial_image"] == states
    [more] = _done(with_more)
    assert {key: more[key] for key in included} == included


async def test_pictures_come_on_the_way(talk):
    events = await _play(talk, DrawImage("UE5H", ["UA==", "UE4="]))

    partial = [event for event in events if event["type"].endswith("partial_image")]
    assert [(event["partial_image_index"], event["partial_image_b64"]) for event in partial] == [
        (0, "UA=="),
        (1, "UE4="),
    ]


async def test_failing_mcp_call_says_why(talk):
    events = await _play(talk, CallMCP("roll", error="no dice"))

    [done] = _done(events)
    assert (done["status"], done["output"]) == ("failed", None)
    assert done["error"]["content"][0]["text"] == "no dice"
    assert "mcp_call.failed" in types_of(events)


async def test_mcp_tools_are_listed_once_and_calls_wait_for_their_approval(talk):
    tool = {"type": "mcp", "server_label": "dnd", "server_url": "http://x", "require_approval": "always"}
    turns = [
        Turn(RequestApproval("roll", {"dice": 2}, server_label="dnd", output="6")),
        Turn(Say("You rolled 6.")),
        Turn(RequestApproval("roll", server_label="dnd", output="1")),
        Turn(Say("As you like.")),
    ]

    def answer(response: dict, approve: bool) -> dict:
        asked = response["output"][-1]["id"]
        item = {"type": "mcp_approval_response", "approval_request_id": asked, "approve": approve}
        return {"previous_response_id": response["id"], "input": [item]}

    async with talk(Scenario(turns)) as api:
        first = await api.post(PATH, request(tools=[tool]))
        second = await api.post(PATH, request(tools=[tool], **answer(first, True)))
        third = await api.post(PATH, request(tools=[tool]))
        fourth = await api.post(PATH, request(tools=[tool], **answer(third, False)))
        unknown = {"type": "mcp_approval_response", "approval_request_id": "mcpr_none", "approve": True}
        error = await api.refused(400, "POST", PATH, request(input=[unknown]))

    assert [item["type"] for item in first["output"]] == ["mcp_list_tools", "mcp_approval_request"]
    assert [one["name"] for one in first["output"][0]["tools"]] == ["roll"]
    assert [item["type"] for item in second["output"]] == ["mcp_call", "message"]
    call = second["output"][0]
    assert (call["output"], call["approval_request_id"]) == ("6", first["output"][1]["id"])
    assert [item["type"] for item in fourth["output"]] == ["message"]
    assert "mcpr_none" in error["message"]


@pytest.mark.parametrize(
    ("reason", "said"),
    [("max_completion_tokens", "max_output_tokens"), ("content_filter", "content_filter")],
)
async def test_incomplete_closes_what_is_open_as_incomplete(talk, reason, said):
    events = await _play(talk, Say("half"), Incomplete(reason), Say("never"))

    assert types_of(events)[-3:] == ["content_part.done", "output_item.done", "incomplete"]
    last = events[-1]["response"]
    assert (last["status"], last["incomplete_details"]) == ("incomplete", {"reason": said})
    assert last["output"][0]["status"] == "incomplete"


async def test_failed_ends_without_closing_what_is_open(talk):
    async with talk(Scenario([Turn(Say("half"), Fail("rate_limit_exceeded", "slow down"))] * 2)) as api:
        events = await streamed(api)
        whole = await api.post(PATH, request())
        kept = await api.get(f"{PATH}/{whole['id']}")

    assert types_of(events)[-2:] == ["output_text.delta", "failed"]
    for last in (events[-1]["response"], whole, kept):
        assert (last["status"], last["error"]) == (
            "failed",
            {"code": "rate_limit_exceeded", "message": "slow down"},
        )
        assert last["output"][0]["content"][0]["text"] == "half"


@pytest.mark.parametrize("nested", [False, True])
async def test_error_event_ends_the_stream(talk, nested):
    turn = Turn(Say("x"), ErrorEvent("boom", code="c", nested=nested), Say("never"))
    async with talk(Scenario([turn] * 2)) as api:
        events = await streamed(api)
        error = await api.refused(500, "POST", PATH, request())
        kept = await api.get(f"{PATH}/{events[0]['response']['id']}")

    last = events[-1]
    said = last["error"] if nested else last
    assert (last["type"], said["message"], said["code"], said["param"]) == ("error", "boom", "c", None)
    assert last["sequence_number"] == len(events) - 1
    assert (error["message"], error["code"]) == ("boom", "c")
    assert (kept["status"], kept["error"]["message"]) == ("failed", "boom")


@pytest.mark.parametrize("how", ["fin", "rst", "eof"])
async def test_cut_behind_an_event(talk, how):
    cut = Cut(after_event="response.output_text.delta", count=2, how=how)
    async with talk(Scenario([Turn(cut, Say("a b c d"))])) as api:
        came, error = await api.raw(PATH, request())
        [event] = [event for event in events_of(came) if event["type"] == "response.created"]
        await api.refused(404, "GET", f"{PATH}/{event['response']['id']}")

    assert types_of(events_of(came))[-2:] == ["output_text.delta", "output_text.delta"]
    assert (error is None) == (how == "eof")


async def test_cuts_of_the_scenario_count_from_the_beginning_of_each_stream(talk):
    cuts = [Cut(after_bytes=10), None, Cut(after_event="response.created")]
    async with talk(Scenario([Turn(Say("a"))] * 3, cuts=cuts)) as api:
        bodies = [await api.raw(PATH, request()) for _ in cuts]

    assert bodies[0][0] == b"event: res"
    assert bodies[1][1] is None
    assert types_of(events_of(bodies[2][0])) == ["created"]


async def test_cuts_of_the_scenario_are_for_all_protocols(talk):
    async with talk(Scenario([Turn(Say("a"))], cuts=[Cut(after_bytes=4)])) as api:
        body = {"model": "m", "messages": [{"role": "user", "content": "x"}]}
        came, error = await api.raw("/chat/completions", body)

    assert came == b"data"
    assert isinstance(error, aiohttp.ClientError)


async def test_raw_bytes_and_pauses_stand_between_the_events(talk):
    turn = Turn(Say("x"), EmitRaw(b": ping\n\n"), Pause(0.01), Say("y"))
    async with talk(Scenario([turn])) as api:
        came, _ = await api.raw(PATH, request())

    assert came.count(b"\n\n: ping\n\nevent: response.output_text.done") == 1


@pytest.mark.parametrize("action", [ShowImage("file-1"), Expire()])
async def test_what_a_response_does_not_know_is_refused_aloud(talk, action):
    async with talk(Scenario([Turn(action)])) as api:
        error = await api.refused(500, "POST", PATH, request())

    assert f"a response knows no {type(action).__name__}" in error["message"]


@pytest.mark.parametrize("action", [DrawImage("UE5H"), CallMCP("f")])
async def test_what_only_responses_know_is_refused_elsewhere(talk, action):
    async with talk(Scenario([Turn(action)] * 2)) as api:
        body = {"model": "m", "messages": [{"role": "user", "content": "x"}]}
        error = await api.refused(500, "POST", "/chat/completions", body)
        runs, assistant = await api.start()
        run = await api.post(runs, {"assistant_id": assistant})
        run = await api.until_over(f"{runs}/{run['id']}")

    assert type(action).__name__ in error["message"]
    assert type(action).__name__ in run["last_error"]["message"]


async def test_one_scenario_plays_over_all_protocols(talk):
    turn = Turn(SearchWeb("cake"), Think("hm"), Say("I look."), CallFunction("get_weather", {"city": "Rome"}))
    async with talk(Scenario([turn] * 3)) as api:
        response = await api.post(PATH, request())
        completion = await api.post(
            "/chat/completions", {"model": "m", "messages": [{"role": "user", "content": "Hello there"}]}
        )
        runs, assistant = await api.start()
        events = await api.stream(runs, {"assistant_id": assistant})

    message = completion["choices"][0]["message"]
    assert [item["type"] for item in response["output"]] == ["web_search_call", "reasoning", "message", "function_call"]
    assert (message["content"], len(message["tool_calls"])) == ("I look.", 1)
    assert [name for name, _ in events][-2:] == ["thread.run.requires_action", "done"]


async def test_requests_fail_as_scripted_before_anything_is_said(talk):
    packed = gzip.compress(b'data: {"type":"response.done"}\n\n')
    faults = [
        Fault(429, {"Retry-After": "1"}, path="*/responses"),
        Fault(200, {"Content-Type": "text/event-stream", "Content-Encoding": "gzip"}, packed, path="*/responses"),
        Fault(drop="rst", path="*/responses/*/cancel"),
    ]
    async with talk(Scenario([Turn(Say("Hi"))], responses=faults)) as api:
        error = await api.refused(429, "POST", PATH, request())
        came, _ = await api.raw(PATH, request())
        made = await api.post(PATH, request(background=True))
        with pytest.raises(aiohttp.ClientError):
            await api.post(f"{PATH}/{made['id']}/cancel")

    assert error["type"] == "rate_limit_error"
    assert events_of(came) == [{"type": "response.done"}]
    assert made["status"] == "queued"


# What is kept.


async def test_response_lives_from_create_to_delete(talk):
    async with talk(Scenario([Turn(Say("Hi"))])) as api:
        made = await api.post(PATH, request())
        got = await api.get(f"{PATH}/{made['id']}")
        status, gone = await api.ask("DELETE", f"{PATH}/{made['id']}")
        error = await api.refused(404, "GET", f"{PATH}/{made['id']}")

    assert got == made
    assert (status, gone) == (200, {"id": made["id"], "object": "response.deleted", "deleted": True})
    assert error["message"] == f"Response with id '{made['id']}' not found."


async def test_what_was_not_included_can_be_asked_for_later(talk):
    turn = Turn(RunCode("1", logs="1"), SearchWeb("cake", ["http://x"]), Say("Hi"))
    async with talk(Scenario([turn])) as api:
        made = await api.post(PATH, request())
        path = f"{PATH}/{made['id']}"
        logs = await api.get(path, **{"include[]": "code_interpreter_call.outputs"})
        sources = await api.get(path, include="web_search_call.action.sources")
        plain = await api.get(path)

    assert plain == made
    assert [item.get("outputs") for item in logs["output"]] == [[{"type": "logs", "logs": "1"}], None, None]
    assert sources["output"][1]["action"]["sources"] == [{"type": "url", "url": "http://x"}]
    assert sources["output"][0]["outputs"] is None


async def test_what_is_not_to_be_stored_is_not(talk):
    async with talk(Scenario([Turn(Say("Hi"))] * 2)) as api:
        made = await api.post(PATH, request(store=False))
        await api.refused(404, "GET", f"{PATH}/{made['id']}")
        error = await api.refused(400, "POST", PATH, request(previous_response_id=made["id"]))

    assert made["store"] is False
    assert (error["code"], error["param"]) == ("previous_response_not_found", "previous_response_id")


async def test_tool_loop_goes_on_from_the_response_before(talk):
    seen = []

    def answer(segment):
        seen.append(segment)
        return Turn(Say("Sunny."))

    async with talk(
        Scenario([Turn(CallFunction("f", {"a": 1}, id="c"), CallCustom("g", "x", id="d"))], answer=answer)
    ) as api:
        first = await api.post(PATH, request())
        outputs = [
            {"type": "function_call_output", "call_id": "c", "output": "21"},
            {"type": "custom_tool_call_output", "call_id": "d", "output": [{"type": "input_text", "text": "22"}]},
        ]
        second = await api.post(PATH, request(previous_response_id=first["id"], input=outputs))
        again = await api.post(PATH, request(input=[{"role": "user", "content": "Q"}, *first["output"], *outputs]))
        lacking = await api.refused(400, "POST", PATH, request(previous_response_id=first["id"], input=outputs[:1]))
        foreign = await api.refused(400, "POST", PATH, request(input=outputs[:1]))

    assert [segment.question for segment in seen] == ["Hello there", "Q"]
    for segment in seen:
        assert [(one.name, one.arguments, one.output) for one in segment.results] == [
            ("f", '{"a":1}', "21"),
            ("g", "x", "22"),
        ]
    assert second["previous_response_id"] == first["id"]
    assert again["output"][0]["content"][0]["text"] == "Sunny."
    assert "custom tool call d" in lacking["message"]
    assert "call_id c" in foreign["message"]


async def test_unscripted_model_calls_and_answers(talk):
    form = {
        "type": "json_schema",
        "name": "n",
        "schema": {"type": "object", "properties": {"city": {"type": "string"}}},
    }
    async with talk() as api:
        called = await api.post(PATH, request(input="Weather in Rome?", tools=[FUNCTION]))
        [call] = called["output"]
        output = {"type": "function_call_output", "call_id": call["call_id"], "output": "21 degrees"}
        answered = await api.post(PATH, request(previous_response_id=called["id"], input=[output], tools=[FUNCTION]))
        shaped = await api.post(PATH, request(input="Weather in Rome?", text={"format": form}))
        chosen = await api.post(
            PATH, request(tools=[{"type": "custom", "name": "g"}], tool_choice={"type": "custom", "name": "g"})
        )
        limited = await api.post(PATH, request(input="word " * 30, max_output_tokens=16))

    assert (call["name"], json.loads(call["arguments"])) == ("get_weather", {"city": "Rome"})
    assert "21 degrees" in answered["output"][0]["content"][0]["text"]
    assert json.loads(shaped["output"][0]["content"][0]["text"]) == {"city": "Rome"}
    assert chosen["output"][0]["type"] == "custom_tool_call"
    assert limited["incomplete_details"] == {"reason": "max_output_tokens"}


async def test_deltas_are_padded_if_that_is_asked_for(talk):
    async with talk(Scenario([Turn(Say("a b"))] * 3)) as api:
        plain = await streamed(api)
        padded = await streamed(api, stream_options={"include_obfuscation": True})

    assert all("obfuscation" not in event for event in plain)
    assert [("obfuscation" in event) for event in padded] == [event["type"].endswith(".delta") for event in padded]


async def test_log_probabilities_come_with_the_pieces(talk):
    events = await _play(talk, Say("a b"), include=["message.output_text.logprobs"], top_logprobs=1)

    deltas = [event["logprobs"][0] for event in events if event["type"].endswith(".delta")]
    assert [(one["token"], one["bytes"], len(one["top_logprobs"])) for one in deltas] == [
        ("a", [97], 1),
        (" b", [32, 98], 1),
    ]
    assert events[-1]["response"]["output"][0]["content"][0]["logprobs"] == deltas


async def test_requests_are_on_the_scenario(talk):
    async with talk(Scenario([Turn(Say("Hi"))], responses_dialect=ResponsesDialect())) as api:
        await api.post(PATH, request(user="u"))

    [seen] = api.scenario.requests
    assert (seen.method, seen.path, seen.body["user"]) == ("POST", "/v1/responses", "u")
