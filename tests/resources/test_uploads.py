"""Several uploads at once: how many, in which order, and what a failure does to the others."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from asyncstream.errors import ConfigurationError
from asyncstream.resources.uploads import upload_all


class Uploads:
    """Counts the uploads under way; each takes a few turns of the loop, the later ones fewer."""

    def __init__(self) -> None:
        self.under_way = 0
        self.most = 0
        self.begun: list[int] = []
        self.ended: list[int] = []

    async def upload(self, number: int) -> str:
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        self.begun.append(number)
        try:
            for _ in range(20 - number):
                await asyncio.sleep(0)
            if number == 7:
                raise OSError("no such file")
            self.ended.append(number)
            return f"file-{number}"
        finally:
            self.under_way -= 1


@pytest.mark.parametrize("most", [1, 2, 5, 50])
async def test_uploads_are_bounded_and_keep_their_order(most: int) -> None:
    uploads = Uploads()

    results = await upload_all(uploads.upload, range(7), max_concurrency=most)

    assert [f"file-{number}" for number in range(7)] == results
    assert min(most, 7) == uploads.most


async def test_a_generator_is_asked_when_an_upload_begins() -> None:
    uploads = Uploads()
    taken: list[int] = []

    def files() -> Iterator[int]:
        for number in range(6):
            taken.append(uploads.under_way)
            yield number

    await upload_all(uploads.upload, files(), max_concurrency=2)

    assert max(taken) == 1


async def test_first_failure_ends_the_others_and_tells_what_was_uploaded() -> None:
    uploads = Uploads()

    with pytest.raises(OSError, match="no such file") as caught:
        await upload_all(uploads.upload, [19, 7, 1, 2, 3], max_concurrency=3)

    assert 0 == uploads.under_way
    assert [19] == uploads.ended
    assert ["uploaded before: file-19"] == caught.value.__notes__


async def test_cancellation_ends_all_uploads() -> None:
    uploads = Uploads()
    task = asyncio.create_task(upload_all(uploads.upload, range(5), max_concurrency=5))
    while uploads.under_way < 5:  # noqa: ASYNC110 - a turn of the loop begins them all
        await asyncio.sleep(0)

    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert (0, []) == (uploads.under_way, uploads.ended)


@pytest.mark.parametrize("most", [0, -1, True, 2.0, None, "3"])
async def test_bad_bound_is_refused(most: Any) -> None:
    with pytest.raises(ConfigurationError, match="max_concurrency"):
        await upload_all(Uploads().upload, [1], max_concurrency=most)


@pytest.mark.parametrize("files", [b"one file", "path", None, 3])
async def test_what_is_no_list_of_files_is_refused(files: Any) -> None:
    with pytest.raises(ConfigurationError, match="files"):
        await upload_all(Uploads().upload, files, max_concurrency=1)
