"""Every way to call a client, found by walking it: the nouns, their methods, and what those give to be used.

A new method is found here by itself; one whose arguments or result are of a new kind is an error, which says so.
"""

import inspect
import json
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

from raw_server import Exchange

from asyncstream import AsyncClient
from asyncstream.resources.paging import ListRequest
from asyncstream.resources.raw import RawMethod, WithRawResponse
from asyncstream.streaming.file_content import ContentRequest
from asyncstream.streaming.stream import Stream

__all__ = ["Call", "Use", "answer", "find", "methods", "uses"]

Call = Callable[[AsyncClient, Path], Awaitable[object]]
"""Makes one call of a client, with a directory to read and write files in, and does all that it takes to end it."""

Use = Callable[[Any, Path], Awaitable[object]]
"""Uses what a method has given."""

ARGUMENTS: dict[str, Any] = {
    "attributes": {"year": 2024},
    "content": "hi",
    "files": [b"one", b"two", b"three"],
    "file_ids": ["file_1"],
    "items": [{"role": "user", "content": "hi"}],
    "messages": [{"role": "user", "content": "hi"}],
    "model": "m",
    "purpose": "assistants",
    "query": "q",
    "role": "user",
    "tool_outputs": [{"tool_call_id": "call_1", "output": "1"}],
}
"""A value for each parameter that a method cannot do without; ids, and `file`, are made."""


def methods(client: AsyncClient) -> Iterator[str]:
    """Give the paths of all public methods of all nouns: "threads.runs.create", and those for raw responses."""
    yield from _methods(client, "")


def _methods(holder: object, path: str) -> Iterator[str]:
    members = {**dict(inspect.getmembers_static(type(holder))), **vars(holder)}
    for name, member in members.items():
        if name.startswith("_") or name == "beta":
            # Under `beta` are the same objects.
            continue
        if isinstance(member, RawMethod) or (path and inspect.isfunction(member)):
            yield path + name
        elif type(value := getattr(holder, name)).__module__.startswith("asyncstream.resources"):
            yield from _methods(value, f"{path}{name}.")


def find(client: AsyncClient, path: str) -> Any:
    found: Any = client
    for name in path.split("."):
        found = getattr(found, name)
    return found


def arguments(method: Callable[..., object], directory: Path) -> dict[str, Any]:
    """Return arguments for what a method cannot do without."""
    given: dict[str, Any] = {}
    for parameter in inspect.signature(method).parameters.values():
        if parameter.name == "poll_interval_ms":
            given["poll_interval_ms"] = 0
        if parameter.default is not parameter.empty or parameter.kind is parameter.VAR_KEYWORD:
            continue
        if parameter.name == "file":
            given["file"] = directory / "upload.bin"
        elif parameter.name.endswith("_id"):
            given[parameter.name] = "x_1"
        else:
            given[parameter.name] = ARGUMENTS[parameter.name]
    return given


def uses(client: AsyncClient, path: str) -> dict[str, Call]:
    """Return the ways to use a method, by name."""
    method = find(client, path)
    noun, _, name = path.rpartition(".")
    raw = isinstance(find(client, noun), WithRawResponse)
    plain = find(client, f"{noun.removesuffix('.with_raw_response')}.{name}")
    signature = inspect.signature(plain).parameters
    variants: dict[str, dict[str, Any]] = {"": {}}
    if "cancel_remote" in signature:
        variants["cancel_remote"] = {"cancel_remote": True}
    if path in ("chat.completions.create", "responses.create", "responses.retrieve"):
        variants["stream"] = {"stream": True}
    found: dict[str, Call] = {}
    for variant, options in variants.items():
        if raw or inspect.iscoroutinefunction(method):
            found[f"{path} {variant}".strip()] = _call(path, plain, options, _awaited)
        else:
            kind = _kind(method)
            for how, use in USES[kind].items():
                found[f"{path} {how} {variant}".strip()] = _call(path, plain, options, use)
    return found


def _kind(method: Callable[..., object]) -> type:
    annotation = inspect.signature(method, eval_str=True).return_annotation
    kind = getattr(annotation, "__origin__", annotation)
    for known in USES:
        if issubclass(kind, known):
            return known
    raise LookupError(f"{method.__qualname__} gives {kind}, which no use is known of: add one to USES")


def _call(path: str, plain: Callable[..., object], options: dict[str, Any], use: Use) -> Call:
    async def call(client: AsyncClient, directory: Path) -> object:
        given = find(client, path)(**arguments(plain, directory), **options)
        return await use(given, directory)

    return call


async def _awaited(given: Any, _: Path) -> object:
    result = await given
    if isinstance(result, Stream):
        return await _streamed(result, _)
    return result


async def _streamed(stream: Any, _: Path) -> object:
    async with stream:
        await stream.until_done()
        return stream.accumulator


async def _items(given: Any, _: Path) -> object:
    return [item async for item in given]


async def _pages(given: Any, _: Path) -> object:
    return [page.data async for page in given.iter_pages()]


async def _next_page(given: Any, _: Path) -> object:
    page = await given
    return (await page.get_next_page()).data if page.has_next_page() else page.data


async def _read(given: Any, _: Path) -> object:
    async with given as content:
        return await content.read()


async def _pieces(given: Any, _: Path) -> object:
    async with given as content:
        return b"".join([piece async for piece in content])


async def _write_to_path(given: Any, directory: Path) -> object:
    return await given.write_to(directory / "download.bin")


async def _stream_to_path(given: Any, directory: Path) -> object:
    async with given as content:
        return await content.write_to(directory / "download.bin")


async def _write_to_file(given: Any, directory: Path) -> object:
    with open(directory / "own.bin", "wb") as file:  # noqa: ASYNC230 - a user's own file
        return await given.write_to(file)


USES: dict[type, dict[str, Use]] = {
    ListRequest: {"page": _awaited, "items": _items, "pages": _pages, "next page": _next_page},
    ContentRequest: {
        "all": _awaited,
        "read": _read,
        "pieces": _pieces,
        "to path": _write_to_path,
        "opened, to path": _stream_to_path,
        "to file": _write_to_file,
    },
    Stream: {"whole": _streamed},
}
"""What can be done with what a method gives that is no coroutine."""


# What a server answers to all of that.

CONTENT = b"content " * 1000

OBJECT: dict[str, Any] = {
    "id": "x_1",
    "thread_id": "x_1",
    "run_id": "x_1",
    "vector_store_id": "x_1",
    "assistant_id": "x_1",
    "filename": "f",
    "model": "m",
    "deleted": True,
    "output": [],
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello"}, "finish_reason": "stop"}],
}


def answer(exchange: Exchange) -> tuple[bytes, str] | None:
    """Return the body and media type of an answer; None where a stream is asked for.

    Whatever is polled has not ended at the first look, and every list has two pages.
    """
    path, _, query = exchange.target.partition("?")
    if b'"stream":true' in exchange.body or "stream=true" in query:
        return None
    if path.endswith("/content") and path.startswith("/files"):
        return CONTENT, "application/octet-stream"
    polled = "x-stainless-poll-helper" in exchange.headers
    ended = polled or "cancel" in path
    body = {**OBJECT, "status": "completed" if ended else "in_progress"}
    if path.startswith("/files") and polled:
        body["status"] = "processed"
    if exchange.method == "GET" or path.endswith("/search"):
        last = "after=" in query
        item = {**OBJECT, "id": "x_3" if last else "x_2"}
        body |= {"data": [item], "has_more": not last, "last_id": item["id"]}
    return json.dumps(body).encode(), "application/json"
