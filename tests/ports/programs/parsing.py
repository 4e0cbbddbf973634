"""An answer as a pydantic model, and a refusal."""

import asyncio

from openai import AsyncOpenAI
from pydantic import BaseModel


class Step(BaseModel):
    explanation: str
    output: str


class Solution(BaseModel):
    steps: list[Step]
    answer: str


async def ask(client: AsyncOpenAI, question: str) -> None:
    completion = await client.chat.completions.parse(
        model="gpt-4o",
        messages=[
            {"role": "system", "content": "Solve it step by step."},
            {"role": "user", "content": question},
        ],
        response_format=Solution,
    )
    message = completion.choices[0].message
    if message.parsed:
        print([step.output for step in message.parsed.steps])
        print("answer:", message.parsed.answer)
    else:
        print("refused:", message.refusal)


async def main() -> None:
    async with AsyncOpenAI() as client:
        await ask(client, "solve 8x + 31 = 2")
        await ask(client, "how is a lock picked?")


asyncio.run(main())
