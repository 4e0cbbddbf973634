"""What happens before a handler: keys, headers, wrong methods and types, faults, recording; and start and shutdown."""

import asyncio

import aiohttp
import pytest

from asyncstream.server import Fault, Pause, Say, Scenario, Turn, run_forever, serve
from benchmarks.free_ports import free_port


async def test_any_key_is_accepted_but_none_is_not(talk):
    async with talk() as api:
        await api.post("/threads", headers={**api.headers, "Authorization": "Bearer x"})
        await api.post("/threads", headers={"api-key": "x", "OpenAI-Beta": "assistants=v2"})
        without = {"OpenAI-Beta": "assistants=v2"}
        await api.refused(401, "POST", "/threads", headers=without)
        await api.refused(401, "POST", "/threads", headers={**without, "Authorization": "Bearer "})


async def test_given_key_is_the_only_one(talk):
    async with talk(api_key="right") as api:
        error = await api.refused(401, "POST", "/threads")
        await api.post("/threads", headers={**api.headers, "Authorization": "Bearer right"})

    assert error["code"] == "invalid_api_key"


async def test_beta_header_is_required(talk):
    async with talk() as api:
        error = await api.refused(400, "POST", "/threads", headers={"Authorization": "Bearer x"})

    assert error["code"] == "invalid_beta"


async def test_wrong_method_type_and_json_are_refused(talk):
    async with talk() as api:
        method = await api.refused(405, "PUT", "/threads")
        plain = {**api.headers, "Content-Type": "text/plain"}
        media = await api.refused(415, "POST", "/threads", data=b"{}", headers=plain)
        json_type = {**api.headers, "Content-Type": "application/json"}
        broken = await api.refused(400, "POST", "/threads", data=b'{"a":', headers=json_type)
        utf8 = await api.refused(400, "POST", "/threads", data=b'{"metadata": {"a": "\xff"}}', headers=json_type)
        deep = await api.refused(400, "POST", "/threads", data=b"[" * 100_000, headers=json_type)

    assert method["code"] == "method_not_supported"
    assert media["code"] == "unsupported_content_type"
    assert {broken["type"], utf8["type"], deep["type"]} == {"invalid_request_error"}


async def test_requests_are_recorded(talk):
    async with talk() as api:
        await api.post("/threads", {"metadata": {"a": "b"}})
        await api.get("/assistants", limit="3")
        await api.refused(404, "GET", "/nothing")
        seen = api.scenario.requests

    assert [(request.method, request.path) for request in seen] == [
        ("POST", "/v1/threads"),
        ("GET", "/v1/assistants"),
        ("GET", "/v1/nothing"),
    ]
    assert seen[0].body == {"metadata": {"a": "b"}}
    assert seen[1].body is None
    assert seen[1].query["limit"] == "3"
    assert seen[0].headers["openai-beta"] == "assistants=v2"
    assert "Bearer" not in repr(seen)


async def test_faults_are_used_up_one_a_request(talk):
    faults = [
        Fault(429, headers={"retry-after": "7"}, path="*/threads"),
        Fault(503, body={"error": {"message": "mine"}}),
        Fault(502, body="<html>"),
        Fault(status=None, delay=0.01),
    ]
    async with talk(Scenario(responses=faults)) as api:
        unavailable = await api.ask("GET", "/assistants")
        async with api.request("POST", "/threads") as response:
            limited = response.status, response.headers["retry-after"], await response.json()
        async with api.request("POST", "/threads") as response:
            page = response.status, response.content_type, await response.text()
        thread = await api.post("/threads")

    assert unavailable == (503, {"error": {"message": "mine"}})
    assert limited[:2] == (429, "7")
    assert limited[2]["error"]["type"] == "rate_limit_error"
    assert page == (502, "text/plain", "<html>")
    assert thread["object"] == "thread"


@pytest.mark.parametrize("drop", ["fin", "rst"])
async def test_fault_can_drop_the_connection(talk, drop):
    async with talk(Scenario(responses=[Fault(drop=drop, method="POST")])) as api:
        await api.get("/assistants")
        with pytest.raises(aiohttp.ClientConnectionError):
            await api.post("/threads")
        await api.post("/threads")


async def _seen(scenario: Scenario, count: int) -> None:
    while True:
        if len(scenario.requests) >= count:
            return
        await asyncio.sleep(0)


async def test_serve_ends_without_leaks_while_streams_and_delays_are_open():
    before = asyncio.all_tasks()
    scenario = Scenario([Turn(Say("x"), Pause(60))], responses=[Fault(None, delay=60, path="*/slow")])
    headers = {"Authorization": "Bearer any", "OpenAI-Beta": "assistants=v2"}
    async with aiohttp.ClientSession(headers=headers) as session:
        async with serve(scenario) as base_url:
            async with session.post(f"{base_url}/assistants", json={"model": "m"}) as response:
                assistant = await response.json()
            body = {"assistant_id": assistant["id"], "stream": True}
            stream = await session.post(f"{base_url}/threads/runs", json=body)
            assert await stream.content.readany()
            slow = asyncio.create_task(session.get(f"{base_url}/slow"))
            await _seen(scenario, 3)
            begin = asyncio.get_running_loop().time()
        took = asyncio.get_running_loop().time() - begin
        with pytest.raises(aiohttp.ClientError):
            await stream.content.read()
        with pytest.raises(aiohttp.ClientError):
            await slow
        stream.close()
        left = asyncio.all_tasks() - before
        with pytest.raises(aiohttp.ClientConnectorError):
            await session.get(base_url)

    assert set() == {task for task in left if not task.done()}
    # The Pause and the delay are a minute each; leaving waits for neither.
    assert took < 10


async def test_port_can_be_chosen_and_is_free_again():
    port = free_port()
    for _ in range(2):
        async with serve(port=port) as base_url:
            assert base_url == f"http://127.0.0.1:{port}/v1"


async def test_run_forever_serves_until_it_is_cancelled():
    started: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    server = asyncio.create_task(run_forever(port=0, on_start=started.set_result))
    base_url = await started
    async with aiohttp.ClientSession() as session, session.get(f"{base_url}/assistants") as response:
        assert response.status == 401
    server.cancel()
    with pytest.raises(asyncio.CancelledError):
        await server


async def test_nothing_is_logged(talk, caplog):
    with caplog.at_level(0):
        async with talk(Scenario([Turn(Say("x"), Pause(60))], responses=[Fault(drop="rst", path="*/x")])) as api:
            with pytest.raises(aiohttp.ClientError):
                await api.post("/x")
            await api.refused(404, "GET", "/y")
            runs, assistant = await api.start()
            response = await api.request("POST", runs, {"assistant_id": assistant, "stream": True})
            await response.content.readany()
            response.close()

    assert [record for record in caplog.records if record.name != "asyncio"] == []
