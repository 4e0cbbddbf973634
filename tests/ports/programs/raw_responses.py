"""What HTTP says of an answer, and what goes out with a request besides its parameters."""

import asyncio

from openai import AsyncOpenAI


async def main() -> None:
    async with AsyncOpenAI(default_headers={"x-team": "blue"}, timeout=20.0, max_retries=0) as client:
        response = await client.chat.completions.with_raw_response.create(
            model="gpt-4o",
            messages=[{"role": "user", "content": "Hello?"}],
            extra_headers={"x-test": "1"},
            extra_query={"dry": "true"},
            extra_body={"seed": 7},
        )
        print(response.status_code, bool(response.headers.get("x-request-id")), bool(response.request_id))
        completion = response.parse()
        print(completion.choices[0].message.content)

        slower = client.with_options(timeout=60, max_retries=5)
        models = await slower.models.with_raw_response.list()
        print([model.id for model in models.parse().data])


asyncio.run(main())
