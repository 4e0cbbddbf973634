"""The state machine of runs: streams, polling, outputs, approvals, cancelling, expiry."""

import asyncio

import pytest

from asyncstream.server import (
    CallFunction,
    Fail,
    Pause,
    RequestApproval,
    Say,
    Scenario,
    Turn,
)

MESSAGE_STEP = [
    "thread.run.step.created",
    "thread.run.step.in_progress",
    "thread.message.created",
    "thread.message.in_progress",
]
BEGINNING = ["thread.run.created", "thread.run.queued", "thread.run.in_progress"]


async def test_streamed_text_run_has_the_wires_events_in_order(talk):
    async with talk(Scenario([Turn(Say("Hi you"))])) as api:
        runs, assistant = await api.start()
        events = await api.stream(runs, {"assistant_id": assistant})

    assert [
        *BEGINNING,
        *MESSAGE_STEP,
        "thread.message.delta",
        "thread.message.delta",
        "thread.message.completed",
        "thread.run.step.completed",
        "thread.run.completed",
        "done",
    ] == [name for name, _ in events]
    deltas = [data["delta"]["content"][0] for name, data in events if name == "thread.message.delta"]
    assert deltas[0] == {"index": 0, "type": "text", "text": {"value": "Hi", "annotations": []}}
    assert deltas[1] == {"index": 0, "type": "text", "text": {"value": " you"}}
    data = dict(events)
    assert data["thread.message.created"]["content"] == []
    assert data["thread.message.completed"]["content"][0]["text"]["value"] == "Hi you"
    assert data["thread.run.created"]["status"] == "queued"
    assert data["thread.run.in_progress"]["started_at"] is not None
    run = data["thread.run.completed"]
    assert (run["status"], run["expires_at"], run["required_action"]) == ("completed", None, None)
    assert run["usage"]["total_tokens"] == run["usage"]["prompt_tokens"] + 2
    assert run["usage"] == data["thread.run.step.completed"]["usage"]


async def test_create_and_run_stream_begins_with_the_thread(talk):
    async with talk() as api:
        _, assistant = await api.start()
        body = {"assistant_id": assistant, "thread": {"messages": [{"role": "user", "content": "What now?"}]}}
        events = await api.stream("/threads/runs", body)
        listed = await api.get(f"/threads/{events[0][1]['id']}/messages", order="asc")

    assert ["thread.created", *BEGINNING] == [name for name, _ in events][:4]
    assert "What now?" in listed["data"][1]["content"][0]["text"]["value"]
    assert listed["data"][1]["run_id"] == events[1][1]["id"]


async def test_polled_run_progresses_in_the_background(talk):
    async with talk(Scenario([Turn(Pause(0.02), Say("ok"))])) as api:
        runs, assistant = await api.start()
        run = await api.post(runs, {"assistant_id": assistant})
        busy = await api.refused(400, "POST", runs, {"assistant_id": assistant})
        refused = await api.refused(400, "POST", runs.replace("/runs", "/messages"), {"role": "user", "content": "x"})
        last = await api.until_over(f"{runs}/{run['id']}")
        steps = await api.get(f"{runs}/{run['id']}/steps")

    assert run["status"] == "queued"
    assert run["id"] in busy["message"]
    assert run["id"] in refused["message"]
    assert last["status"] == "completed"
    assert [step["type"] for step in steps["data"]] == ["message_creation"]


async def test_function_calls_go_through_requires_action_to_an_answer(talk, function):
    script = [Turn(CallFunction("a", {"x": 1}, id="call_1"), CallFunction("b", pieces=["{", "}"])), Turn(Say("done"))]
    async with talk(Scenario(script)) as api:
        runs, assistant = await api.start(function)
        first = await api.stream(runs, {"assistant_id": assistant})
        run = first[-2][1]
        calls = run["required_action"]["submit_tool_outputs"]["tool_calls"]
        open_steps = await api.get(f"{runs}/{run['id']}/steps")
        outputs = [{"tool_call_id": call["id"], "output": f"out {call['function']['name']}"} for call in calls]
        second = await api.stream(f"{runs}/{run['id']}/submit_tool_outputs", {"tool_outputs": outputs})

    assert [name for name, _ in first][-2:] == ["thread.run.requires_action", "done"]
    deltas = [data["delta"]["step_details"]["tool_calls"][0] for name, data in first if name == "thread.run.step.delta"]
    assert deltas[0] == {
        "index": 0,
        "id": "call_1",
        "type": "function",
        "function": {"name": "a", "arguments": "", "output": None},
    }
    assert all(set(delta) == {"index", "type", "function"} for delta in deltas if "id" not in delta)
    assert [delta["index"] for delta in deltas if "id" in delta] == [0, 1]
    assert "".join(delta["function"]["arguments"] for delta in deltas if delta["index"] == 0) == '{"x":1}'
    assert [call["function"] for call in calls] == [
        {"name": "a", "arguments": '{"x":1}'},
        {"name": "b", "arguments": "{}"},
    ]
    assert open_steps["data"][0]["status"] == "in_progress"
    assert [
        "thread.run.step.completed",
        "thread.run.queued",
        "thread.run.in_progress",
        *MESSAGE_STEP,
    ] == [name for name, _ in second][:7]
    step = second[0][1]
    assert [call["function"]["output"] for call in step["step_details"]["tool_calls"]] == ["out a", "out b"]
    assert second[1][1]["required_action"] is None
    assert second[-2][0] == "thread.run.completed"
    assert second[-2][1]["usage"]["total_tokens"] > step["usage"]["total_tokens"]


async def test_rest_of_a_turn_is_played_after_the_outputs(talk, function):
    async with talk(Scenario([Turn(CallFunction("a"), Say("after"))])) as api:
        runs, assistant = await api.start(function)
        run = (await api.stream(runs, {"assistant_id": assistant}))[-2][1]
        call = run["required_action"]["submit_tool_outputs"]["tool_calls"][0]
        body = {"tool_outputs": [{"tool_call_id": call["id"], "output": "1"}]}
        queued = await api.post(f"{runs}/{run['id']}/submit_tool_outputs", body)
        last = await api.until_over(f"{runs}/{run['id']}")
        messages = await api.get(runs.replace("/runs", "/messages"), run_id=run["id"])

    assert queued["status"] == "queued"
    assert last["status"] == "completed"
    assert messages["data"][0]["content"][0]["text"]["value"] == "after"


@pytest.mark.parametrize("outputs", [[], ["call_1"], ["call_1", "call_2", "call_3"], ["call_1", "call_1", "call_2"]])
async def test_outputs_for_other_than_the_waiting_calls_are_refused(talk, function, outputs):
    async with talk(Scenario([Turn(CallFunction("a", id="call_1"), CallFunction("b", id="call_2"))])) as api:
        runs, assistant = await api.start(function)
        run = (await api.stream(runs, {"assistant_id": assistant}))[-2][1]
        path = f"{runs}/{run['id']}/submit_tool_outputs"
        body = {"tool_outputs": [{"tool_call_id": id, "output": ""} for id in outputs]}
        await api.refused(400, "POST", path, body)
        await api.refused(400, "POST", path, {"tool_approvals": [{"tool_call_id": "call_1", "approve": True}]})
        unchanged = await api.get(f"{runs}/{run['id']}")

    assert unchanged["status"] == "requires_action"


async def test_outputs_are_refused_outside_requires_action(talk):
    async with talk(Scenario([Turn(Pause(60)), Turn()])) as api:
        runs, assistant = await api.start()
        run = await api.post(runs, {"assistant_id": assistant})
        path = f"{runs}/{run['id']}"
        body = {"tool_outputs": [{"tool_call_id": "call_1", "output": ""}]}
        await api.refused(400, "POST", f"{path}/submit_tool_outputs", body)
        await api.post(f"{path}/cancel")
        await api.until_over(path)
        error = await api.refused(400, "POST", f"{path}/submit_tool_outputs", body)

    assert "cancelled" in error["message"]


@pytest.mark.parametrize("approve", [True, False])
async def test_approvals_continue_the_run(talk, approve):
    script = [Turn(RequestApproval("fetch", {"url": "u"}, server_label="web", output="page")), Turn(Say("ok"))]
    async with talk(Scenario(script)) as api:
        runs, assistant = await api.start({"type": "mcp", "server_label": "web"})
        run = (await api.stream(runs, {"assistant_id": assistant}))[-2][1]
        assert run["required_action"]["type"] == "submit_tool_approval"
        call = run["required_action"]["submit_tool_approval"]["tool_calls"][0]
        body = {"tool_approvals": [{"tool_call_id": call["id"], "approve": approve}]}
        events = await api.stream(f"{runs}/{run['id']}/submit_tool_outputs", body)

    assert (
        call["type"],
        call["name"],
        call["arguments"],
        call["server_label"],
    ) == ("mcp", "fetch", '{"url":"u"}', "web")
    shown = events[0][1]["step_details"]["tool_calls"][0]
    assert ("page" if approve else None) == shown.get("output")
    assert events[-2][0] == "thread.run.completed"


async def test_cancel_while_streaming_closes_what_is_open(talk):
    async with talk(Scenario([Turn(Say("half a"), Pause(60), Say("never"))])) as api:
        runs, assistant = await api.start()
        reading = asyncio.create_task(api.stream(runs, {"assistant_id": assistant}))
        await api.until(lambda: _has_reply(api, runs))
        run = (await api.get(runs))["data"][0]
        cancelling = await api.post(f"{runs}/{run['id']}/cancel")
        events = await reading
        again = await api.refused(400, "POST", f"{runs}/{run['id']}/cancel")
        next_run = await api.post(runs, {"assistant_id": assistant})

    assert cancelling["status"] == "cancelling"
    assert [name for name, _ in events][-5:] == [
        "thread.run.cancelling",
        "thread.message.incomplete",
        "thread.run.step.cancelled",
        "thread.run.cancelled",
        "done",
    ]
    message = events[-4][1]
    assert message["incomplete_details"] == {"reason": "run_cancelled"}
    assert message["content"][0]["text"]["value"] == "half a"
    assert events[-2][1]["cancelled_at"] is not None
    assert "cancelled" in again["message"]
    assert next_run["status"] == "queued"


async def _has_step(api, run) -> bool:
    return bool((await api.get(f"{run}/steps"))["data"])


async def _has_reply(api, runs) -> bool:
    listed = await api.get(runs.replace("/runs", "/messages"))
    return any(message["role"] == "assistant" for message in listed["data"])


async def test_cancel_keeps_the_arguments_streamed_so_far(talk, function):
    async with talk(Scenario([Turn(CallFunction("a", pieces=["{", '"x"']), Pause(60))])) as api:
        runs, assistant = await api.start(function)
        run = await api.post(runs, {"assistant_id": assistant})
        await api.until(lambda: _has_step(api, f"{runs}/{run['id']}"))
        await api.post(f"{runs}/{run['id']}/cancel")
        await api.until_over(f"{runs}/{run['id']}")
        step = (await api.get(f"{runs}/{run['id']}/steps"))["data"][0]

    assert step["status"] == "cancelled"
    assert '{"x"'.startswith(step["step_details"]["tool_calls"][0]["function"]["arguments"])


async def test_run_that_waits_for_outputs_can_be_cancelled(talk, function):
    async with talk() as api:
        runs, assistant = await api.start(function)
        run = (await api.stream(runs, {"assistant_id": assistant}))[-2][1]
        await api.post(f"{runs}/{run['id']}/cancel")
        last = await api.until_over(f"{runs}/{run['id']}")

    assert (last["status"], last["required_action"]) == ("cancelled", None)


async def test_run_expires_when_its_lifetime_is_over(talk, function):
    async with talk(Scenario(run_lifetime=0.05)) as api:
        runs, assistant = await api.start(function)
        run = (await api.stream(runs, {"assistant_id": assistant}))[-2][1]
        last = await api.until_over(f"{runs}/{run['id']}")
        step = (await api.get(f"{runs}/{run['id']}/steps"))["data"][0]

    assert (last["status"], step["status"]) == ("expired", "expired")
    assert step["expired_at"] is not None


async def test_run_goes_on_when_its_reader_leaves(talk):
    async with talk(Scenario([Turn(Say("first"), Pause(0.05), Say(" second"))])) as api:
        runs, assistant = await api.start()
        response = await api.request("POST", runs, {"assistant_id": assistant, "stream": True})
        await response.content.readany()
        response.close()
        run = (await api.get(runs))["data"][0]
        last = await api.until_over(f"{runs}/{run['id']}")
        messages = await api.get(runs.replace("/runs", "/messages"))

    assert last["status"] == "completed"
    assert [part["text"]["value"] for part in messages["data"][0]["content"]] == ["first", " second"]


async def test_deleting_the_thread_stops_its_run(talk):
    async with talk(Scenario([Turn(Say("x"), Pause(60))])) as api:
        runs, assistant = await api.start()
        reading = asyncio.create_task(api.stream(runs, {"assistant_id": assistant}))
        await api.until(lambda: _has_reply(api, runs))
        status, deleted = await api.ask("DELETE", runs.removesuffix("/runs"))
        events = await reading
        await api.refused(404, "GET", runs)

    assert (status, deleted["deleted"]) == (200, True)
    assert events[-1][0] == "thread.message.delta"


async def test_run_takes_from_the_assistant_what_its_body_leaves_out(talk):
    async with talk(Scenario([Turn(), Turn()])) as api:
        runs, assistant = await api.start(instructions="be nice", temperature=0.5)
        plain = await api.post(runs, {"assistant_id": assistant})
        await api.until_over(f"{runs}/{plain['id']}")
        body = {
            "assistant_id": assistant,
            "model": "other",
            "instructions": None,
            "additional_instructions": "and short",
            "additional_messages": [{"role": "user", "content": [{"type": "text", "text": "more"}]}],
            "tools": [],
            "metadata": {"k": "v"},
        }
        own = await api.post(runs, body)
        await api.until_over(f"{runs}/{own['id']}")
        messages = await api.get(runs.replace("/runs", "/messages"))
        changed = await api.post(f"{runs}/{own['id']}", {"metadata": {"k": "w"}})

    assert (plain["model"], plain["instructions"], plain["temperature"]) == ("m", "be nice", 0.5)
    assert (own["model"], own["instructions"], own["metadata"]) == ("other", "be nice\nand short", {"k": "v"})
    assert messages["data"][0]["content"][0]["text"]["value"] == "more"
    assert changed["metadata"] == {"k": "w"}


async def test_scenario_that_raises_fails_the_run_with_its_words(talk):
    def broken(segment):
        raise LookupError("no such answer")

    async with talk(Scenario(answer=broken)) as api:
        runs, assistant = await api.start()
        events = await api.stream(runs, {"assistant_id": assistant})

    assert events[-2][0] == "thread.run.failed"
    assert "no such answer" in events[-2][1]["last_error"]["message"]


async def test_delay_paces_the_events(talk):
    loop = asyncio.get_running_loop()
    async with talk(Scenario([Turn(Say("a b c")), Turn(Fail())], delay=0.005)) as api:
        runs, assistant = await api.start()
        begin = loop.time()
        events = await api.stream(runs, {"assistant_id": assistant})
        took = loop.time() - begin

    # Only a lower bound: a slow machine takes longer, none takes less.
    assert took >= 0.005 * (len(events) - 3)
