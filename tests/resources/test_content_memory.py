"""A file of 200 MB goes up and comes down in at most 64 MB of extra memory.

The client runs in a process of its own, so that what the server holds does not count. Its peak is compared with that of
the same process before the transfer.
"""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

SIZE = 200_000_000
EXTRA = 64_000_000

CLIENT = """
import asyncio, re, sys
from pathlib import Path
from asyncstream import AsyncClient

way, url, path = sys.argv[1:]

def peak():
    # Unlike ru_maxrss, this does not begin with the peak of the process that started this one.
    return int(re.search(r"VmHWM:\\s*(\\d+) kB", Path("/proc/self/status").read_text())[1]) * 1024

async def pieces():
    for _ in range(200):
        yield bytes(1_000_000)

async def main():
    async with AsyncClient(api_key="k", base_url=url) as client:
        await client.files.create(file=b"warm", purpose="assistants")
        await client.files.content("small")
        before = peak()
        if way == "path":
            await client.files.create(file=Path(path), purpose="assistants")
        elif way == "pieces":
            await client.files.create(file=pieces(), purpose="assistants")
        elif way == "write_to":
            assert await client.files.content("large").write_to(path + ".out") == 200_000_000
        else:
            async with client.files.content("large") as stream:
                async for piece in stream:
                    pass
            assert stream.received == 200_000_000
        print(peak() - before)

asyncio.run(main())
"""


async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Take any upload and count it, answer any download."""
    while True:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
        except asyncio.IncompleteReadError:
            break
        if head.startswith(b"get"):
            size = SIZE if b"/large/" in head else 4
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
            for left in range(size, 0, -1_000_000):
                writer.write(bytes(min(left, 1_000_000)))
                await writer.drain()
            continue
        if b"content-length:" in head:
            left = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0])
            while left:
                left -= len(await reader.read(min(left, 1 << 20)))
        else:
            while size := int(await reader.readuntil(b"\r\n"), 16):
                await skip(reader, size + 2)
            await reader.readexactly(2)
        writer.write(b'HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n{"id":"file_1"}')
    writer.close()
    await writer.wait_closed()


async def skip(reader: asyncio.StreamReader, size: int) -> None:
    while size:
        size -= len(await reader.read(min(size, 1 << 20)))


@pytest.mark.faults
@pytest.mark.skipif(sys.platform != "linux", reason="the peak is read from /proc")
@pytest.mark.parametrize("way", ["path", "pieces", "write_to", "in pieces"])
async def test_200_mb_take_at_most_64_mb(tmp_path: Path, way: str) -> None:
    path = tmp_path / "large.bin"
    if way == "path":
        with path.open("wb") as file:
            file.truncate(SIZE)
    server = await asyncio.start_server(converse, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server, asyncio.timeout(60):
        client = await asyncio.create_subprocess_exec(
            sys.executable, "-c", CLIENT, way, url, str(path), stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        out, error = await client.communicate()

    assert (client.returncode, error) == (0, b"")
    print(f"{way}: {int(out) / 1e6:.1f} MB")
    assert int(out) <= EXTRA
