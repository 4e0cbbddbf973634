"""What type checkers see of `stream=True` on the methods of runs."""

from typing import assert_type

from asyncstream import AssistantStream, AsyncClient, AsyncOpenAI
from asyncstream.types import Run


async def streamed(client: AsyncClient) -> None:
    runs = client.threads.runs
    assert_type(await runs.create("t", assistant_id="a"), Run)
    assert_type(await runs.create("t", assistant_id="a", stream=True), AssistantStream)
    assert_type(await client.threads.create_and_run(assistant_id="a", stream=True), AssistantStream)
    assert_type(await client.threads.create_and_run(assistant_id="a", stream=False), Run)
    assert_type(await runs.submit_tool_outputs("r", thread_id="t", tool_outputs=[], stream=True), AssistantStream)


async def under_another_name(client: AsyncOpenAI) -> None:
    assert_type(client, AsyncClient)
