"""A client in a process of its own, so that the memory it takes can be measured: ``measured_client.py CALL URL``.

It makes a small call of each kind, notes its resident size, makes the call that is measured, and prints one line of
JSON: what came of it, and by how much the resident size grew at its highest.
"""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from asyncstream import AsyncClient, AsyncStreamError


def resident(line: str) -> int:
    """Return a line of the kernel's account of this process, in bytes: `VmRSS` is now, `VmHWM` the highest so far."""
    for entry in Path("/proc/self/status").read_text().splitlines():
        name, _, value = entry.partition(":")
        if name == line:
            return int(value.split()[0]) * 1024
    raise LookupError(line)


async def read_stream(client: AsyncClient) -> int:
    seen = 0
    async with client.chat.completions.stream(model="m", messages=[]) as stream:
        async for _ in stream:
            seen += 1
        await stream.get_final_completion()
    return seen


async def read_answer(client: AsyncClient) -> int:
    await client.threads.retrieve("thread_1")
    return 1


async def read_response_stream(client: AsyncClient) -> int:
    seen = 0
    async with client.responses.stream(model="m", input="") as stream:
        async for _ in stream:
            seen += 1
    return seen


async def read_response(client: AsyncClient) -> int:
    await client.responses.retrieve("resp_1")
    return 1


CALLS: dict[str, Callable[[AsyncClient], Awaitable[int]]] = {
    "stream": read_stream,
    "answer": read_answer,
    "response stream": read_response_stream,
    "response": read_response,
}


async def outcome(call: Callable[[AsyncClient], Awaitable[int]], client: AsyncClient) -> dict[str, Any]:
    try:
        return {"seen": await call(client), "error": None}
    except AsyncStreamError as error:
        return {
            "error": type(error).__name__,
            "message": str(error),
            "status": getattr(error, "status", None),
            "request_id": getattr(error, "request_id", None),
            "headers": sorted(getattr(error, "headers", None) or ()),
            "body": len(getattr(error, "body", None) or b""),
            "raw": len(getattr(error, "raw", b"")),
            "seen": getattr(error, "events_seen", 0),
        }


async def main(call: str, url: str) -> None:
    async with AsyncClient(api_key="k", base_url=f"{url}/small", max_retries=0) as client:
        for small in CALLS.values():
            await outcome(small, client)
    async with AsyncClient(api_key="k", base_url=f"{url}/case", max_retries=0) as client:
        before = resident("VmRSS")
        found = await outcome(CALLS[call], client)
        print(json.dumps(found | {"growth": resident("VmHWM") - before}))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
