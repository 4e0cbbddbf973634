"""Each action of a turn, as a stream shows it and as the objects show it afterwards."""

import json

import pytest

from asyncstream.server import (
    CallFunction,
    Citation,
    Cut,
    EmitRaw,
    EndStep,
    ErrorEvent,
    Expire,
    Fail,
    FilePath,
    Incomplete,
    Refuse,
    RunCode,
    Say,
    Scenario,
    SearchFiles,
    SearchResult,
    ShowImage,
    Turn,
    UrlCitation,
)


async def _play(api, *actions, tools=(), **params):
    api.scenario.turns.append(Turn(*actions))
    runs, assistant = await api.start(*tools)
    events = await api.stream(runs, {"assistant_id": assistant}, **params)
    return runs, events


def _names(events):
    return [name for name, _ in events]


def _message(events):
    return next(data for name, data in events if name in ("thread.message.completed", "thread.message.incomplete"))


async def test_say_streams_the_given_pieces(talk):
    async with talk() as api:
        _, events = await _play(api, Say(pieces=["a ", "", "b\r\n\u2028", "🙂"]))

    deltas = [data["delta"]["content"][0]["text"] for name, data in events if name == "thread.message.delta"]
    assert [delta["value"] for delta in deltas] == ["a ", "", "b\r\n\u2028", "🙂"]
    assert _message(events)["content"][0]["text"]["value"] == "a b\r\n\u2028🙂"


async def test_citations_come_with_the_piece_that_completes_their_marker(talk):
    say = Say(
        pieces=["Cake", "[", "1]", " yes"],
        citations=[Citation("[1]", "file-1", quote="q"), FilePath("[f]", "file-2"), UrlCitation("[u]", "http://x")],
    )
    async with talk() as api:
        _, events = await _play(api, say)

    deltas = [data["delta"]["content"][0]["text"] for name, data in events if name == "thread.message.delta"]
    assert [delta["value"] for delta in deltas] == ["Cake", "[", "1]", " yes", "[f]", "[u]"]
    assert deltas[2]["annotations"] == [
        {
            "index": 0,
            "type": "file_citation",
            "text": "[1]",
            "start_index": 4,
            "end_index": 7,
            "file_citation": {"file_id": "file-1", "quote": "q"},
        }
    ]
    annotations = _message(events)["content"][0]["text"]["annotations"]
    assert [annotation["type"] for annotation in annotations] == ["file_citation", "file_path", "url_citation"]
    assert annotations[0]["file_citation"] == {"file_id": "file-1"}


async def test_content_in_a_row_is_one_message_and_end_step_begins_another(talk):
    async with talk() as api:
        _, events = await _play(api, Say("see"), ShowImage("file-1"), Refuse("no no"), EndStep(), Say("next"))

    messages = [data for name, data in events if name == "thread.message.completed"]
    assert messages[0]["content"] == [
        {"type": "text", "text": {"value": "see", "annotations": []}},
        {"type": "image_file", "image_file": {"file_id": "file-1", "detail": "auto"}},
        {"type": "refusal", "refusal": "no no"},
    ]
    assert [part["text"]["value"] for part in messages[1]["content"]] == ["next"]
    deltas = [data["delta"]["content"][0] for name, data in events if name == "thread.message.delta"]
    assert [delta["index"] for delta in deltas] == [0, 1, 2, 2, 0]


async def test_code_step_streams_input_and_outputs(talk):
    async with talk() as api:
        runs, events = await _play(api, RunCode(pieces=["print", "(1)"], logs="1\n", image="file-i"), Say("one"))
        steps = await api.get(f"{runs}/{events[0][1]['id']}/steps", order="asc")

    codes = [
        data["delta"]["step_details"]["tool_calls"][0]["code_interpreter"]
        for name, data in events
        if name == "thread.run.step.delta"
    ]
    assert codes == [
        {"input": "", "outputs": []},
        {"input": "print"},
        {"input": "(1)"},
        {"outputs": [{"index": 0, "type": "logs", "logs": "1\n"}]},
        {"outputs": [{"index": 1, "type": "image", "image": {"file_id": "file-i"}}]},
    ]
    call = steps["data"][0]["step_details"]["tool_calls"][0]["code_interpreter"]
    assert call == {
        "input": "print(1)",
        "outputs": [{"type": "logs", "logs": "1\n"}, {"type": "image", "image": {"file_id": "file-i"}}],
    }
    assert [step["type"] for step in steps["data"]] == ["tool_calls", "message_creation"]
    assert [step["status"] for step in steps["data"]] == ["completed", "completed"]


async def test_search_results_show_their_text_only_when_it_is_included(talk):
    search = SearchFiles([SearchResult("file-1", "a.txt", 0.5, "the text")])
    include = {"include[]": "step_details.tool_calls[*].file_search.results[*].content"}
    async with talk() as api:
        runs, events = await _play(api, search, Say("found"))
        path = f"{runs}/{events[0][1]['id']}/steps"
        listed = (await api.get(path, order="asc", **include))["data"][0]
        plain = await api.get(f"{path}/{listed['id']}")
        _, included = await _play(api, search, Say("found"), params=include)

    def results(step):
        return step["step_details"]["tool_calls"][0]["file_search"]["results"]

    delta = next(data for name, data in events if name == "thread.run.step.delta")
    assert results(delta["delta"]) == []
    assert [result["file_name"] for result in results(dict(events[::-1])["thread.run.step.completed"])] == ["a.txt"]
    assert "content" not in results(dict(events[::-1])["thread.run.step.completed"])[0]
    assert "content" not in results(plain)[0]
    assert results(listed)[0]["content"][0]["text"] == "the text"
    assert results(dict(included[::-1])["thread.run.step.completed"])[0]["content"][0]["text"] == "the text"


@pytest.mark.parametrize(
    ("action", "status", "reason", "step"),
    [
        (Fail("rate_limit_exceeded", "slow down"), "failed", "run_failed", "failed"),
        (Expire(), "expired", "run_expired", "expired"),
        (Incomplete(), "incomplete", "max_tokens", "completed"),
        (Incomplete("content_filter"), "incomplete", "content_filter", "completed"),
    ],
)
async def test_bad_ends_leave_half_a_message(talk, action, status, reason, step):
    async with talk() as api:
        runs, events = await _play(api, Say("half"), action)
        run = await api.get(f"{runs}/{events[0][1]['id']}")

    assert [
        "thread.message.incomplete",
        f"thread.run.step.{step}",
        f"thread.run.{status}",
        "done",
    ] == _names(events)[-4:]
    assert {"reason": reason} == _message(events)["incomplete_details"]
    assert _message(events)["content"][0]["text"]["value"] == "half"
    assert run["status"] == status
    if status == "failed":
        assert run["last_error"] == {"code": "rate_limit_exceeded", "message": "slow down"}
    if status == "incomplete":
        assert {"reason": action.reason} == run["incomplete_details"]


async def test_failing_after_end_step_leaves_the_message_whole(talk):
    async with talk() as api:
        _, events = await _play(api, Say("whole"), EndStep(), Fail())

    assert _names(events)[-4:] == ["thread.message.completed", "thread.run.step.completed", "thread.run.failed", "done"]


@pytest.mark.parametrize("nested", [False, True])
async def test_error_event_ends_the_stream_and_fails_the_run(talk, nested):
    async with talk() as api:
        runs, events = await _play(api, Say("x"), ErrorEvent("boom", code=502, nested=nested), Say("never"))
        run = await api.get(f"{runs}/{events[0][1]['id']}")

    assert events[-1][0] == "error"
    error = events[-1][1]["error"] if nested else events[-1][1]
    assert error == {"message": "boom", "type": "server_error", "param": None, "code": 502}
    assert run["status"] == "failed"


async def test_raw_bytes_go_out_as_they_are(talk):
    async with talk(Scenario([Turn(Say("x"), EmitRaw(b": ping\n\nevent: odd\ndata: 1\n\n"), Say("y"))])) as api:
        runs, assistant = await api.start()
        came, error = await api.raw(runs, {"assistant_id": assistant})

    assert error is None
    assert b"\n\n: ping\n\nevent: odd\ndata: 1\n\nevent: thread.message.delta\n" in came


@pytest.mark.parametrize("how", ["fin", "rst", "eof"])
async def test_cut_drops_the_connection_and_the_run_goes_on(talk, read_frames, how):
    async with talk(Scenario([Turn(Say("half"), Cut(how=how), Say(" more"))])) as api:
        runs, assistant = await api.start()
        came, error = await api.raw(runs, {"assistant_id": assistant})
        run = (await api.get(runs))["data"][0]
        last = await api.until_over(f"{runs}/{run['id']}")

    assert (how == "eof") == (error is None)
    assert read_frames(came)[-1][1]["delta"]["content"][0]["text"]["value"] == "half"
    assert last["status"] == "completed"


async def test_cut_may_fall_into_an_event(talk):
    async with talk() as api:
        runs, assistant = await api.start()
        api.scenario.turns.append(Turn(Say("abc"), Cut(after_bytes=40), Say("def")))
        whole, _ = await api.raw(runs, {"assistant_id": assistant})
        last = whole.rindex(b"event: thread.message.delta")

    assert len(whole) == last + 40


async def test_cut_after_an_event_counts_it(talk):
    async with talk() as api:
        runs, assistant = await api.start()
        api.scenario.turns.append(Turn(Cut(after_event="thread.message.delta", count=2), Say("a b c")))
        twice, _ = await api.raw(runs, {"assistant_id": assistant})
        await api.until_over(f"{runs}/{(await api.get(runs))['data'][0]['id']}")
        api.scenario.turns.append(Turn(Cut(after_event="thread.run.completed", how="rst"), Say("a")))
        ended, error = await api.raw(runs, {"assistant_id": assistant})

    assert twice.count(b"thread.message.delta\n") == 2
    assert b"event: thread.run.completed\n" in ended
    assert b"[DONE]" not in ended
    assert error is not None


async def test_cut_among_calls_comes_before_requires_action(talk, function):
    async with talk(Scenario([Turn(CallFunction("a"), Cut())])) as api:
        runs, assistant = await api.start(function)
        came, _ = await api.raw(runs, {"assistant_id": assistant})
        run = await api.until_over(f"{runs}/{(await api.get(runs))['data'][0]['id']}", "requires_action")

    assert b"requires_action" not in came
    assert run["status"] == "requires_action"


async def test_done_can_be_switched_off(talk):
    async with talk(Scenario([Turn(Say("x"))], done=False)) as api:
        runs, assistant = await api.start()
        events = await api.stream(runs, {"assistant_id": assistant})

    assert events[-1][0] == "thread.run.completed"


async def test_chunks_of_one_byte_carry_the_same_stream(talk):
    async with talk(Scenario([Turn(Say("ä b"))], chunk_bytes=1)) as api:
        runs, assistant = await api.start()
        events = await api.stream(runs, {"assistant_id": assistant})

    assert _message(events)["content"][0]["text"]["value"] == "ä b"


async def test_without_a_script_the_answer_quotes_the_question(talk):
    async with talk() as api:
        runs, assistant = await api.start(question="Why is the sky blue?")
        events = await api.stream(runs, {"assistant_id": assistant})
        again, assistant = await api.start(question="Why is the sky blue?")
        same = await api.stream(again, {"assistant_id": assistant})

    assert "Why is the sky blue?" in _message(events)["content"][0]["text"]["value"]
    assert _message(same)["content"] == _message(events)["content"]


async def test_without_a_script_code_runs_and_a_function_is_called(talk, function):
    question = "What is the weather in Paris for 3 days?"
    async with talk() as api:
        runs, assistant = await api.start({"type": "code_interpreter"}, function, question=question)
        run = (await api.stream(runs, {"assistant_id": assistant}))[-2][1]
        call = run["required_action"]["submit_tool_outputs"]["tool_calls"][0]
        body = {"tool_outputs": [{"tool_call_id": call["id"], "output": "21 degrees"}]}
        events = await api.stream(f"{runs}/{run['id']}/submit_tool_outputs", body)
        steps = await api.get(f"{runs}/{run['id']}/steps", order="asc")

    assert json.loads(call["function"]["arguments"]) == {"city": "Paris", "days": 3}
    text = _message(events)["content"][0]["text"]["value"]
    assert question in text
    assert "get_weather returned 21 degrees" in text
    kinds = [step["step_details"].get("tool_calls", [{}])[0].get("type") for step in steps["data"]]
    assert kinds == ["code_interpreter", "function", None]
    assert steps["data"][0]["step_details"]["tool_calls"][0]["code_interpreter"]["outputs"][0]["logs"] == "9\n"


async def test_without_a_script_limits_and_tool_choice_are_obeyed(talk, function):
    async with talk() as api:
        runs, assistant = await api.start(function)
        body = {"assistant_id": assistant, "tool_choice": "none", "max_completion_tokens": 3}
        events = await api.stream(runs, body)

    assert events[-2][0] == "thread.run.incomplete"
    assert len(_message(events)["content"][0]["text"]["value"].split()) == 3
