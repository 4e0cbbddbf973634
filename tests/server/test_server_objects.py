"""Assistants, threads, messages, steps: what they hold, how they are listed, what is refused."""

import pytest

from asyncstream.server import Say, Scenario, Turn


async def test_assistant_lives_from_create_to_delete(talk, function):
    async with talk() as api:
        made = await api.post("/assistants", {"model": "m", "tools": [function], "metadata": {"a": "b"}})
        path = f"/assistants/{made['id']}"
        changed = await api.post(path, {"name": "Ann", "tools": [{"type": "code_interpreter"}], "model": "n"})
        got = await api.get(path)
        status, deleted = await api.ask("DELETE", path)
        error = await api.refused(404, "GET", path)

    assert (made["object"], made["name"], made["tools"][0]["function"]["strict"]) == ("assistant", None, False)
    assert (changed["name"], changed["model"], changed["metadata"]) == ("Ann", "n", {"a": "b"})
    assert changed == got
    assert (200, {"id": made["id"], "object": "assistant.deleted", "deleted": True}) == (status, deleted)
    assert made["id"] in error["message"]


async def test_thread_and_messages_live_from_create_to_delete(talk):
    async with talk() as api:
        thread = await api.post("/threads")
        path = f"/threads/{thread['id']}"
        changed = await api.post(path, {"metadata": {"k": "v"}})
        content = [
            {"type": "text", "text": "look"},
            {"type": "image_url", "image_url": {"url": "http://x/y.png"}},
            {"type": "image_file", "image_file": {"file_id": "file-1", "detail": "low"}},
        ]
        message = await api.post(f"{path}/messages", {"role": "user", "content": content})
        one = f"{path}/messages/{message['id']}"
        marked = await api.post(one, {"metadata": {"m": "n"}})
        got = await api.get(one)
        _, gone = await api.ask("DELETE", one)
        await api.refused(404, "GET", one)
        _, deleted = await api.ask("DELETE", path)
        await api.refused(404, "GET", path)

    assert changed["metadata"] == {"k": "v"}
    assert message["content"] == [
        {"type": "text", "text": {"value": "look", "annotations": []}},
        {"type": "image_url", "image_url": {"url": "http://x/y.png", "detail": "auto"}},
        {"type": "image_file", "image_file": {"file_id": "file-1", "detail": "low"}},
    ]
    assert marked == got
    assert (gone["object"], deleted["object"]) == ("thread.message.deleted", "thread.deleted")


async def _five(api) -> list[str]:
    """Five assistants; return their ids, oldest first."""
    return [(await api.post("/assistants", {"model": str(number)}))["id"] for number in range(5)]


@pytest.mark.parametrize(
    ("query", "expected", "has_more"),
    [
        ({}, [4, 3, 2, 1, 0], False),
        ({"order": "asc"}, [0, 1, 2, 3, 4], False),
        ({"limit": "2"}, [4, 3], True),
        ({"limit": "2", "after": 3}, [2, 1], True),
        ({"limit": "2", "after": 2}, [1, 0], False),
        ({"limit": "5"}, [4, 3, 2, 1, 0], False),
        ({"after": 0}, [], False),
        ({"order": "asc", "after": 1}, [2, 3, 4], False),
        ({"before": 2}, [4, 3], False),
        ({"before": 1, "limit": "2"}, [3, 2], True),
        ({"order": "asc", "before": 3, "limit": "2"}, [1, 2], True),
        ({"order": "asc", "after": 0, "before": 4, "limit": "2"}, [1, 2], True),
    ],
)
async def test_pages(talk, query, expected, has_more):
    async with talk() as api:
        ids = await _five(api)
        page = await api.get("/assistants", **{k: ids[v] if isinstance(v, int) else v for k, v in query.items()})

    assert [ids[number] for number in expected] == [item["id"] for item in page["data"]]
    assert has_more == page["has_more"]
    ends = (ids[expected[0]], ids[expected[-1]]) if expected else (None, None)
    assert ends == (page["first_id"], page["last_id"])
    assert page["object"] == "list"


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ({"limit": "0"}, "limit"),
        ({"limit": "101"}, "limit"),
        ({"limit": "many"}, "limit"),
        ({"order": "up"}, "order"),
        ({"after": "asst_none"}, "after"),
        ({"before": "asst_none"}, "before"),
    ],
)
async def test_bad_pages_are_refused(talk, query, param):
    async with talk() as api:
        error = await api.refused(400, "GET", "/assistants", params=query)

    assert param == error["param"]


@pytest.mark.parametrize(
    ("path", "body", "param", "code"),
    [
        ("/assistants", {}, "model", "missing_required_parameter"),
        ("/assistants", {"model": None}, "model", "invalid_type"),
        ("/assistants", {"model": "m", "tools": None}, "tools", "invalid_type"),
        ("/assistants", {"model": "m", "temperature": 3}, "temperature", "decimal_above_max_value"),
        ("/assistants", {"model": "m", "color": "red"}, "color", "unknown_parameter"),
        ("/assistants", {"model": "m", "metadata": {"a": 1}}, "metadata.a", "invalid_type"),
        ("/assistants", {"model": "m", "tools": [{"type": "function"}]}, "tools[0].function.name", None),
        ("/threads", {"messages": None}, "messages", "invalid_type"),
        ("/threads", {"messages": [{"role": "user"}]}, "messages[0].content", "missing_required_parameter"),
        ("/threads", {"messages": [{"role": "x", "content": ""}]}, "messages[0].role", "invalid_value"),
        (
            "/threads",
            {"messages": [{"role": "user", "content": [{"type": "odd"}]}]},
            "messages[0].content[0].type",
            None,
        ),
        ("/threads", [], None, "invalid_type"),
        ("/threads/runs", {}, "assistant_id", "missing_required_parameter"),
        ("/threads/runs", {"assistant_id": "a", "thread": None}, "thread", "invalid_type"),
        ("/threads/runs", {"assistant_id": "a", "parallel_tool_calls": None}, "parallel_tool_calls", "invalid_type"),
        ("/threads/runs", {"assistant_id": "a", "stream": "yes"}, "stream", "invalid_type"),
        ("/threads/runs", {"assistant_id": "a", "thread": {"x": 1}}, "thread.x", "unknown_parameter"),
        ("/threads/{thread}/runs", {}, "assistant_id", "missing_required_parameter"),
        ("/threads/{thread}/messages", {"role": "user", "content": None}, "content", "invalid_type"),
    ],
)
async def test_bad_bodies_are_refused(talk, path, body, param, code):
    async with talk() as api:
        thread = await api.post("/threads", {})
        error = await api.refused(400, "POST", path.format(thread=thread["id"]), body)

    assert param == error["param"]
    assert code in (None, error["code"])
    assert error["type"] == "invalid_request_error"


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/assistants/none", None),
        ("POST", "/threads/none", {}),
        ("GET", "/threads/none/messages", None),
        ("GET", "/threads/{thread}/messages/none", None),
        ("GET", "/threads/{thread}/runs/none", None),
        ("POST", "/threads/{thread}/runs/none/cancel", None),
        ("POST", "/threads/{thread}/runs/none/submit_tool_outputs", {"tool_outputs": []}),
        ("GET", "/threads/{thread}/runs/{run}/steps/none", None),
        ("POST", "/threads/{thread}/runs", {"assistant_id": "none"}),
        ("POST", "/threads/runs", {"assistant_id": "none"}),
        ("GET", "/nothing/here", None),
    ],
)
async def test_unknown_ids_are_404(talk, method, path, body):
    async with talk(Scenario([Turn(Say("x"))])) as api:
        runs, assistant = await api.start()
        run = await api.post(runs, {"assistant_id": assistant})
        thread_id = runs.split("/")[2]
        await api.refused(404, method, path.format(thread=thread_id, run=run["id"]), body)


async def test_a_thread_made_for_an_unknown_assistant_is_not_kept(talk):
    async with talk() as api:
        await api.refused(404, "POST", "/threads/runs", {"assistant_id": "none", "stream": True})
        requests = api.scenario.requests

    assert [request.path for request in requests] == ["/v1/threads/runs"]
