"""R5: a cancellation at every await point of the embedded server: its port is free again, and no task is left."""

import asyncio
from functools import partial
from itertools import count
from typing import Any

import aiohttp
import pytest
from stepping import Plan, open_files, outcome_of, settled

from asyncstream import AsyncClient
from asyncstream.server import Pause, Say, Scenario, Turn, serve

WAYS = {"waiting": (False, False), "come": (True, False), "twice": (False, True), "come, twice": (True, True)}
"""Whether the cancellation comes late, and whether another one follows at the next await."""


async def served(urls: list[str]) -> None:
    """Serve a run that goes on when the server stops, and one that ends."""
    async with serve(Scenario([Turn(Say("Hello")), Turn(Pause(60), Say("Never"))])) as url:
        urls.append(url)
        async with AsyncClient(api_key="k", base_url=url, max_retries=0) as client:
            assistant = (await client.assistants.create(model="m")).id
            run = await client.threads.create_and_run_poll(assistant_id=assistant, poll_interval_ms=0)
            assert run.status == "completed"
            async with client.threads.create_and_run_stream(assistant_id=assistant) as stream:
                await anext(stream)


def begun_since(before: set["asyncio.Task[Any]"]) -> set["asyncio.Task[Any]"]:
    return asyncio.all_tasks() - before


@pytest.mark.faults
@pytest.mark.parametrize("way", WAYS)
async def test_a_cancelled_server_leaves_no_task_and_no_port(way: str) -> None:
    late, again = WAYS[way]
    base = open_files()
    for point in count(1):
        before = asyncio.all_tasks()
        urls: list[str] = []
        plan = Plan(frozenset({point, point + 1} if again else {point}), late)

        outcome = await outcome_of(plan.drive(served(urls)))

        assert bool(plan.hits) == isinstance(outcome, asyncio.CancelledError), (plan, outcome)
        assert plan.hits or outcome is None
        assert not await settled(partial(begun_since, before)), plan
        assert not await settled(lambda: open_files() - base), plan
        for url in urls:
            async with aiohttp.ClientSession() as session:
                with pytest.raises(aiohttp.ClientConnectorError):
                    await session.get(url)
        if not plan.hits:
            assert point > 5
            break
