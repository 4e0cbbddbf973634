"""Assistants without streams: a thread, a run that is polled, its messages; all deleted in the end."""

import asyncio

import openai


async def main() -> None:
    client = openai.AsyncOpenAI()
    assistant = await client.beta.assistants.create(
        name="Tutor", instructions="Answer in a sentence.", tools=[{"type": "code_interpreter"}], model="gpt-4o"
    )
    thread = await client.beta.threads.create()
    message = await client.beta.threads.messages.create(
        thread_id=thread.id, role="user", content="Why is the sky blue?"
    )
    print(message.object, message.content[0].text.value)

    run = await client.beta.threads.runs.create_and_poll(
        thread_id=thread.id, assistant_id=assistant.id, instructions="Call the user Ann."
    )
    print("run:", run.status, run.last_error)
    if run.status == "completed":
        messages = await client.beta.threads.messages.list(thread_id=thread.id, order="asc")
        async for one in messages:
            assert one.content[0].type == "text"
            print({"role": one.role, "text": one.content[0].text.value})
        steps = await client.beta.threads.runs.steps.list(run.id, thread_id=thread.id)
        print([step.type for step in steps.data])
    retrieved = await client.beta.threads.runs.retrieve(run.id, thread_id=thread.id)
    print(retrieved.to_dict()["status"], (await client.beta.assistants.delete(assistant.id)).deleted)
    await client.close()


asyncio.run(main())
