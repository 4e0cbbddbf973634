"""A pydantic model as a tool, while its call comes."""

import asyncio

import openai
from openai import AsyncOpenAI
from pydantic import BaseModel


class GetWeather(BaseModel):
    city: str
    country: str


async def main() -> None:
    client = AsyncOpenAI()
    done = []
    async with client.chat.completions.stream(
        model="gpt-4o",
        messages=[{"role": "user", "content": "the weather in Oslo and in Rome?"}],
        tools=[openai.pydantic_function_tool(GetWeather, name="get_weather")],
        parallel_tool_calls=True,
    ) as stream:
        async for event in stream:
            if event.type == "tool_calls.function.arguments.delta" and event.arguments_delta:
                print(event.index, event.name, repr(event.arguments_delta))
            elif event.type == "tool_calls.function.arguments.done":
                done.append((event.index, event.name, event.arguments, event.parsed_arguments))
        completion = await stream.get_final_completion()

    print(*done, sep="\n")
    for call in completion.choices[0].message.tool_calls:
        print(repr(call.function.parsed_arguments))
    await client.close()


asyncio.run(main())
