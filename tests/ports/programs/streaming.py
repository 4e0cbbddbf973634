"""A stream by hand: its first chunk with `anext`, the others in a loop, as JSON too; one that is left in the middle."""

import asyncio
import json

from openai import AsyncOpenAI


async def main() -> None:
    client = AsyncOpenAI()
    request = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Count."}], "max_tokens": 5}

    response = await client.chat.completions.create(**request, stream=True, stream_options={"include_usage": True})
    first = await anext(response)
    print("first:", first.choices[0].delta.role)
    usage = None
    async for chunk in response:
        plain = json.loads(chunk.to_json())
        for choice in plain["choices"]:
            print("chunk:", repr(choice["delta"].get("content", "")), choice.get("finish_reason"))
        usage = chunk.usage or usage
    print("usage:", usage.completion_tokens > 0, chunk.to_dict()["usage"]["total_tokens"] == usage.total_tokens)

    async with await client.chat.completions.create(**request, stream=True) as response:
        async for chunk in response:
            if chunk.choices[0].delta.content:
                print("left at:", chunk.choices[0].delta.content)
                break
    await client.close()


asyncio.run(main())
