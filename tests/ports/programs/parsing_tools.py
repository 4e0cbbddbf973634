"""A pydantic model as a tool: its call comes back as an instance."""

import asyncio
from enum import StrEnum

import openai
from openai import AsyncOpenAI
from pydantic import BaseModel


class Table(StrEnum):
    orders = "orders"
    customers = "customers"


class Condition(BaseModel):
    column: str
    value: str | int


class Query(BaseModel):
    """Look into the database."""

    table: Table
    columns: list[str]
    conditions: list[Condition]


async def main() -> None:
    client = AsyncOpenAI()
    completion = await client.chat.completions.parse(
        model="gpt-4o",
        messages=[{"role": "user", "content": "what did Ann order in May?"}],
        tools=[
            openai.pydantic_function_tool(Query),
            openai.pydantic_function_tool(Query, name="look", description="Look twice."),
        ],
    )
    for tool_call in completion.choices[0].message.tool_calls or []:
        assert isinstance(tool_call.function.parsed_arguments, Query)
        print(tool_call.id, tool_call.type, tool_call.function.name)
        print(tool_call.function.parsed_arguments.table, tool_call.function.parsed_arguments.conditions)
    await client.close()


asyncio.run(main())
