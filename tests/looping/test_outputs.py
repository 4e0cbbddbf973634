"""The output of a tool is text: whatever else it is, it is refused before a request, in every protocol."""

from decimal import Decimal
from typing import Any

import pytest
from assistants_wire import DONE, HELLO, WAITS, stream
from raw_server import Exchange, raw_server

from asyncstream import AsyncClient, ConfigurationError
from asyncstream.looping.outputs import check_outputs

OTHERS = [Decimal("1.50"), object(), 5, 0.5, None, True, b"5", {"degrees": 5}, ["5"]]


@pytest.mark.parametrize("output", OTHERS, ids=lambda value: type(value).__name__)
def test_output_that_is_not_text_is_refused_by_its_call(output):
    kind = type(output).__name__

    with pytest.raises(ConfigurationError, match=f"the output of 'call_2' as text, got {kind}: encode it"):
        check_outputs([{"tool_call_id": "call_1", "output": "5"}, {"tool_call_id": "call_2", "output": output}])


def test_outputs_that_are_text_pass():
    check_outputs([])
    check_outputs([{"tool_call_id": "call_1", "output": ""}, {"tool_call_id": "call_2"}])


@pytest.mark.parametrize("output", ["5", 5, None, [("output", "5")]])
def test_output_without_its_call_is_refused(output: Any):
    with pytest.raises(ConfigurationError, match="expected each output as"):
        check_outputs([output])


async def test_runs_take_text_alone_and_ask_nobody():
    asked = 0

    async def answer(exchange: Exchange) -> None:
        nonlocal asked
        asked += 1
        await stream(exchange, *(WAITS if exchange.number == 1 else HELLO), DONE)

    outputs: Any = [{"tool_call_id": "call_1", "output": Decimal("1.50")}]
    async with raw_server(answer) as server, AsyncClient(api_key="k", base_url=server.url, max_retries=0) as client:
        runs = client.threads.runs
        for submit in (runs.submit_tool_outputs, runs.submit_tool_outputs_and_poll):
            with pytest.raises(ConfigurationError, match="got Decimal"):
                await submit("run_1", thread_id="thread_1", tool_outputs=outputs)
        with pytest.raises(ConfigurationError, match="got Decimal"):
            runs.submit_tool_outputs_stream("run_1", thread_id="thread_1", tool_outputs=outputs)
        assert 0 == asked

        async with runs.stream("thread_1", assistant_id="asst_1") as s:
            async for event in s:
                if event.event == "thread.run.requires_action":
                    with pytest.raises(ConfigurationError, match="got Decimal"):
                        await s.submit_tool_outputs(outputs)
                    await s.submit_tool_outputs([{"tool_call_id": "call_1", "output": "1.50"}])
            assert "completed" == (await s.get_final_run()).status
    assert 2 == asked
