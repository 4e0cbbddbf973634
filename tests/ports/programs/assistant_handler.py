"""The Assistants helper: a handler with callbacks, which answers the model's calls in a stream of its own."""

import asyncio

from openai import AsyncAssistantEventHandler, AsyncOpenAI
from typing_extensions import override

client = AsyncOpenAI()


class EventHandler(AsyncAssistantEventHandler):
    @override
    async def on_event(self, event) -> None:
        if event.event == "thread.run.requires_action":
            await self.answer(event.data)

    async def answer(self, run) -> None:
        outputs = [
            {"tool_call_id": call.id, "output": "21 degrees"}
            for call in run.required_action.submit_tool_outputs.tool_calls
            if call.function.name == "get_weather"
        ]
        async with client.beta.threads.runs.submit_tool_outputs_stream(
            thread_id=self.current_run.thread_id,
            run_id=self.current_run.id,
            tool_outputs=outputs,
            event_handler=EventHandler(),
        ) as stream:
            await stream.until_done()

    @override
    async def on_run_step_created(self, run_step) -> None:
        if run_step.type == "message_creation":
            print("step:", run_step.type)

    @override
    async def on_text_created(self, text) -> None:
        print("text:", text.annotations)

    @override
    async def on_text_delta(self, delta, snapshot) -> None:
        print("  ", repr(delta.value), len(snapshot.value))

    @override
    async def on_text_done(self, text) -> None:
        print("done:", text.value)

    @override
    async def on_message_done(self, message) -> None:
        print("message:", message.status, message.role)

    @override
    async def on_tool_call_created(self, tool_call) -> None:
        if tool_call.type == "code_interpreter":
            print("call:", tool_call.type)

    @override
    async def on_tool_call_delta(self, delta, snapshot) -> None:
        if delta.type == "code_interpreter" and delta.code_interpreter:
            if delta.code_interpreter.input:
                print("code:", delta.code_interpreter.input)
            for output in delta.code_interpreter.outputs or []:
                if output.type == "logs":
                    print("logs:", output.logs)

    @override
    async def on_end(self) -> None:
        print("end")


async def main() -> None:
    assistant = await client.beta.assistants.create(
        model="gpt-4o",
        tools=[{"type": "code_interpreter"}, {"type": "function", "function": {"name": "get_weather"}}],
    )
    thread = await client.beta.threads.create(messages=[{"role": "user", "content": "How warm is it?"}])
    async with client.beta.threads.runs.stream(
        thread_id=thread.id, assistant_id=assistant.id, event_handler=EventHandler()
    ) as stream:
        await stream.until_done()


asyncio.run(main())
