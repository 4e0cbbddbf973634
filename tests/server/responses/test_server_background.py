"""Responses in the background: their status, their streams gone on with from anywhere, cancelling and deleting."""

import asyncio

import aiohttp
import pytest
from response_api import PATH, events_of, request, retrieved, streamed, types_of

from asyncstream.server import Cut, ErrorEvent, Fail, Pause, ResponsesDialect, Say, Scenario, Turn, serve

STREAMED = {"background": True, "stream": True}
OVER = {"completed", "failed", "cancelled", "incomplete"}


async def _until_over(api, id: str) -> dict:
    async def look() -> dict | None:
        response = await api.get(f"{PATH}/{id}")
        return response if response["status"] in OVER else None

    return await api.until(look)


async def test_status_goes_from_queued_to_its_end(talk):
    async with talk(Scenario([Turn(Say("a b c"))], delay=0.002)) as api:
        made = await api.post(PATH, request(background=True))
        over = await _until_over(api, made["id"])

    assert (made["status"], made["background"], made["output"]) == ("queued", True, [])
    assert over["status"] == "completed"
    assert over["output"][0]["content"][0]["text"] == "a b c"


async def test_poll_says_when_to_look_again(talk):
    async with (
        talk(Scenario([Turn(Pause(30))], poll_after_ms=7)) as api,
        api.request("POST", PATH, request(background=True)) as response,
    ):
        assert response.headers["openai-poll-after-ms"] == "7"


async def test_stream_is_queued_first(talk):
    async with talk(Scenario([Turn(Say("a"))])) as api:
        events = await streamed(api, background=True)

    assert types_of(events)[:4] == ["created", "queued", "in_progress", "output_item.added"]
    assert [event["response"]["status"] for event in events[:3]] == ["queued", "queued", "in_progress"]


async def test_stream_goes_on_from_every_number(talk):
    async with talk(Scenario([Turn(Say("a b c"))])) as api:
        events = await streamed(api, background=True)
        id = events[0]["response"]["id"]
        whole = events_of(await retrieved(api, id))
        tails = [events_of(await retrieved(api, id, starting_after=str(event["sequence_number"]))) for event in events]

    assert whole == events
    assert tails == [events[place + 1 :] for place in range(len(events))]


async def test_cut_stream_is_gone_on_with_while_the_response_runs(talk):
    turn = Turn(Say(pieces=["a", " b"]), Cut(), Say(pieces=[" c"]), Pause(0.02), Say(pieces=[" d"]))
    async with talk(Scenario([turn])) as api:
        came, error = await api.raw(PATH, request(**STREAMED))
        events = events_of(came)
        id, last = events[0]["response"]["id"], events[-1]["sequence_number"]
        running = await api.get(f"{PATH}/{id}")
        rest = events_of(await retrieved(api, id, starting_after=str(last)))

    assert error is not None
    assert running["status"] == "in_progress"
    assert [event["sequence_number"] for event in events + rest] == list(range(len(events + rest)))
    assert "".join(event["delta"] for event in events + rest if "delta" in event) == "a b c d"
    assert rest[-1]["response"]["status"] == "completed"


async def test_resumed_streams_are_cut_as_the_scenario_says(talk):
    cuts = [Cut(after_event="response.queued"), Cut(after_bytes=1), None]
    async with talk(Scenario([Turn(Say("a b"))], cuts=cuts)) as api:
        came, _ = await api.raw(PATH, request(**STREAMED))
        id = events_of(came)[0]["response"]["id"]
        async with api.request("GET", f"{PATH}/{id}", params={"stream": "true", "starting_after": "1"}) as response:
            piece = await response.content.read(5)
        rest = events_of(await retrieved(api, id, starting_after="1"))

    assert piece == b"e"
    assert types_of(rest)[0] == "in_progress"
    assert types_of(rest)[-1] == "completed"


async def test_readers_that_leave_do_not_stop_it(talk):
    async with talk(Scenario([Turn(Say("a"), Pause(0.02), Say("b"))])) as api:
        async with api.request("POST", PATH, request(**STREAMED)) as response:
            first = events_of(await response.content.readuntil(b"\n\n"))[0]
        over = await _until_over(api, first["response"]["id"])

    assert [part["text"] for part in over["output"][0]["content"]] == ["a", "b"]


@pytest.mark.parametrize(("form", "ends"), [("event", ["cancelled"]), ("silent", [])])
async def test_cancel_ends_the_streams(talk, form, ends):
    dialect = ResponsesDialect(cancelled=form)
    async with talk(Scenario([Turn(Say("half"), Pause(30), Say("never"))], responses_dialect=dialect)) as api:
        async with api.request("POST", PATH, request(**STREAMED)) as response:
            came = b""
            while b"output_text.delta" not in came:
                came += await response.content.readany()
            id = events_of(came)[0]["response"]["id"]
            cancelled = await api.post(f"{PATH}/{id}/cancel")
            again = await api.post(f"{PATH}/{id}/cancel")
            came += await response.content.read()
        late = events_of(await retrieved(api, id))

    assert cancelled == again
    assert (cancelled["status"], cancelled["output"][0]["status"]) == ("cancelled", "incomplete")
    assert types_of(events_of(came))[-1 - len(ends) :] == ["output_text.delta", *ends]
    assert late == events_of(came)


async def test_cancel_before_it_began(talk):
    async with talk(Scenario([Turn(Say("never"))], delay=30)) as api:
        made = await api.post(PATH, request(background=True))
        cancelled = await api.post(f"{PATH}/{made['id']}/cancel")

    assert (cancelled["status"], cancelled["output"]) == ("cancelled", [])


async def test_what_cannot_be_cancelled(talk):
    async with talk(Scenario([Turn(Say("a"))] * 2)) as api:
        plain = await api.post(PATH, request())
        foreground = await api.refused(400, "POST", f"{PATH}/{plain['id']}/cancel")
        made = await api.post(PATH, request(background=True))
        await _until_over(api, made["id"])
        over = await api.refused(400, "POST", f"{PATH}/{made['id']}/cancel")
        await api.refused(404, "POST", f"{PATH}/resp_none/cancel")

    assert "background" in foreground["message"]
    assert "completed" in over["message"]


async def test_deleting_stops_it(talk):
    async with (
        talk(Scenario([Turn(Say("a"), Pause(30))])) as api,
        api.request("POST", PATH, request(**STREAMED)) as response,
    ):
        came = b""
        while b"output_text.delta" not in came:
            came += await response.content.readany()
        id = events_of(came)[0]["response"]["id"]
        status, _ = await api.ask("DELETE", f"{PATH}/{id}")
        rest = await response.content.read()
        await api.refused(404, "GET", f"{PATH}/{id}")

    assert status == 200
    assert b"completed" not in rest


@pytest.mark.parametrize(
    ("action", "said"), [(Fail("server_error", "broke"), "broke"), (ErrorEvent("boom", code=None), "boom")]
)
async def test_failing_in_the_background(talk, action, said):
    async with talk(Scenario([Turn(Say("a"), action)])) as api:
        made = await api.post(PATH, request(background=True))
        over = await _until_over(api, made["id"])

    assert (over["status"], over["error"]) == ("failed", {"code": "server_error", "message": said})


async def test_nothing_comes_behind_an_error_however_late_one_looks(talk):
    dialect = ResponsesDialect(done=True)
    async with talk(Scenario([Turn(ErrorEvent("boom"))], responses_dialect=dialect)) as api:
        came, _ = await api.raw(PATH, request(**STREAMED))
        again = await retrieved(api, events_of(came)[0]["response"]["id"])

    assert b"[DONE]" not in came
    assert again == came


async def test_conversation_gets_what_was_said_in_the_background(talk):
    async with talk(Scenario([Turn(Say("Hi"))])) as api:
        room = await api.post("/conversations")
        made = await api.post(PATH, request(background=True, conversation=room["id"]))
        before = await api.get(f"/conversations/{room['id']}/items")
        await _until_over(api, made["id"])
        after = await api.get(f"/conversations/{room['id']}/items", order="asc")

    assert before["data"] == []
    assert [item["role"] for item in after["data"]] == ["user", "assistant"]


async def test_window_of_a_stream_closes(talk):
    async with talk(Scenario([Turn(Say("a"))], resume_window=0)) as api:
        events = await streamed(api, background=True)
        id = events[0]["response"]["id"]
        error = await api.refused(400, "GET", f"{PATH}/{id}", params={"stream": "true", "starting_after": "2"})
        whole = await api.get(f"{PATH}/{id}")

    assert error["param"] == "stream"
    assert whole["status"] == "completed"


async def test_what_cannot_be_streamed_again(talk):
    async with talk(Scenario([Turn(Say("a"))] * 3)) as api:
        plain = await api.post(PATH, request())
        polled = await api.post(PATH, request(background=True))
        events = await streamed(api, background=True)
        path = f"{PATH}/{events[0]['response']['id']}"
        for id in (plain["id"], polled["id"]):
            error = await api.refused(400, "GET", f"{PATH}/{id}", params={"stream": "true"})
            assert "'background' and 'stream'" in error["message"]
        number = await api.refused(400, "GET", path, params={"stream": "true", "starting_after": "x"})
        alone = await api.refused(400, "GET", path, params={"starting_after": "1"})

    assert (number["param"], number["code"]) == ("starting_after", "invalid_type")
    assert alone["param"] == "starting_after"


async def test_server_leaves_nothing_running():
    scenario = Scenario([Turn(Say("a"), Pause(30))] * 2)
    before = asyncio.all_tasks()
    async with aiohttp.ClientSession(headers={"Authorization": "Bearer any"}) as session:
        async with serve(scenario) as base_url:
            await session.post(base_url + PATH, json=request(background=True))
            response = await session.post(base_url + PATH, json=request(**STREAMED))
            await response.content.readuntil(b"output_text.delta")
        with pytest.raises(aiohttp.ClientError):
            await response.read()

    assert asyncio.all_tasks() == before
