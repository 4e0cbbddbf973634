"""Conversations and their items, and what is around the input of responses: items, tokens, compaction."""

import pytest
from response_api import FUNCTION, PATH, request

from asyncstream.server import CallFunction, Say, Scenario, Think, Turn

ROOM = "/conversations"


def _texts(items: list[dict]) -> list[str]:
    return [item["content"][0]["text"] for item in items if item["type"] == "message"]


async def test_conversation_lives_from_create_to_delete(talk):
    async with talk() as api:
        made = await api.post(ROOM, {"metadata": {"a": "b"}, "items": [{"role": "user", "content": "one"}]})
        path = f"{ROOM}/{made['id']}"
        changed = await api.post(path, {"metadata": {"c": "d"}})
        got = await api.get(path)
        items = await api.get(f"{path}/items")
        status, gone = await api.ask("DELETE", path)
        error = await api.refused(404, "GET", path)

    assert (made["object"], made["metadata"], changed["metadata"]) == ("conversation", {"a": "b"}, {"c": "d"})
    assert got == changed
    assert _texts(items["data"]) == ["one"]
    assert (status, gone) == (200, {"id": made["id"], "object": "conversation.deleted", "deleted": True})
    assert error["message"] == f"Conversation with id '{made['id']}' not found."


async def test_items_live_from_create_to_delete(talk):
    async with talk() as api:
        path = f"{ROOM}/{(await api.post(ROOM))['id']}/items"
        added = await api.post(path, {"items": [{"role": "user", "content": text} for text in "abc"]})
        ids = [item["id"] for item in added["data"]]
        listed = await api.get(path, limit="2")
        rest = await api.get(path, after=listed["last_id"])
        one = await api.get(f"{path}/{ids[1]}")
        status, room = await api.ask("DELETE", f"{path}/{ids[1]}")
        left = await api.get(path, order="asc")
        await api.refused(404, "GET", f"{path}/{ids[1]}")
        await api.refused(404, "DELETE", f"{path}/{ids[1]}")

    assert (added["object"], added["first_id"], added["last_id"]) == ("list", ids[0], ids[2])
    assert (_texts(listed["data"]), listed["has_more"]) == (["c", "b"], True)
    assert (_texts(rest["data"]), rest["has_more"]) == (["a"], False)
    assert one == added["data"][1]
    assert (status, room["object"]) == (200, "conversation")
    assert _texts(left["data"]) == ["a", "c"]


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({}, "items"),
        ({"items": [{"role": "user", "content": "x"}] * 21}, "items"),
        ({"items": [{"role": "user"}]}, "items[0].content"),
        ({"items": [], "more": 1}, "more"),
    ],
)
async def test_bad_items_are_refused(talk, body, param):
    async with talk() as api:
        path = f"{ROOM}/{(await api.post(ROOM))['id']}/items"
        error = await api.refused(400, "POST", path, body)

    assert error["param"] == param


async def test_responses_grow_their_conversation(talk):
    asked = []

    def answer(segment):
        asked.append([result.output for result in segment.results])
        return Turn(Say("Sunny."))

    async with talk(Scenario([Turn(CallFunction("f", id="c"))], answer=answer)) as api:
        room = await api.post(ROOM, {"items": [{"role": "user", "content": "Hello"}]})
        first = await api.post(PATH, request(conversation=room["id"], input="How is it?"))
        output = {"type": "function_call_output", "call_id": "c", "output": "21"}
        await api.post(PATH, request(conversation={"id": room["id"]}, input=[output]))
        items = await api.get(f"{ROOM}/{room['id']}/items", order="asc")
        await api.refused(404, "POST", PATH, request(conversation="conv_none"))

    assert first["conversation"] == {"id": room["id"]}
    kinds = ["message", "message", "function_call", "function_call_output", "message"]
    assert [item["type"] for item in items["data"]] == kinds
    assert _texts(items["data"]) == ["Hello", "How is it?", "Sunny."]
    assert asked == [["21"]]


async def test_input_items_are_all_that_the_model_was_told(talk):
    async with talk(Scenario([Turn(Say("Hi"))] * 2)) as api:
        first = await api.post(
            PATH, request(input=[{"role": "developer", "content": "Be kind"}, {"role": "user", "content": "a"}])
        )
        second = await api.post(PATH, request(previous_response_id=first["id"], input="b"))
        path = f"{PATH}/{second['id']}/input_items"
        newest = await api.get(path, limit="1")
        everything = await api.get(path, order="asc")
        await api.refused(404, "GET", f"{PATH}/resp_none/input_items")

    assert (_texts(newest["data"]), newest["has_more"]) == (["b"], True)
    assert _texts(everything["data"]) == ["Be kind", "a", "Hi", "b"]
    assert all(item["id"].startswith("msg_") for item in everything["data"])


async def test_tokens_are_counted_before_anything_is_asked(talk):
    async with talk(Scenario([Turn(Say("Hi"))])) as api:
        counted = await api.post(f"{PATH}/input_tokens", request(input="one two three", instructions="four"))
        with_tools = await api.post(f"{PATH}/input_tokens", request(tools=[FUNCTION]))
        made = await api.post(PATH, request(input="one two three", instructions="four"))
        error = await api.refused(400, "POST", f"{PATH}/input_tokens", {"model": "m"})

    assert counted == {"object": "response.input_tokens", "input_tokens": 4}
    assert with_tools["input_tokens"] > 2
    assert made["usage"]["input_tokens"] == 4
    assert error["param"] == "input"


async def test_compaction_keeps_what_the_user_said(talk):
    async with talk(Scenario([Turn(Think("hm"), Say("Hi")), Turn(Say("Bye"))])) as api:
        first = await api.post(PATH, request(input="one"))
        compact = await api.post(f"{PATH}/compact", {"model": "m", "previous_response_id": first["id"]})
        after = await api.post(PATH, request(input=[*compact["output"], {"role": "user", "content": "two"}]))
        error = await api.refused(400, "POST", f"{PATH}/compact", {"input": "x"})

    assert compact["object"] == "response.compaction"
    assert [item["type"] for item in compact["output"]] == ["message", "compaction"]
    assert _texts(compact["output"]) == ["one"]
    assert after["output"][0]["content"][0]["text"] == "Bye"
    assert error["param"] == "model"


async def test_items_are_referred_to_by_their_ids(talk):
    async with talk(Scenario([Turn(Think("hm"), Say("Hi"))] * 2)) as api:
        first = await api.post(PATH, request(input="one"))
        reasoning, message = first["output"]
        references = [{"type": "item_reference", "id": message["id"]}, {"id": reasoning["id"]}]
        second = await api.post(PATH, request(input=[*references, {"role": "user", "content": "two"}]))
        items = await api.get(f"{PATH}/{second['id']}/input_items", order="asc")
        await api.refused(404, "POST", PATH, request(input=[{"type": "item_reference", "id": "msg_none"}]))

    assert items["data"][:2] == [message, reasoning]


async def test_reasoning_that_nobody_kept_must_be_sent_whole(talk):
    async with talk(Scenario([Turn(Think("hm"), Say("Hi"))] * 3)) as api:
        bare = await api.post(PATH, request(store=False))
        error = await api.refused(404, "POST", PATH, request(input=bare["output"]))
        whole = await api.post(PATH, request(store=False, include=["reasoning.encrypted_content"]))
        again = await api.post(PATH, request(input=[*whole["output"], {"role": "user", "content": "two"}]))

    assert bare["output"][0]["id"] in error["message"]
    assert again["status"] == "completed"
