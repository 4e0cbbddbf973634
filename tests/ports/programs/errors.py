"""Every kind of failure by its name, under one base."""

import asyncio
import os

import openai
from openai import AsyncOpenAI

ASK = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hello?"}]}


async def main() -> None:
    client = AsyncOpenAI(max_retries=0)
    for _ in range(3):
        try:
            await client.chat.completions.create(**ASK)
        except openai.RateLimitError as error:
            print("later:", error.status_code, error.code, error.response.headers["retry-after"])
        except openai.APIStatusError as error:
            print("status:", type(error).__name__, error.status_code, error.response.json()["error"]["message"])
            print(isinstance(error, openai.APIError), isinstance(error, openai.OpenAIError), bool(error.request_id))

    try:
        await client.with_options(timeout=0.05).chat.completions.create(**ASK)
    except openai.APITimeoutError as error:
        print("timeout:", isinstance(error, openai.APIConnectionError))

    await client.close()
    async with AsyncOpenAI(base_url=os.environ["NOBODY"], max_retries=0) as client:
        try:
            await client.chat.completions.create(**ASK)
        except openai.APIConnectionError as error:
            print("unreachable:", error.__cause__ is not None)


asyncio.run(main())
