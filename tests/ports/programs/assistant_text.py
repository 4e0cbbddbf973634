"""The Assistants helper without a handler: texts, snapshots and final objects of one stream."""

import asyncio

from openai import AsyncOpenAI


async def main() -> None:
    async with AsyncOpenAI() as client:
        assistant = await client.beta.assistants.create(model="gpt-4o")
        thread = await client.beta.threads.create(messages=[{"role": "user", "content": "Hello?"}])
        async with client.beta.threads.runs.stream(thread_id=thread.id, assistant_id=assistant.id) as stream:
            async for text in stream.text_deltas:
                print(repr(text), stream.current_message_snapshot.content[0].text.value)
            run = await stream.get_final_run()
            steps = await stream.get_final_run_steps()
            messages = await stream.get_final_messages()

    print(run.status, [step.type for step in steps], messages[0].content[0].text.value)


asyncio.run(main())
