"""Assistants whose functions are answered: polled, and with `stream=True` on each `create` of a run."""

import asyncio
import json

from openai import AsyncOpenAI

TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


def answer(run) -> list:
    return [
        {"tool_call_id": call.id, "output": f"21 degrees in {json.loads(call.function.arguments)['city']}"}
        for call in run.required_action.submit_tool_outputs.tool_calls
    ]


async def main() -> None:
    client = AsyncOpenAI()
    assistant = await client.beta.assistants.create(model="gpt-4o", tools=[TOOL])
    thread = await client.beta.threads.create(messages=[{"role": "user", "content": "The weather in Rome?"}])

    run = await client.beta.threads.runs.create_and_poll(
        thread_id=thread.id, assistant_id=assistant.id, poll_interval_ms=5
    )
    print("polled:", run.status)
    run = await client.beta.threads.runs.submit_tool_outputs_and_poll(
        run_id=run.id, thread_id=thread.id, tool_outputs=answer(run), poll_interval_ms=5
    )
    print("polled:", run.status)

    waiting = None
    stream = await client.beta.threads.create_and_run(
        assistant_id=assistant.id,
        thread={"messages": [{"role": "user", "content": "And in Oslo?"}]},
        stream=True,
    )
    async for event in stream:
        if event.event == "thread.run.requires_action":
            waiting = event.data
    print("streamed:", waiting.status)
    stream = await client.beta.threads.runs.submit_tool_outputs(
        run_id=waiting.id, thread_id=waiting.thread_id, tool_outputs=answer(waiting), stream=True
    )
    async for event in stream:
        if event.event == "thread.message.delta":
            print(event.data.delta.content[0].text.value, end="")
    print()

    stream = await client.beta.threads.runs.create(thread_id=thread.id, assistant_id=assistant.id, stream=True)
    names = [event.event async for event in stream]
    print(names[0], names[-1])
    await client.close()


asyncio.run(main())
