"""Tool outputs are submitted while the first answer is still open: what is left of it is read, however it comes."""

import asyncio

import pytest
from assistants_wire import DONE, HELLO, STREAM_HEAD, WAITS, chunk, stream
from raw_server import Exchange

from asyncstream.transport.live import LiveResponse


@pytest.mark.parametrize("late", [[DONE], [b": keep-alive\n\n", b"event: done\n", b"data: [DONE]\n\n"]])
async def test_end_that_comes_after_the_submission_began_is_waited_for(talk, monkeypatch, late):
    submitting = asyncio.Event()
    waits = 0
    wait = LiveResponse.wait

    async def counted(live: LiveResponse) -> None:
        # A stream that does not take what it waited for waits for ever, and never gives the loop a turn.
        nonlocal waits
        waits += 1
        assert waits < 100
        await wait(live)

    async def answer(exchange: Exchange) -> None:
        if exchange.number > 1:
            await stream(exchange, *HELLO, DONE)
            return
        await exchange.send(STREAM_HEAD)
        await exchange.send(chunk(b"".join(WAITS)))
        await submitting.wait()
        for data in late:
            await exchange.send(chunk(data))
        # The body never ends.
        await exchange.gone()

    monkeypatch.setattr(LiveResponse, "wait", counted)
    async with talk(answer) as t:
        async with t.stream() as run:
            async for event in run:
                if event.event == "thread.run.requires_action":
                    submitting.set()
                    await run.submit_tool_outputs([{"tool_call_id": "call_1", "output": "1"}])

            assert (await run.get_final_run()).status == "completed"
