"""Stored chat completions: they are kept if `store` says so, listed, changed and deleted."""

from chat_api import PATH, request

from asyncstream.server import Cut, ErrorEvent, Say, Scenario, Turn


async def test_only_what_is_to_be_stored_is(talk):
    async with talk() as api:
        await api.post(PATH, request())
        kept = await api.post(PATH, request(store=True, metadata={"a": "b"}, temperature=0.5))
        await api.raw(PATH, request(store=True))
        listed = await api.get(PATH)
        retrieved = await api.get(f"{PATH}/{kept['id']}")

    assert len(listed["data"]) == 2
    assert listed["data"][0] == retrieved
    assert retrieved["choices"] == kept["choices"]
    assert retrieved["metadata"] == {"a": "b"}
    assert (retrieved["temperature"], retrieved["top_p"]) == (0.5, 1.0)


async def test_streamed_answer_is_stored_whole_unless_it_failed(talk):
    turns = [Turn(Say("All of it.")), Turn(Say("Half"), ErrorEvent("m")), Turn(Say("Cut"), Cut())]
    async with talk(Scenario(turns)) as api:
        for _ in turns:
            await api.raw(PATH, request(store=True))
        listed = await api.get(PATH)

    contents = [completion["choices"][0]["message"]["content"] for completion in listed["data"]]
    # A connection that breaks says nothing about the answer.
    assert contents[0] == "All of it."
    assert "Half" not in contents


async def test_list_is_paged_oldest_first_and_filtered(talk):
    async with talk() as api:
        made = [
            await api.post(PATH, request(store=True, model=model, metadata={"team": team}))
            for model, team in (("m", "a"), ("n", "a"), ("m", "b"))
        ]
        ids = [completion["id"] for completion in made]
        everything = await api.get(PATH)
        page = await api.get(PATH, limit="1", after=ids[0])
        latest = await api.get(PATH, order="desc")
        of_model = await api.get(PATH, model="m")
        of_team = await api.get(PATH, **{"metadata[team]": "a"})

    assert [item["id"] for item in everything["data"]] == ids
    assert (page["data"][0]["id"], page["has_more"]) == (ids[1], True)
    assert [item["id"] for item in latest["data"]] == ids[::-1]
    assert [item["id"] for item in of_model["data"]] == [ids[0], ids[2]]
    assert [item["id"] for item in of_team["data"]] == ids[:2]


async def test_messages_are_those_of_the_request(talk):
    parts = [{"type": "text", "text": "Look"}, {"type": "image_url", "image_url": {"url": "data:,"}}]
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": parts}]
    async with talk() as api:
        id = (await api.post(PATH, request(store=True, messages=messages)))["id"]
        listed = await api.get(f"{PATH}/{id}/messages")
        page = await api.get(f"{PATH}/{id}/messages", after=f"{id}-0")

    system, user = listed["data"]
    assert (system["id"], system["role"], system["content"], system["content_parts"]) == (
        f"{id}-0",
        "system",
        "Be brief.",
        None,
    )
    assert (user["content"], user["content_parts"]) == ("Look", parts)
    assert page["data"] == [user]


async def test_metadata_can_be_changed_and_nothing_else(talk):
    async with talk() as api:
        id = (await api.post(PATH, request(store=True, metadata={"a": "b"})))["id"]
        changed = await api.post(f"{PATH}/{id}", {"metadata": {"c": "d"}})
        missing = await api.refused(400, "POST", f"{PATH}/{id}", {})
        other = await api.refused(400, "POST", f"{PATH}/{id}", {"metadata": {}, "model": "n"})

    assert changed["metadata"] == {"c": "d"}
    assert missing["code"] == "missing_required_parameter"
    assert other["param"] == "model"


async def test_deleted_is_gone(talk):
    async with talk() as api:
        id = (await api.post(PATH, request(store=True)))["id"]
        async with api.request("DELETE", f"{PATH}/{id}") as response:
            deleted = await response.json()
        for method, path in (("GET", ""), ("POST", ""), ("DELETE", ""), ("GET", "/messages")):
            body = {"metadata": {}} if method == "POST" else None
            await api.refused(404, method, f"{PATH}/{id}{path}", body)

    assert deleted == {"id": id, "object": "chat.completion.deleted", "deleted": True}
