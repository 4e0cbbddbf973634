"""Files and models: uploads, what is listed, what is refused, and when a file is processed or gone."""

import aiohttp
import pytest

from asyncstream.server import Scenario
from asyncstream.server.forms import read_form
from asyncstream.server.problems import WireError

CONTENT = b"first\r\nsecond\r\n--no boundary\r\n\x00\xff"


def form(content: bytes = CONTENT, filename: str = "notes.txt", **fields: str) -> aiohttp.FormData:
    data = aiohttp.FormData()
    for name, value in {"purpose": "assistants", **fields}.items():
        data.add_field(name, value)
    data.add_field("file", content, filename=filename, content_type="text/plain")
    return data


async def upload(api, *args, **kwargs) -> dict:
    return await api.post("/files", data=form(*args, **kwargs))


async def test_file_lives_from_upload_to_delete(talk):
    async with talk(Scenario(processing=0)) as api:
        made = await upload(api)
        path = f"/files/{made['id']}"
        got = await api.get(path)
        async with api.request("GET", f"{path}/content") as response:
            content = await response.read()
            headers = response.headers
        status, deleted = await api.ask("DELETE", path)
        error = await api.refused(404, "GET", path)
        await api.refused(404, "GET", f"{path}/content")

    assert made["id"].startswith("file-")
    assert ("file", "notes.txt", "assistants", len(CONTENT), None) == tuple(
        made[key] for key in ("object", "filename", "purpose", "bytes", "expires_at")
    )
    assert {**made, "status": "processed"} == got
    assert CONTENT == content
    assert ("text/plain", 'attachment; filename="notes.txt"') == (
        headers["Content-Type"],
        headers["Content-Disposition"],
    )
    assert (200, {"id": made["id"], "object": "file", "deleted": True}) == (status, deleted)
    assert "id" == error["param"]


async def test_file_takes_a_moment_to_be_processed(talk):
    async with talk(Scenario(processing=0.02)) as api:
        made = await upload(api)

        async def look() -> bool:
            return (await api.get(f"/files/{made['id']}"))["status"] == "processed"

        await api.until(look)

    assert "uploaded" == made["status"]


async def test_files_are_listed_by_purpose_and_page(talk):
    async with talk() as api:
        for number in range(3):
            await upload(api, filename=f"{number}.txt")
        await upload(api, filename="pet.png", purpose="vision")
        all_of_them = await api.get("/files")
        mine = await api.get("/files", purpose="assistants", order="asc", limit="2")
        rest = await api.get("/files", purpose="assistants", order="asc", after=mine["last_id"])
        await api.get("/files", limit="10000")
        await api.refused(400, "GET", "/files", params={"limit": "10001"})

    assert ["pet.png", "2.txt", "1.txt", "0.txt"] == [file["filename"] for file in all_of_them["data"]]
    assert (["0.txt", "1.txt"], True) == ([file["filename"] for file in mine["data"]], mine["has_more"])
    assert (["2.txt"], False) == ([file["filename"] for file in rest["data"]], rest["has_more"])


async def test_file_expires(talk):
    expiry = {"expires_after[anchor]": "created_at", "expires_after[seconds]": "3600"}
    async with talk(Scenario(day=0.24)) as api:
        made = await upload(api, **expiry)
        await upload(api, filename="stays.txt")

        async def look() -> bool:
            status, _ = await api.ask("GET", f"/files/{made['id']}")
            return status == 404

        await api.until(look)
        listed = await api.get("/files")

    assert 3600 == made["expires_at"] - made["created_at"]
    assert ["stays.txt"] == [file["filename"] for file in listed["data"]]


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"purpose": "world_domination"}, "purpose"),
        ({"color": "red"}, "color"),
        ({"expires_after": "soon"}, "expires_after[anchor]"),
        ({"expires_after[anchor]": "last_active_at", "expires_after[seconds]": "3600"}, "expires_after[anchor]"),
        ({"expires_after[anchor]": "created_at"}, "expires_after[seconds]"),
        ({"expires_after[anchor]": "created_at", "expires_after[seconds]": "3599"}, "expires_after[seconds]"),
        ({"expires_after[anchor]": "created_at", "expires_after[seconds]": "-1"}, "expires_after[seconds]"),
    ],
)
async def test_bad_uploads_are_refused(talk, fields, param):
    async with talk() as api:
        error = await api.refused(400, "POST", "/files", data=form(**fields))

    assert param == error["param"]


async def test_upload_needs_a_file_and_a_purpose(talk):
    without_file, without_purpose = aiohttp.FormData(), aiohttp.FormData()
    without_file.add_field("purpose", "assistants", content_type="text/plain")
    without_purpose.add_field("file", b"x", filename="x.txt")
    async with talk() as api:
        errors = [await api.refused(400, "POST", "/files", data=data) for data in (without_file, without_purpose)]
        await api.refused(400, "POST", "/files", {"purpose": "assistants"})

    assert ["file", "purpose"] == [error["param"] for error in errors]


def part(head: str, content: bytes) -> bytes:
    return b"--b\r\n" + head.encode() + b"\r\n\r\n" + content + b"\r\n"


def test_form_is_read_byte_for_byte():
    raw = (
        part('Content-Disposition: form-data; name="purpose"', "für alle".encode())
        + part('Content-Disposition: form-data; name="a[b]"', b"1")
        + part('content-disposition: form-data; name="a[c]"', b"2")
        + part("Content-Disposition: form-data; name=\"file\"; filename*=utf-8''%C3%BC.bin", b"\r\n--\r\n--c\r\n")
        + part('Content-Disposition: form-data; name="empty"; filename="e"\r\nContent-Type: image/png', b"")
        + b"--b--\r\nepilogue"
    )
    read = read_form(raw, 'multipart/form-data; boundary="b"')

    assert {"purpose": "für alle", "a": {"b": "1", "c": "2"}} == read.fields
    assert ("ü.bin", b"\r\n--\r\n--c\r\n") == (read.files["file"].filename, read.files["file"].content)
    assert ("image/png", b"") == (read.files["empty"].content_type, read.files["empty"].content)


@pytest.mark.parametrize(
    ("raw", "content_type"),
    [
        (b"{}", "application/json"),
        (b"--b--\r\n", "multipart/form-data"),
        (b"", "multipart/form-data; boundary=b"),
        (part('Content-Disposition: form-data; name="x"', b"") * 101 + b"--b--", "multipart/form-data; boundary=b"),
        (part('Content-Disposition: form-data; name="x"', b"cut"), "multipart/form-data; boundary=b"),
        (b"--b\r\nno headers\r\n--b--", "multipart/form-data; boundary=b"),
        (part("Content-Type: text/plain", b"no name") + b"--b--", "multipart/form-data; boundary=b"),
        (
            part('Content-Disposition: form-data; name="' + ";" * 10_000, b"long") + b"--b--",
            "multipart/form-data; boundary=b",
        ),
    ],
)
def test_what_is_no_form_is_refused(raw, content_type):
    with pytest.raises(WireError) as caught:
        read_form(raw, content_type)

    assert 400 == caught.value.status


async def test_models_are_those_of_the_scenario(talk):
    async with talk(Scenario(models=["m-1", "ft:m-1:acme:pets:1"])) as api:
        listed = await api.get("/models")
        one = await api.get("/models/m-1")
        error = await api.refused(404, "GET", "/models/m-2")
        await api.refused(403, "DELETE", "/models/m-1")
        _, deleted = await api.ask("DELETE", "/models/ft:m-1:acme:pets:1")
        rest = await api.get("/models")

    assert [("m-1", "system"), ("ft:m-1:acme:pets:1", "acme")] == [(m["id"], m["owned_by"]) for m in listed["data"]]
    assert listed["data"][0] == one
    assert "model_not_found" == error["code"]
    assert {"id": "ft:m-1:acme:pets:1", "object": "model", "deleted": True} == deleted
    assert ["m-1"] == [model["id"] for model in rest["data"]]
