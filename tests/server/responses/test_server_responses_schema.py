"""What the embedded server answers fits the published description of the API."""

import pytest
from response_api import FUNCTION, PATH, request, streamed
from response_schema import misfits, schemas
from shared_files import SHARED, needs_shared

from asyncstream.server import (
    CallCustom,
    CallFunction,
    CallMCP,
    DrawImage,
    Fail,
    Incomplete,
    Refuse,
    RequestApproval,
    RunCode,
    Say,
    Scenario,
    SearchFiles,
    SearchResult,
    SearchWeb,
    Think,
    Turn,
    UrlCitation,
)

pytestmark = needs_shared("openapi.json")

EVERYTHING = Turn(
    Think("well"),
    SearchWeb("cake", ["http://x"]),
    SearchFiles([SearchResult("file-1", "a.txt", 0.5, "text")]),
    RunCode("1", logs="1", image="i"),
    DrawImage("UE5H", ["UA=="]),
    CallMCP("roll", output="6"),
    Say("Cake [1]", citations=[UrlCitation("[1]", "http://x", "X")]),
    Refuse("No."),
    CallCustom("g", "x"),
    CallFunction("f", {"a": 1}),
    RequestApproval("roll"),
)
INCLUDE = [
    "code_interpreter_call.outputs",
    "file_search_call.results",
    "web_search_call.action.sources",
    "message.output_text.logprobs",
    "reasoning.encrypted_content",
]


def _misfits(value: object, name: str) -> list[str]:
    known = schemas(SHARED / "openapi.json")
    return misfits(value, known[name], known, name)


@pytest.fixture
def event_names() -> dict[str, str]:
    """The schemas of events by their types."""
    known = schemas(SHARED / "openapi.json")
    found = {}
    for name, schema in known.items():
        kinds = schema.get("properties", {}).get("type", {}).get("enum", [])
        if name.startswith("Response") and name.endswith("Event") and len(kinds) == 1:
            found[kinds[0]] = name
    return found


@pytest.mark.parametrize("end", [Say("."), Fail(), Incomplete()], ids=lambda end: type(end).__name__)
@pytest.mark.parametrize("include", [[], INCLUDE], ids=["plain", "included"])
async def test_every_event_and_response_fits(talk, event_names, end, include):
    turn = Turn(*EVERYTHING.actions, end)
    tools = [FUNCTION, {"type": "mcp", "server_label": "mcp", "server_url": "http://x"}]
    async with talk(Scenario([turn])) as api:
        events = await streamed(api, tools=tools, include=include, background=True, top_logprobs=1)
        whole = await api.get(f"{PATH}/{events[0]['response']['id']}")

    assert len({event["type"] for event in events}) > 30
    assert [problem for event in events for problem in _misfits(event, event_names[event["type"]])] == []
    assert _misfits(whole, "Response") == []


async def test_lists_conversations_and_the_rest_fit(talk):
    async with talk(Scenario([Turn(Think("hm"), Say("Hi"))])) as api:
        room = await api.post("/conversations", {"items": [{"role": "user", "content": "Hello"}]})
        made = await api.post(PATH, request(conversation=room["id"]))
        listed = await api.get(f"{PATH}/{made['id']}/input_items")
        items = await api.get(f"/conversations/{room['id']}/items")
        counted = await api.post(f"{PATH}/input_tokens", request())
        compact = await api.post(f"{PATH}/compact", {"model": "m", "input": "Hello"})
        _, deleted = await api.ask("DELETE", f"/conversations/{room['id']}")

    assert _misfits(room, "ConversationResource") == []
    assert _misfits(listed, "ResponseItemList") == []
    assert _misfits(items, "ConversationItemList") == []
    assert _misfits(counted, "TokenCountsResource") == []
    assert _misfits(compact, "CompactResource") == []
    assert _misfits(deleted, "DeletedConversationResource") == []


def test_what_does_not_fit_is_found():
    found = _misfits({"type": "response.queued", "response": {"id": 1}, "sequence_number": "0"}, "ResponseQueuedEvent")

    assert "ResponseQueuedEvent.sequence_number is no integer: '0'" in found
    assert "ResponseQueuedEvent.response.output is not there" in found
