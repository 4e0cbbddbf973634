"""Vector stores, the files in them, batches and searches: what becomes of files, and when; what is refused."""

import aiohttp
import pytest

from asyncstream.server import FileOutcome, Scenario
from asyncstream.server.files.library import Library
from asyncstream.server.files.search import chunks, matches
from asyncstream.server.problems import WireError

FOREVER = 600.0


async def upload(api, name: str = "notes.txt", content: bytes = b"some words") -> str:
    data = aiohttp.FormData()
    data.add_field("purpose", "assistants")
    data.add_field("file", content, filename=name)
    return (await api.post("/files", data=data))["id"]


def counts(**changed: int) -> dict:
    return {"in_progress": 0, "completed": 0, "failed": 0, "cancelled": 0, "total": 0, **changed}


async def until(api, path: str, status: str) -> dict:
    async def look() -> dict | None:
        seen = await api.get(path)
        return seen if seen["status"] == status else None

    return await api.until(look)


async def test_store_lives_from_create_to_delete(talk):
    async with talk() as api:
        made = await api.post("/vector_stores", {"name": "Docs", "description": "all", "metadata": {"a": "b"}})
        path = f"/vector_stores/{made['id']}"
        changed = await api.post(path, {"name": None, "expires_after": {"anchor": "last_active_at", "days": 7}})
        got = await api.get(path)
        listed = await api.get("/vector_stores")
        _, deleted = await api.ask("DELETE", path)
        await api.refused(404, "GET", path)

    assert ("vector_store", "Docs", "completed", counts()) == tuple(
        made[key] for key in ("object", "name", "status", "file_counts")
    )
    assert changed == got == listed["data"][0]
    assert (None, 7 * 86400) == (changed["name"], changed["expires_at"] - changed["last_active_at"])
    assert {"id": made["id"], "object": "vector_store.deleted", "deleted": True} == deleted


async def test_store_takes_a_moment_and_says_when_to_look_again(talk):
    scenario = Scenario(outcomes={"slow.*": FileOutcome(seconds=FOREVER)}, poll_after_ms=7)
    async with talk(scenario) as api:
        slow, quick = await upload(api, "slow.txt"), await upload(api)
        store = await api.post("/vector_stores", {"file_ids": [slow, quick]})
        path = f"/vector_stores/{store['id']}"
        await until(api, f"{path}/files/{quick}", "completed")
        async with api.request("GET", f"{path}/files/{slow}") as response:
            wait = response.headers["openai-poll-after-ms"]
        async with api.request("GET", f"{path}/files/{quick}") as response:
            done = "openai-poll-after-ms" not in response.headers
        half = await api.get(path)
        _, gone = await api.ask("DELETE", f"{path}/files/{slow}")
        whole = await api.get(path)
        file = await api.get(f"/files/{slow}")

    assert ("in_progress", counts(in_progress=2, total=2)) == (store["status"], store["file_counts"])
    assert ("in_progress", counts(in_progress=1, completed=1, total=2)) == (half["status"], half["file_counts"])
    assert ("completed", 10) == (whole["status"], whole["usage_bytes"])
    assert ("7", True) == (wait, done)
    assert {"id": slow, "object": "vector_store.file.deleted", "deleted": True} == gone
    assert slow == file["id"]


async def test_file_in_a_store_lives_from_create_to_delete(talk):
    async with talk() as api:
        id = await upload(api)
        store = await api.post("/vector_stores")
        files = f"/vector_stores/{store['id']}/files"
        sizes = {"max_chunk_size_tokens": 100, "chunk_overlap_tokens": 10}
        body = {"file_id": id, "chunking_strategy": {"type": "static", "static": sizes}, "attributes": {"year": 2024}}
        made = await api.post(files, body)
        early = await api.refused(400, "GET", f"{files}/{id}/content")
        done = await until(api, f"{files}/{id}", "completed")
        content = await api.get(f"{files}/{id}/content")
        changed = await api.post(f"{files}/{id}", {"attributes": {"year": 2025.5, "good": True}})
        await api.ask("DELETE", f"/files/{id}")
        listed = await api.get(files)

    assert ("in_progress", 0, None) == (made["status"], made["usage_bytes"], made["last_error"])
    assert {"type": "static", "static": sizes} == made["chunking_strategy"]
    assert "in_progress" in early["message"]
    assert ({"year": 2024}, 10) == (done["attributes"], done["usage_bytes"])
    assert [{"type": "text", "text": "some words"}] == content["data"]
    assert {"year": 2025.5, "good": True} == changed["attributes"]
    assert [] == listed["data"]


async def test_scripted_and_empty_files_fail(talk):
    bad = FileOutcome("failed", seconds=0, code="unsupported_file", message="No programs.")
    async with talk(Scenario(processing=0, outcomes={"*.exe": bad, "*.x": FileOutcome("cancelled")})) as api:
        names = ("a.exe", "a.x", "a.txt", "empty.txt")
        ids = [await upload(api, name, b"" if name.startswith("empty") else b"a") for name in names]
        store = await api.post("/vector_stores", {"file_ids": ids})
        files = f"/vector_stores/{store['id']}/files"
        seen = [await api.get(f"{files}/{id}") for id in ids]
        failed = await api.get(files, filter="failed", order="asc")
        await api.refused(400, "GET", files, params={"filter": "odd"})

    assert ["failed", "cancelled", "completed", "failed"] == [file["status"] for file in seen]
    assert {"code": "unsupported_file", "message": "No programs."} == seen[0]["last_error"]
    assert "invalid_file" == seen[3]["last_error"]["code"]
    assert [ids[0], ids[3]] == [file["id"] for file in failed["data"]]


async def test_batch_counts_its_own_files(talk):
    outcomes = {"bad.*": FileOutcome("failed"), "slow.*": FileOutcome(seconds=FOREVER)}
    async with talk(Scenario(outcomes=outcomes)) as api:
        other, good, bad, slow = [await upload(api, f"{name}.txt") for name in ("other", "good", "bad", "slow")]
        store = await api.post("/vector_stores", {"file_ids": [other]})
        batches = f"/vector_stores/{store['id']}/file_batches"
        entries = [{"file_id": good, "attributes": {"n": 1}}, {"file_id": bad}, {"file_id": slow}]
        batch = await api.post(batches, {"files": entries})
        path = f"{batches}/{batch['id']}"

        async def look() -> dict | None:
            seen = await api.get(path)
            return seen if seen["file_counts"]["in_progress"] == 1 else None

        half = await api.until(look)
        await api.post(f"{path}/cancel")
        done = await until(api, path, "cancelled")
        await api.refused(400, "POST", f"{path}/cancel")
        page = await api.get(f"{path}/files", order="asc", limit="2")
        rest = await api.get(f"{path}/files", order="asc", after=page["last_id"], filter="cancelled")

    assert ("vector_store.file_batch", store["id"]) == (batch["object"], batch["vector_store_id"])
    assert counts(in_progress=1, completed=1, failed=1, total=3) == half["file_counts"]
    assert counts(cancelled=1, completed=1, failed=1, total=3) == done["file_counts"]
    assert ([good, bad], [slow]) == ([f["id"] for f in page["data"]], [f["id"] for f in rest["data"]])
    assert {"n": 1} == page["data"][0]["attributes"]


async def test_expired_store_takes_nothing_and_cancels_what_it_had_not_read(talk):
    scenario = Scenario(processing=0, outcomes={"slow.*": FileOutcome(seconds=FOREVER)}, day=0.02)
    async with talk(scenario) as api:
        ids = [await upload(api, "slow.txt"), await upload(api)]
        expiry = {"anchor": "last_active_at", "days": 1}
        store = await api.post("/vector_stores", {"file_ids": ids, "expires_after": expiry})
        path = f"/vector_stores/{store['id']}"
        expired = await until(api, path, "expired")
        await api.refused(400, "POST", f"{path}/files", {"file_id": ids[1]})
        await api.refused(400, "POST", f"{path}/file_batches", {"file_ids": ids})
        await api.refused(400, "POST", f"{path}/search", {"query": "words"})

    assert counts(completed=1, cancelled=1, total=2) == expired["file_counts"]


async def test_search_ranks_filters_and_limits(talk):
    async with talk(Scenario(processing=0)) as api:
        texts = {
            "cats.txt": b"Cats sleep all day.",
            "dogs.txt": b"Dogs sleep at night.",
            "ants.txt": b"Ants never rest.",
        }
        ids = {name: await upload(api, name, text) for name, text in texts.items()}
        store = await api.post("/vector_stores")
        path = f"/vector_stores/{store['id']}"
        files = [{"file_id": id, "attributes": {"name": name[:4], "size": len(name)}} for name, id in ids.items()]
        await api.post(f"{path}/file_batches", {"files": files})

        async def search(query: object, **more: object) -> list[str]:
            found = await api.post(f"{path}/search", {"query": query, **more})
            assert ("vector_store.search_results.page", False, None) == (
                found["object"],
                found["has_more"],
                found["next_page"],
            )
            return [result["filename"] for result in found["data"]]

        assert ["dogs.txt", "cats.txt"] == await search("where do dogs sleep")
        assert ["dogs.txt"] == await search("where do dogs sleep", max_num_results=1)
        assert ["dogs.txt"] == await search("dogs sleep", ranking_options={"score_threshold": 0.9})
        assert ["cats.txt"] == await search("sleep", filters={"type": "eq", "key": "name", "value": "cats"})
        assert ["cats.txt", "ants.txt"] == await search(["cats", "rest"])
        assert [] == await search("elephants")
        found = await api.post(f"{path}/search", {"query": "cats"})
        await api.refused(400, "POST", f"{path}/search", {"query": []})
        await api.refused(400, "POST", f"{path}/search", {"query": "x", "max_num_results": 51})
        await api.refused(400, "POST", f"{path}/search", {"query": "x", "filters": {"type": "odd"}})

    result = found["data"][0]
    assert (ids["cats.txt"], 1.0, {"name": "cats", "size": 8}) == (
        result["file_id"],
        result["score"],
        result["attributes"],
    )
    assert [{"type": "text", "text": "Cats sleep all day."}] == result["content"]
    assert ["cats"] == found["search_query"]


@pytest.mark.parametrize(
    ("filters", "passes"),
    [
        (None, True),
        ({"type": "eq", "key": "n", "value": 3}, True),
        ({"type": "ne", "key": "n", "value": 3}, False),
        ({"type": "gt", "key": "n", "value": 2}, True),
        ({"type": "gte", "key": "n", "value": 3}, True),
        ({"type": "lt", "key": "n", "value": 3}, False),
        ({"type": "lte", "key": "n", "value": 3}, True),
        ({"type": "lt", "key": "s", "value": "b"}, True),
        ({"type": "lt", "key": "n", "value": "b"}, False),
        ({"type": "gt", "key": "none", "value": 1}, False),
        ({"type": "in", "key": "s", "value": ["a", "b"]}, True),
        ({"type": "nin", "key": "s", "value": ["a", "b"]}, False),
        ({"type": "and", "filters": [{"type": "eq", "key": "n", "value": 3}]}, True),
        ({"type": "and", "filters": [{"type": "eq", "key": "n", "value": v} for v in (3, 4)]}, False),
        ({"type": "or", "filters": [{"type": "eq", "key": "n", "value": v} for v in (3, 4)]}, True),
    ],
)
def test_filters(filters, passes):
    assert passes == matches(filters, {"n": 3, "s": "a"})


@pytest.mark.parametrize(
    "filters",
    [
        {"type": "in", "key": "n", "value": 3},
        {"type": "like", "key": "n", "value": 3},
        {"type": "eq", "key": "n"},
        {"type": "and", "filters": ["x"]},
        {"type": "and", "filters": [{"type": "or"}]},
    ],
)
def test_bad_filters_are_refused(filters):
    with pytest.raises(WireError):
        matches(filters, {})


def test_chunks_overlap_and_lose_nothing():
    strategy = {"static": {"max_chunk_size_tokens": 4, "chunk_overlap_tokens": 2}}

    assert [] == chunks(" \n", strategy)
    assert ["a b"] == chunks("a b", strategy)
    assert ["a b\nc d"] == chunks("a b\nc d", strategy)
    assert ["a b c d", "c d e"] == chunks("a b c d e", strategy)
    assert ["a b c d", "c d e f", "e f g"] == chunks("a b c d e f g", strategy)


@pytest.mark.parametrize(
    ("path", "body", "param"),
    [
        ("", {"name": None}, "name"),
        ("", {"color": "red"}, "color"),
        ("", {"file_ids": ["file-x"] * 501}, "file_ids"),
        ("", {"expires_after": {"anchor": "created_at", "days": 1}}, "expires_after.anchor"),
        ("", {"expires_after": {"anchor": "last_active_at", "days": 366}}, "expires_after.days"),
        ("", {"expires_after": {"anchor": "last_active_at"}}, "expires_after.days"),
        ("", {"chunking_strategy": {"type": "odd"}}, "chunking_strategy.type"),
        ("", {"chunking_strategy": {}}, "chunking_strategy.type"),
        ("", {"chunking_strategy": {"type": "static"}}, "chunking_strategy.static"),
        ("/{store}/files", {}, "file_id"),
        ("/{store}/files", {"file_id": "{file}", "attributes": {"a": []}}, "attributes.a"),
        ("/{store}/files", {"file_id": "{file}", "attributes": {str(n): n for n in range(17)}}, "attributes"),
        ("/{store}/file_batches", {}, "file_ids"),
        ("/{store}/file_batches", {"file_ids": []}, "file_ids"),
        ("/{store}/file_batches", {"file_ids": [3]}, "file_ids[0]"),
        ("/{store}/file_batches", {"files": [{}]}, "files[0].file_id"),
        ("/{store}/file_batches", {"files": [{"file_id": "a"}], "file_ids": ["a"]}, "files"),
    ],
)
async def test_bad_bodies_are_refused(talk, path, body, param):
    async with talk() as api:
        store = await api.post("/vector_stores")
        error = await api.refused(400, "POST", "/vector_stores" + path.format(store=store["id"]), body)

    assert param == error["param"]


@pytest.mark.parametrize(("size", "overlap"), [(99, 0), (4097, 0), (200, 101), (200, -1)])
async def test_bad_chunks_are_refused(talk, size, overlap):
    strategy = {"type": "static", "static": {"max_chunk_size_tokens": size, "chunk_overlap_tokens": overlap}}
    async with talk() as api:
        await api.refused(400, "POST", "/vector_stores", {"chunking_strategy": strategy})


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/vector_stores", {"file_ids": ["file-none"]}),
        ("GET", "/vector_stores/none", None),
        ("GET", "/vector_stores/none/files", None),
        ("POST", "/vector_stores/{store}/files", {"file_id": "file-none"}),
        ("GET", "/vector_stores/{store}/files/none", None),
        ("GET", "/vector_stores/{store}/files/none/content", None),
        ("POST", "/vector_stores/{store}/file_batches", {"file_ids": ["{file}", "file-none"]}),
        ("GET", "/vector_stores/{store}/file_batches/none", None),
        ("POST", "/vector_stores/{store}/file_batches/none/cancel", None),
        ("GET", "/vector_stores/{store}/file_batches/none/files", None),
    ],
)
async def test_unknown_ids_are_404_and_begin_nothing(talk, method, path, body):
    async with talk() as api:
        store = await api.post("/vector_stores")
        await api.refused(404, method, path.format(store=store["id"]), body)
        after = await api.get(f"/vector_stores/{store['id']}")
        listed = await api.get("/vector_stores")

    assert 0 == after["file_counts"]["total"]
    assert [store["id"]] == [one["id"] for one in listed["data"]]


def test_use_puts_off_the_end_of_a_store():
    now = 0.0
    library = Library(Scenario(processing=1.0, day=10.0), clock=lambda: now)
    file = library.add_file("a.txt", b"a", "assistants", None)
    store = library.add_store({"expires_after": {"anchor": "last_active_at", "days": 1}}, 1)
    id = store.wire["id"]
    now = 9.0
    library.attach(library.store(id), file.wire["id"], None, {})
    now = 18.0
    assert "completed" == library.store(id).wire["status"]
    library.set_expiry(store, None)
    now = 100.0
    assert "completed" == library.store(id).wire["status"]
    library.set_expiry(store, 2)
    assert "expired" == library.store(id).wire["status"]
    assert "completed" == store.file(file.wire["id"]).wire["status"]
