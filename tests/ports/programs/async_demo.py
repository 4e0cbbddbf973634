"""One client for the whole program, made where it is imported: an answer as it comes, and one that comes whole."""

import asyncio

from openai import AsyncOpenAI

client = AsyncOpenAI()

QUESTION = {"role": "user", "content": "Name two rivers."}


async def main() -> None:
    stream = await client.chat.completions.create(model="gpt-4o", messages=[QUESTION], stream=True)
    async for chunk in stream:
        print(chunk.choices[0].delta.content or "", end="", flush=True)
    print()

    completion = await client.chat.completions.create(model="gpt-4o", messages=[QUESTION], temperature=0)
    print(completion.choices[0].message.content, completion.choices[0].finish_reason)
    print(completion.usage.total_tokens > 0, completion.model, completion.object)


asyncio.run(main())
