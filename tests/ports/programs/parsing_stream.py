"""An answer as a pydantic model, while it comes: the events of the chat helper, told apart by their type."""

import asyncio

from openai import AsyncOpenAI
from pydantic import BaseModel


class Forecast(BaseModel):
    city: str
    degrees: int


async def main() -> None:
    async with AsyncOpenAI() as client:
        async with client.chat.completions.stream(
            model="gpt-4o",
            messages=[{"role": "user", "content": "How warm is Oslo?"}],
            response_format=Forecast,
        ) as stream:
            async for event in stream:
                if event.type == "content.delta" and event.delta:
                    print("delta:", repr(event.delta), len(event.snapshot))
                elif event.type == "content.done":
                    print("done:", event.content, repr(event.parsed))
                elif event.type == "refusal.done":
                    print("refused:", event.refusal)
            completion = await stream.get_final_completion()

    print(repr(completion.choices[0].message.parsed))


asyncio.run(main())
