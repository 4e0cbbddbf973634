"""The shared fixtures and recordings of Responses through a client: what comes over a connection is what is folded."""

import json
from typing import Any

import pytest
from assistants_wire import STREAM_HEAD, chunk
from raw_server import Exchange, raw_server
from response_folds import Outcome, fold
from shared_files import SHARED, needs_shared
from test_shared_responses import differences

from asyncstream import AsyncClient, StreamDecodeError, StreamError, StreamEventError, StreamTruncatedError
from asyncstream.accumulators import ResponseAccumulator

FIXTURES = SHARED / "fixtures" / "responses.json"
RECORDINGS = SHARED / "recordings_responses"


async def no_wait(seconds: float) -> None:
    """Stand in for the waits between two attempts."""


async def outcome_of(client: AsyncClient, **params: Any) -> Outcome:
    found = Outcome(ResponseAccumulator())
    async with client.responses.stream(input="hi", **params) as stream:
        found.accumulator = stream.accumulator
        try:
            async for change in stream.changes:
                found.changes.append(change)
        except StreamTruncatedError as error:
            found.outcome, found.error = "truncated", error
        except (StreamEventError, StreamDecodeError) as error:
            found.outcome, found.error = "error", error
        assert found.error is None or found.error.partial is stream.accumulator
    return found


@needs_shared("fixtures", "responses.json")
async def test_fixtures_come_over_a_connection_as_they_say():
    """Those with further bodies run in the background: each is fetched, and asked for once, from the last number on."""
    cases: dict[str, dict[str, Any]] = json.loads(FIXTURES.read_text())
    wrong: dict[str, list[str]] = {}
    bodies: list[str] = []
    asked: list[str] = []

    async def answer(exchange: Exchange) -> None:
        asked.append(f"{exchange.method} {exchange.target.partition('?')[2]}")
        body = bodies.pop(0).encode()
        await exchange.send(STREAM_HEAD + (chunk(body) if body else b"") + b"0\r\n\r\n")

    async with raw_server(answer) as server, AsyncClient(api_key="k", base_url=server.url) as client:
        client._transport._sleep = no_wait
        for name, case in cases.items():
            resumed = case.get("resume", [])
            bodies[:] = [case["sse"], *resumed]
            asked.clear()
            found = await outcome_of(client, **({"background": True} if resumed else {}))
            if told := differences(found, case["expected"]):
                wrong[name] = told
            assert (1 + len(resumed), []) == (len(asked), bodies), name

    assert {} == wrong


@needs_shared("recordings_responses")
async def test_recordings_come_over_a_connection_as_they_are():
    files = sorted(RECORDINGS.glob("*.sse"))
    body = b""

    async def answer(exchange: Exchange) -> None:
        pieces = b"".join(chunk(body[at : at + 900]) for at in range(0, len(body), 900))
        await exchange.send(STREAM_HEAD + pieces + b"0\r\n\r\n")

    async with raw_server(answer) as server, AsyncClient(api_key="k", base_url=server.url, max_retries=0) as client:
        for file in files:
            body = file.read_bytes()
            expected = fold(body)
            try:
                found = await outcome_of(client)
            except StreamError as error:
                pytest.fail(f"{file.stem}: {error!r}")

            assert (expected.outcome, expected.lines) == (found.outcome, found.lines), file.stem
            assert expected.accumulator.response == found.accumulator.response, file.stem
    assert len(files) == 146
