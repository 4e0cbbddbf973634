"""Chat completions of the embedded server, streamed and whole: what each action looks like on the wire."""

import asyncio
import json

import aiohttp
import pytest
from chat_api import CHUNK_KEYS, HELLO, PATH, deltas, finishes, payloads, request, text, tool

from asyncstream.server import (
    CallCustom,
    CallFunction,
    Citation,
    Cut,
    EmitRaw,
    ErrorEvent,
    Fail,
    Incomplete,
    Pause,
    Refuse,
    RunCode,
    Say,
    Scenario,
    Think,
    Turn,
    UrlCitation,
    serve,
)


async def _chunks(api, **members) -> list[dict]:
    came, error = await api.raw(PATH, request(**members))
    assert error is None
    return payloads(came)


async def test_text_streams_in_words_between_role_and_finish(talk):
    async with talk(Scenario([Turn(Say("Good day to you."))])) as api:
        chunks = await _chunks(api)

    assert deltas(chunks) == [
        {"role": "assistant", "content": "", "refusal": None},
        {"content": "Good"},
        {"content": " day"},
        {"content": " to"},
        {"content": " you."},
        {},
    ]
    assert finishes(chunks) == [(0, "stop")]
    assert {frozenset(chunk) for chunk in chunks} == {frozenset(CHUNK_KEYS)}
    assert {frozenset(chunk["choices"][0]) for chunk in chunks} == {
        frozenset({"index", "delta", "logprobs", "finish_reason"})
    }
    assert len({(chunk["id"], chunk["created"], chunk["model"]) for chunk in chunks}) == 1
    assert chunks[0]["id"].startswith("chatcmpl-")


async def test_whole_answer_says_the_same(talk):
    turn = Turn(Think("hm"), Say("Yes."), CallFunction("f", {"a": 1}, id="call_1"))
    async with talk(Scenario([turn, turn])) as api:
        whole = await api.post(PATH, request())
        chunks = await _chunks(api, stream_options={"include_usage": True})

    [choice] = whole["choices"]
    assert choice == {
        "index": 0,
        "message": {
            "role": "assistant",
            "content": "Yes.",
            "refusal": None,
            "annotations": [],
            "reasoning_content": "hm",
            "tool_calls": [{"id": "call_1", "type": "function", "function": {"name": "f", "arguments": '{"a":1}'}}],
        },
        "logprobs": None,
        "finish_reason": "tool_calls",
    }
    assert (whole["object"], whole["model"]) == ("chat.completion", "m")
    assert whole["usage"] == chunks[-1]["usage"]


async def test_calls_in_a_row_come_names_first_then_arguments_by_turns(talk):
    calls = [
        CallFunction("get_current_weather", pieces=['{"city":', '"Lisbon"}'], id="call_1"),
        CallFunction("get_current_weather", pieces=['{"city":', '"Os', 'lo"}'], id="call_2"),
    ]
    async with talk(Scenario([Turn(*calls)])) as api:
        chunks = await _chunks(api, tools=[tool("get_current_weather")])

    opened = {"type": "function", "function": {"name": "get_current_weather", "arguments": ""}}
    entries = [entry for delta in deltas(chunks) for entry in delta.get("tool_calls", ())]
    assert entries == [
        {"index": 0, "id": "call_1", **opened},
        {"index": 1, "id": "call_2", **opened},
        {"index": 0, "function": {"arguments": '{"city":'}},
        {"index": 1, "function": {"arguments": '{"city":'}},
        {"index": 0, "function": {"arguments": '"Lisbon"}'}},
        {"index": 1, "function": {"arguments": '"Os'}},
        {"index": 1, "function": {"arguments": 'lo"}'}},
    ]
    assert deltas(chunks)[0] == {"role": "assistant", "content": None, "refusal": None}
    assert finishes(chunks) == [(0, "tool_calls")]


async def test_something_between_calls_puts_them_one_after_the_other(talk):
    turn = Turn(CallFunction("f", pieces=["{", "}"]), Pause(0), CallFunction("g", pieces=["{", "}"]))
    async with talk(Scenario([turn])) as api:
        chunks = await _chunks(api)

    entries = [entry for delta in deltas(chunks) for entry in delta.get("tool_calls", ())]
    assert [entry["index"] for entry in entries] == [0, 0, 0, 1, 1, 1]


async def test_custom_tool_gets_its_input(talk):
    tools = [{"type": "custom", "custom": {"name": "shell"}}]
    async with talk(Scenario([Turn(CallCustom("shell", "ls -l", id="call_1"))])) as api:
        chunks = await _chunks(api, tools=tools)
        whole = await api.post(PATH, request(tools=tools))

    entries = [entry for delta in deltas(chunks) for entry in delta.get("tool_calls", ())]
    assert entries == [
        {"index": 0, "id": "call_1", "type": "custom", "custom": {"name": "shell", "input": ""}},
        {"index": 0, "custom": {"input": "ls"}},
        {"index": 0, "custom": {"input": " -l"}},
    ]
    # Without a script, the tool gets the question.
    [call] = whole["choices"][0]["message"]["tool_calls"]
    assert call["custom"] == {"name": "shell", "input": "Hello there"}


async def test_older_form_gets_one_function_call(talk):
    functions = [{"name": "f", "parameters": {"type": "object", "properties": {}}}]
    turn = Turn(CallFunction("f", pieces=["{", "}"]), CallFunction("g"))
    async with talk(Scenario([turn])) as api:
        chunks = await _chunks(api, functions=functions)
        whole = await api.post(PATH, request(functions=functions))
        answered = [
            *HELLO,
            {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "{}"}},
            {"role": "function", "name": "f", "content": "42"},
        ]
        after = await api.post(PATH, request(functions=functions, messages=answered))

    assert deltas(chunks)[1:] == [
        {"function_call": {"name": "f", "arguments": ""}},
        {"function_call": {"arguments": "{"}},
        {"function_call": {"arguments": "}"}},
        {},
    ]
    assert finishes(chunks) == [(0, "function_call")]
    assert whole["choices"][0]["message"]["function_call"] == {"name": "f", "arguments": "{}"}
    assert "f returned 42" in after["choices"][0]["message"]["content"]


async def test_refusal_and_reasoning_have_their_own_keys(talk):
    async with talk(Scenario([Turn(Think("Is it wise?"), Refuse("I will not."))])) as api:
        chunks = await _chunks(api)

    assert text(chunks, key="reasoning_content") == "Is it wise?"
    assert text(chunks, key="refusal") == "I will not."
    assert text(chunks) == ""
    assert finishes(chunks) == [(0, "stop")]


@pytest.mark.parametrize(
    ("reason", "expected"),
    [("max_completion_tokens", "length"), ("content_filter", "content_filter"), ("odd", "odd")],
)
async def test_incomplete_answer_names_its_reason(talk, reason, expected):
    async with talk(Scenario([Turn(Say("Half an"), Incomplete(reason), Say("never"))])) as api:
        chunks = await _chunks(api)

    assert text(chunks) == "Half an"
    assert finishes(chunks) == [(0, expected)]


async def test_url_citations_come_with_the_piece_that_completes_their_marker(talk):
    say = Say(pieces=["See ", "[", "1]", "."], citations=[UrlCitation("[1]", "https://a", "A")])
    async with talk(Scenario([Turn(say)] * 2)) as api:
        chunks = await _chunks(api)
        whole = await api.post(PATH, request())

    cited = {"start_index": 4, "end_index": 7, "url": "https://a", "title": "A"}
    expected = [{"type": "url_citation", "url_citation": cited}]
    assert [delta.get("annotations") for delta in deltas(chunks)] == [None, None, None, expected, None, None]
    assert whole["choices"][0]["message"]["annotations"] == expected


async def test_choices_stream_by_turns_and_each_has_a_turn(talk):
    turns = [Turn(Say("a b c")), Turn(Refuse("no")), Turn(CallFunction("f"))]
    async with talk(Scenario([*turns, *turns])) as api:
        chunks = await _chunks(api, n=3)
        whole = await api.post(PATH, request(n=3))

    assert [chunk["choices"][0]["index"] for chunk in chunks] == [0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 0]
    assert (text(chunks, 0), text(chunks, 1, "refusal")) == ("a b c", "no")
    assert sorted(finishes(chunks)) == [(0, "stop"), (1, "stop"), (2, "tool_calls")]
    assert [choice["finish_reason"] for choice in whole["choices"]] == ["stop", "stop", "tool_calls"]


async def test_usage_comes_in_a_last_chunk_if_it_is_asked_for(talk):
    turns = [Turn(Think("hm so"), Say("a b"), CallFunction("f", pieces=["{}"]))] * 2
    async with talk(Scenario(turns)) as api:
        without = await _chunks(api)
        chunks = await _chunks(api, stream_options={"include_usage": True})

    assert all("usage" not in chunk for chunk in without)
    assert [chunk["usage"] for chunk in chunks[:-1]] == [None] * (len(chunks) - 1)
    assert chunks[-1]["choices"] == []
    usage = chunks[-1]["usage"]
    assert (usage["prompt_tokens"], usage["completion_tokens"], usage["total_tokens"]) == (2, 6, 8)
    assert usage["completion_tokens_details"]["reasoning_tokens"] == 2


async def test_logprobs_and_obfuscation_come_if_they_are_asked_for(talk):
    async with talk(Scenario([Turn(Say("é"))])) as api:
        options = {"include_obfuscation": True}
        chunks = await _chunks(api, logprobs=True, top_logprobs=1, stream_options=options)
        whole = await api.post(PATH, request(logprobs=True))

    [_, said, _] = [chunk["choices"][0]["logprobs"] for chunk in chunks]
    plain = {"token": "é", "logprob": 0.0, "bytes": [195, 169]}
    assert said == {"content": [{**plain, "top_logprobs": [plain]}], "refusal": None}
    assert all(chunk["obfuscation"] for chunk in chunks)
    tokens = [entry["token"] for entry in whole["choices"][0]["logprobs"]["content"]]
    assert "".join(tokens) == whole["choices"][0]["message"]["content"]


# Failures.


async def test_failure_before_anything_is_said_is_a_500(talk):
    turns = [Turn(Pause(0), Fail("overloaded", "Too much.")), Turn(Fail()), Turn(ErrorEvent("m", code=7))]
    async with talk(Scenario(turns)) as api:
        streamed = await api.refused(500, "POST", PATH, request(stream=True))
        whole = await api.refused(500, "POST", PATH, request())
        event = await api.refused(500, "POST", PATH, request())

    assert streamed == {"message": "Too much.", "type": "server_error", "param": None, "code": "overloaded"}
    assert whole["type"] == "server_error"
    assert event["code"] == "7"


async def test_failure_inside_ends_the_stream_without_done(talk):
    turns = [Turn(Say("Half"), Fail("c", "Gone.")), Turn(Say("Half"), Fail("c", "Gone.")), Turn(ErrorEvent("m"))]
    async with talk(Scenario(turns)) as api:
        came, error = await api.raw(PATH, request())
        whole = await api.refused(500, "POST", PATH, request())
        first, _ = await api.raw(PATH, request())

    assert error is None
    *_, last, rest = came.decode().split("\n\n")
    assert json.loads(last.removeprefix("data: ")) == {
        "error": {"message": "Gone.", "type": "server_error", "param": None, "code": "c"}
    }
    assert rest == ""
    assert whole["message"] == "Gone."
    assert b'"message":"m"' in first


async def test_failure_of_one_choice_ends_all(talk):
    turns = [Turn(Say("a b c")), Turn(Say("x"), Fail())]
    async with talk(Scenario(turns)) as api:
        came, _ = await api.raw(PATH, request(n=2))

    frames = came.decode().strip().split("\n\n")
    assert [frame[:15] for frame in frames].count('data: {"error":') == 1
    assert "[DONE]" not in came.decode()


@pytest.mark.parametrize(
    ("turn", "words"),
    [(Turn(RunCode("1")), "RunCode"), (Turn(Say("x [1]", citations=[Citation("[1]", "f")])), "Citation")],
)
async def test_actions_that_chat_does_not_know_fail_loudly(talk, turn, words):
    async with talk(Scenario([turn])) as api:
        error = await api.refused(500, "POST", PATH, request(stream=True))

    assert f"a chat answer knows no {words}" in error["message"]


async def test_custom_call_fails_a_run_and_thoughts_do_not(talk):
    async with talk(Scenario([Turn(Think("hm"), Say("a")), Turn(CallCustom("c"))])) as api:
        runs, assistant = await api.start()
        completed = await api.until_over(f"{runs}/{(await api.post(runs, {'assistant_id': assistant}))['id']}")
        failed = await api.until_over(f"{runs}/{(await api.post(runs, {'assistant_id': assistant}))['id']}")

    assert completed["status"] == "completed"
    assert "CallCustom is for chat" in failed["last_error"]["message"]


@pytest.mark.parametrize("how", ["fin", "rst", "eof"])
async def test_cut_ends_the_stream_where_it_stands(talk, how):
    async with talk(Scenario([Turn(Say("One two three"), Cut(how=how), Say(" four"))])) as api:
        came, error = await api.raw(PATH, request())

    assert (error is None) == (how == "eof")
    assert b"three" in came
    assert b"four" not in came
    assert b"[DONE]" not in came


@pytest.mark.parametrize(
    ("cut", "last"),
    [
        (Cut(after_event="chat.completion.chunk", count=2), b'"content":"One"'),
        (Cut(after_event="finish"), b'"finish_reason":"stop"'),
        (Cut(after_event="done"), b"[DONE]"),
    ],
)
async def test_cut_can_wait_for_a_frame(talk, cut, last):
    async with talk(Scenario([Turn(cut, Say("One two"))])) as api:
        came, error = await api.raw(PATH, request())

    assert error is not None
    assert last in came.split(b"\n\n")[-2]


async def test_cut_can_fall_into_a_frame(talk):
    async with talk(Scenario([Turn(Cut(after_bytes=100), Say("One two"))])) as api:
        came, _ = await api.raw(PATH, request())

    # The chunk with the role was sent before the cut was armed.
    assert len(came.split(b"\n\n", 1)[1]) == 100


async def test_raw_bytes_and_pauses_stand_where_they_are_scripted(talk):
    turn = Turn(Say("a"), EmitRaw(b": here\n\n"), Pause(0), Say("b"))
    async with talk(Scenario([turn, turn], done=False)) as api:
        came, _ = await api.raw(PATH, request())
        whole = await api.post(PATH, request())

    frames = came.decode().split("\n\n")
    assert frames[2] == ": here"
    assert "[DONE]" not in came.decode()
    assert whole["choices"][0]["message"]["content"] == "ab"


async def test_reader_that_leaves_ends_the_answer_and_its_task():
    before = asyncio.all_tasks()
    scenario = Scenario([Turn(Say("One"), Pause(60), Say("two"))])
    async with serve(scenario) as base_url:
        async with aiohttp.ClientSession(headers={"Authorization": "Bearer any"}) as session:
            body = request(stream=True, store=True)
            response = await session.post(f"{base_url}{PATH}", json=body)
            assert await response.content.readany()
            response.close()
            while True:
                if not any("fill" in repr(task) for task in asyncio.all_tasks() - before):
                    break
                await asyncio.sleep(0)
            async with session.get(f"{base_url}{PATH}") as listed:
                assert (await listed.json())["data"] == []


async def test_serve_ends_while_an_answer_streams():
    scenario = Scenario([Turn(Say("One"), Pause(60))])
    before = asyncio.all_tasks()
    async with aiohttp.ClientSession(headers={"Authorization": "Bearer any"}) as session:
        async with serve(scenario) as base_url:
            stream = await session.post(f"{base_url}{PATH}", json=request(stream=True))
            assert await stream.content.readany()
        with pytest.raises(aiohttp.ClientError):
            await stream.content.read()
        stream.close()
    assert [task for task in asyncio.all_tasks() - before if not task.done()] == []


# Without a script.


async def test_unscripted_answer_quotes_the_question(talk):
    parts = [{"type": "text", "text": "Hello"}, {"type": "image_url", "image_url": {"url": "data:,"}}]
    async with talk() as api:
        chunks = await _chunks(api)
        whole = await api.post(PATH, request(messages=[{"role": "user", "content": parts}]))

    assert text(chunks) == 'You asked: "Hello there". This is the embedded server\'s answer.'
    assert whole["choices"][0]["message"]["content"].startswith('You asked: "Hello".')


async def test_unscripted_answer_calls_a_function_until_it_is_answered(talk):
    tools = [tool("get_weather", city={"type": "string"})]
    messages = [{"role": "user", "content": "Will it rain in Oslo?"}]
    async with talk() as api:
        first = await api.post(PATH, request(messages=messages, tools=tools))
        message = first["choices"][0]["message"]
        [call] = message["tool_calls"]
        messages += [message, {"role": "tool", "tool_call_id": call["id"], "content": "no"}]
        second = await api.post(PATH, request(messages=messages, tools=tools))
        messages += [second["choices"][0]["message"], {"role": "user", "content": "And in Rome?"}]
        third = await api.post(PATH, request(messages=messages, tools=tools))

    assert json.loads(call["function"]["arguments"]) == {"city": "Oslo"}
    assert "get_weather returned no" in second["choices"][0]["message"]["content"]
    assert third["choices"][0]["finish_reason"] == "tool_calls"


@pytest.mark.parametrize(
    ("choice", "called"),
    [
        ("none", None),
        ({"type": "function", "function": {"name": "b"}}, "b"),
        (
            {
                "type": "allowed_tools",
                "allowed_tools": {"mode": "auto", "tools": [{"type": "function", "function": {"name": "b"}}]},
            },
            "b",
        ),
        ("required", "a"),
    ],
)
async def test_unscripted_answer_obeys_tool_choice(talk, choice, called):
    async with talk() as api:
        whole = await api.post(PATH, request(tools=[tool("a"), tool("b")], tool_choice=choice))

    calls = whole["choices"][0]["message"].get("tool_calls", [])
    assert [call["function"]["name"] for call in calls] == ([called] if called else [])


async def test_unscripted_answer_fits_the_response_format(talk):
    schema = {
        "type": "object",
        "properties": {
            "city": {"type": "string"},
            "kind": {"enum": ["capital", "other"]},
            "rivers": {"type": "array", "items": {"type": "string"}, "minItems": 2},
        },
        "required": ["city", "kind", "rivers"],
        "additionalProperties": False,
    }
    described = {"type": "json_schema", "json_schema": {"name": "city", "schema": schema, "strict": True}}
    messages = [{"role": "user", "content": "Is Oslo a capital? Answer in JSON."}]
    async with talk() as api:
        chunks = await _chunks(api, messages=messages, response_format=described)
        free = await api.post(PATH, request(messages=messages, response_format={"type": "json_object"}))
        cut = await api.post(PATH, request(messages=messages, response_format=described, max_tokens=3))

    value = json.loads(text(chunks))
    assert (value["city"], value["kind"], len(value["rivers"])) == ("Oslo", "capital", 2)
    assert list(json.loads(free["choices"][0]["message"]["content"])) == ["answer"]
    assert cut["choices"][0]["finish_reason"] == "length"
    assert text(chunks).startswith(cut["choices"][0]["message"]["content"])
