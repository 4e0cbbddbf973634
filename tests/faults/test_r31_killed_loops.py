"""R31: "killed by SIGKILL at any of five points of a round and resumed in another process: each tool ran at most once,
or is reported lost".

The processes are real. Each writes the state of its loop into a file, as `record` is told to, and each call a line of
its own into another; the server is here, and answers by what it is told.
"""

import asyncio
import json
import signal
import sys
from pathlib import Path

import pytest
from assistants_wire import stream
from loop_talks import ANSWER, asks
from processes import posix_only
from raw_server import Exchange, raw_server

POINTS = ("before_began", "after_began", "in_the_call", "after_the_call", "before_the_request")

PROGRAM = """
import asyncio, os, pathlib, signal, sys
from asyncstream import AsyncClient, LoopState, Tools, ToolsLostError

url, folder, point, victim, on_lost = sys.argv[1:]
kept, ran = pathlib.Path(folder, "state"), pathlib.Path(folder, "ran")
returned = 0


def die(here, call="all"):
    if here == point and victim in (call, "all"):
        os.kill(os.getpid(), signal.SIGKILL)


async def f(x: int) -> int:
    with ran.open("a") as file:
        file.write(f"{x}\\n")
    die("in_the_call", str(x))
    return x


async def record(state):
    global returned
    call = state.calls[int(victim)]
    if call.standing == "began":
        die("before_began", victim)
    if call.standing == "returned":
        returned += 1
        die("after_the_call", victim)
    new = kept.with_suffix(".new")
    new.write_bytes(state.dump())
    new.replace(kept)
    if call.standing == "began":
        die("after_began", victim)
    if all(call.standing == "returned" for call in state.calls) and returned > 1:
        die("before_the_request", victim)


async def main():
    state = LoopState.load(kept.read_bytes()) if kept.exists() else None
    tools = Tools(f, record=record, on_lost=on_lost, max_parallel=1)
    async with AsyncClient(api_key="k", base_url=url, max_retries=0) as client:
        try:
            messages = [{"role": "user", "content": "hi"}]
            stream = client.chat.completions.stream(messages=messages, model="m", run_tools=tools, resume=state)
        except ToolsLostError as error:
            print("lost", *(call.arguments for call in error.calls))
            return
        async with stream:
            print((await stream.get_final_completion()).choices[0].message.content)


asyncio.run(main())
"""


async def answer(exchange: Exchange) -> None:
    told = [message for message in json.loads(exchange.body)["messages"] if message["role"] == "tool"]
    await stream(exchange, *(ANSWER if told else asks(("f", {"x": 0}), ("f", {"x": 1}))))


@posix_only
@pytest.mark.faults
@pytest.mark.parametrize("victim", ["0", "1"], ids=["the first call", "the second call"])
@pytest.mark.parametrize("point", POINTS)
async def test_a_killed_loop_goes_on_in_another_process_and_runs_no_call_twice(tmp_path: Path, point: str, victim: str):
    async with raw_server(answer) as server:

        async def run(point: str, on_lost: str = "raise") -> tuple[int | None, str]:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-c", PROGRAM, server.url, str(tmp_path), point, victim, on_lost),
                stdout=asyncio.subprocess.PIPE,
            )
            output, _ = await process.communicate()
            return process.returncode, output.decode().strip()

        assert (-signal.SIGKILL, "") == await run(point)
        status, said = await run("")
        lost = said.startswith("lost")
        if lost:
            status, said = await run("", on_lost="tell")

        assert (0, "Hello") == (status, said)
        last = [message for message in json.loads(server.requests[-1].body)["messages"] if message["role"] == "tool"]

    ran = (tmp_path / "ran").read_text().split()
    assert len(set(ran)) == len(ran)
    # Only what had begun, and of which nobody can know, is lost: where the book says began, or its end was not kept.
    assert lost == (point in ("after_began", "in_the_call", "after_the_call"))
    told = [
        "Was interrupted: it may or may not have run." if lost and place == int(victim) else str(place)
        for place in (0, 1)
    ]
    assert told == [message["content"] for message in last]
    assert len(ran) == 2 - (point == "after_began")
