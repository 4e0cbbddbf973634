"""Responses: one that comes whole, one that goes on from it, one as it comes, one of a type."""

import asyncio

from openai import AsyncOpenAI
from pydantic import BaseModel


class Forecast(BaseModel):
    city: str
    degrees: int


async def main() -> None:
    client = AsyncOpenAI()
    response = await client.responses.create(model="gpt-4o", instructions="Be short.", input="Good morning?")
    print(response.output_text, response.status, response.output[0].type)
    response = await client.responses.create(
        model="gpt-4o", previous_response_id=response.id, input=[{"role": "user", "content": "And tonight?"}]
    )
    print(response.output_text, response.usage.total_tokens > 0)

    stream = await client.responses.create(model="gpt-4o", input="Count.", stream=True)
    async for event in stream:
        if event.type == "response.output_text.delta":
            print("delta:", repr(event.delta))
        elif event.type == "response.completed":
            print("completed:", event.response.output_text)

    async with client.responses.stream(model="gpt-4o", input="How warm is Oslo?", text_format=Forecast) as stream:
        async for event in stream:
            if event.type == "response.output_text.delta":
                print("delta:", repr(event.delta))
            elif event.type == "response.output_text.done":
                print("done:", event.text)
        response = await stream.get_final_response()
    print(repr(response.output_parsed))

    response = await client.responses.parse(model="gpt-4o", input="How warm is Rome?", text_format=Forecast)
    print(repr(response.output_parsed))
    await client.close()


asyncio.run(main())
