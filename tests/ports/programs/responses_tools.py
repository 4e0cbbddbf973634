"""Responses that call a function, made from a pydantic model: while the call comes, then answered."""

import asyncio

import openai
from openai import AsyncOpenAI
from pydantic import BaseModel


class GetWeather(BaseModel):
    """Tell the weather."""

    city: str


async def main() -> None:
    client = AsyncOpenAI()
    tools = [openai.pydantic_function_tool(GetWeather)]
    async with client.responses.stream(model="gpt-4o", input="The weather in Oslo?", tools=tools) as stream:
        async for event in stream:
            if event.type == "response.function_call_arguments.delta":
                print("delta:", repr(event.delta))
            elif event.type == "response.function_call_arguments.done":
                print("done:", event.arguments)
        response = await stream.get_final_response()

    call = response.output[0]
    print(call.type, call.name, GetWeather.model_validate_json(call.arguments))
    output = {"type": "function_call_output", "call_id": call.call_id, "output": "4 degrees"}
    response = await client.responses.parse(
        model="gpt-4o", previous_response_id=response.id, input=[output], tools=tools
    )
    print(response.output_text)
    await client.close()


asyncio.run(main())
