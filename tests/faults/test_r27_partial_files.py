"""R27: "a file download: mode of the partial file, a link in its place: no wider than its target, exclusively created."

While content comes, it stands in a file beside its target. Nobody may read it there who may not read the target; what
somebody else has put in its place is neither written to nor removed; and whatever ends the download ends it.
"""

import asyncio
import errno
import os
import secrets
import stat
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from raw_server import Exchange, Handler, raw_server

from asyncstream import APIConnectionError, AsyncClient

pytestmark = [
    pytest.mark.faults,
    pytest.mark.skipif(not hasattr(os, "O_NOFOLLOW"), reason="this system has no modes and links like those of POSIX"),
]

CONTENT = b"0123456789" * 20_000


@asynccontextmanager
async def downloading(handler: Handler) -> AsyncIterator[AsyncClient]:
    async with raw_server(handler) as server:
        async with AsyncClient(api_key="sk-x", base_url=server.url, max_retries=0) as client:
            yield client


class Halves:
    """A server that sends the first half of a content, and the second when it is told to."""

    def __init__(self) -> None:
        self.go_on = asyncio.Event()

    async def __call__(self, exchange: Exchange) -> None:
        head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(CONTENT)}\r\n\r\n".encode()
        await exchange.send(head + CONTENT[: len(CONTENT) // 2])
        await self.go_on.wait()
        await exchange.send(CONTENT[len(CONTENT) // 2 :])


def permissions(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


async def partial_of(target: Path) -> Path:
    """Wait until there is a partial file beside a target, and return it."""
    async with asyncio.timeout(5):
        while not (found := list(target.parent.glob(".*.part"))):  # noqa: ASYNC110 - made in a thread; only looking shows it
            await asyncio.sleep(0.001)
    return found[0]


@pytest.fixture
def umask() -> Iterator[Callable[[int], int]]:
    before = os.umask(0o022)
    yield os.umask
    os.umask(before)


@pytest.mark.parametrize("mask", [0o022, 0o077, 0o000])
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o644, 0o400, 0o000, 0o660, 0o4755, None])
async def test_the_partial_file_is_no_wider_than_its_target(tmp_path, umask, mode, mask):
    umask(mask)
    target = tmp_path / "private.bin"
    if mode is not None:
        target.write_bytes(b"before")
        target.chmod(mode)
    wanted = 0o666 & ~mask if mode is None else mode
    halves = Halves()
    async with downloading(halves) as client:
        task = asyncio.ensure_future(client.files.content("file-1").write_to(target))
        partial = await partial_of(target)
        meanwhile = permissions(partial)
        halves.go_on.set()
        assert await task == len(CONTENT)

    assert 0 == meanwhile & ~wanted, oct(meanwhile)
    assert oct(wanted) == oct(permissions(target))
    assert [target] == list(tmp_path.iterdir())
    target.chmod(0o600)
    assert target.read_bytes() == CONTENT


async def test_a_link_to_the_target_counts_as_what_it_leads_to(tmp_path, umask):
    (tmp_path / "kept").mkdir()
    real = tmp_path / "kept" / "private.bin"
    real.touch(0o600)
    link = tmp_path / "link.bin"
    link.symlink_to(real)
    halves = Halves()
    async with downloading(halves) as client:
        task = asyncio.ensure_future(client.files.content("file-1").write_to(link))
        assert 0o600 == permissions(await partial_of(real))
        halves.go_on.set()
        await task

    assert link.is_symlink()
    assert (0o600, CONTENT) == (permissions(real), real.read_bytes())


def names(monkeypatch: pytest.MonkeyPatch, *given: str) -> None:
    """Let the names that nobody can guess be these, and the last of them for ever."""
    left = list(given)
    monkeypatch.setattr(secrets, "token_hex", lambda size=16: left.pop(0) if len(left) > 1 else left[0])


def occupy(path: Path, what: str, victim: Path) -> None:
    match what:
        case "link":
            path.symlink_to(victim)
        case "hard link":
            path.hardlink_to(victim)
        case "dangling link":
            path.symlink_to(victim.with_name("appears"))
        case "file":
            path.write_bytes(b"somebody else's")
        case "pipe":
            os.mkfifo(path)


OCCUPANTS = ["link", "hard link", "dangling link", "file", "pipe"]


async def whole(exchange: Exchange) -> None:
    await exchange.reply(200, CONTENT)


@pytest.fixture
def victim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("elsewhere") / "victim"
    made.write_bytes(b"keep me")
    made.chmod(0o666)
    return made


@pytest.mark.parametrize("what", OCCUPANTS)
async def test_what_stands_in_its_place_is_left_alone(tmp_path, monkeypatch, victim, what):
    target = tmp_path / "new.bin"
    # Whoever guessed the name is told by the first download where it is.
    names(monkeypatch, "known", "other")
    halves = Halves()
    async with downloading(halves) as client:
        task = asyncio.ensure_future(client.files.content("file-1").write_to(target))
        guessed = await partial_of(target)
        halves.go_on.set()
        await task
        target.unlink()

        names(monkeypatch, "known", "other")
        occupy(guessed, what, victim)
        before = guessed.lstat()
        await client.files.content("file-1").write_to(target)

    assert target.read_bytes() == CONTENT
    assert not target.is_symlink()
    assert os.path.samestat(before, after := guessed.lstat())
    assert (before.st_mode, before.st_size, before.st_mtime_ns) == (after.st_mode, after.st_size, after.st_mtime_ns)
    assert b"keep me" == victim.read_bytes()
    assert [victim] == list(victim.parent.iterdir())


@pytest.mark.parametrize("what", OCCUPANTS)
async def test_a_name_that_is_always_taken_is_an_error_and_nothing_is_removed(tmp_path, monkeypatch, victim, what):
    target = tmp_path / "new.bin"
    names(monkeypatch, "known")
    halves = Halves()
    async with downloading(halves) as client:
        task = asyncio.ensure_future(client.files.content("file-1").write_to(target))
        guessed = await partial_of(target)
        halves.go_on.set()
        await task
        target.write_bytes(b"before")
        occupy(guessed, what, victim)
        with pytest.raises(FileExistsError):
            await client.files.content("file-1").write_to(target)

    assert {target, guessed} == {*tmp_path.iterdir()}
    assert b"before" == target.read_bytes()
    assert b"keep me" == victim.read_bytes()


async def cut(exchange: Exchange) -> None:
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(CONTENT)}\r\n\r\n".encode()
    await exchange.send(head + CONTENT[:1000])
    exchange.fin()


@pytest.mark.parametrize("before", [None, b"before"])
async def test_a_broken_download_leaves_what_was_there(tmp_path, before):
    target = tmp_path / "new.bin"
    if before is not None:
        target.write_bytes(before)
    async with downloading(cut) as client:
        with pytest.raises(APIConnectionError, match="broke off"):
            await client.files.content("file-1").write_to(target)

    assert ([] if before is None else [target]) == list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "refused", ["pathlib.Path.replace", "pathlib.Path.chmod", "asyncstream.streaming.file_content._write_all"]
)
async def test_a_disk_that_refuses_leaves_what_was_there(tmp_path, monkeypatch, refused):
    target = tmp_path / "new.bin"
    target.write_bytes(b"before")

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "no space left on device")

    monkeypatch.setattr(refused, full)
    async with downloading(whole) as client:
        with pytest.raises(OSError, match="no space left"):
            await client.files.content("file-1").write_to(target)

    assert [target] == list(tmp_path.iterdir())
    assert b"before" == target.read_bytes()


async def test_a_callback_that_fails_and_a_cancelled_task_leave_nothing(tmp_path):
    target = tmp_path / "new.bin"

    def fail(received: int, size: int | None) -> None:
        raise ZeroDivisionError

    async with downloading(whole) as client:
        with pytest.raises(ZeroDivisionError):
            await client.files.content("file-1").write_to(target, on_progress=fail)
    async with downloading(Halves()) as client:
        task = asyncio.ensure_future(client.files.content("file-1").write_to(target))
        await partial_of(target)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    assert [] == list(tmp_path.iterdir())


async def test_many_downloads_to_one_path_end_with_one_whole_file(tmp_path):
    target = tmp_path / "new.bin"
    async with downloading(whole) as client:
        await asyncio.gather(*(client.files.content(f"file-{number}").write_to(target) for number in range(20)))

    assert [target] == list(tmp_path.iterdir())
    assert target.read_bytes() == CONTENT


async def test_a_target_may_have_the_longest_name(tmp_path):
    target = tmp_path / ("ü" * 125 + ".bin")
    async with downloading(whole) as client:
        await client.files.content("file-1").write_to(target)

    assert target.read_bytes() == CONTENT


async def test_the_name_cannot_be_guessed(tmp_path):
    seen = set()
    for _ in range(3):
        target = tmp_path / "new.bin"
        halves = Halves()
        async with downloading(halves) as client:
            task = asyncio.ensure_future(client.files.content("file-1").write_to(target))
            seen.add((await partial_of(target)).name)
            halves.go_on.set()
            await task

    assert 3 == len(seen)
    assert all(len(name.removeprefix(".new.bin.").removesuffix(".part")) >= 32 for name in seen)
