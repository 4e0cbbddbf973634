"""Azure: a token that a function gives, deployments and a dated version; chat and assistants."""

import asyncio
import os

from openai import AsyncAzureOpenAI


async def token() -> str:
    return "a-token"


async def main() -> None:
    async with AsyncAzureOpenAI(
        azure_endpoint=os.environ["ENDPOINT"],
        api_version="2024-10-21",
        azure_ad_token_provider=token,
    ) as client:
        completion = await client.chat.completions.create(
            model="my-deployment", messages=[{"role": "user", "content": "How do I cook rice?"}]
        )
        print(completion.choices[0].message.content)

        assistant = await client.beta.assistants.create(model="my-deployment")
        async with client.beta.threads.create_and_run_stream(
            assistant_id=assistant.id, thread={"messages": [{"role": "user", "content": "Hello?"}]}
        ) as stream:
            async for text in stream.text_deltas:
                print(text, end="")
        print()

    async with AsyncAzureOpenAI(
        azure_endpoint=os.environ["ENDPOINT"],
        azure_deployment="other",
        api_version="2024-10-21",
        api_key="a-key",
    ) as client:
        stream = await client.chat.completions.create(
            model="<ignored>", messages=[{"role": "user", "content": "And pasta?"}], stream=True
        )
        async for chunk in stream:
            if chunk.choices and chunk.choices[0].delta.content:
                print(chunk.choices[0].delta.content, end="")
        print()


asyncio.run(main())
