"""Lists: the items of all pages in one loop, and page by page."""

import asyncio

from openai import AsyncOpenAI


async def main() -> None:
    client = AsyncOpenAI()
    for number in range(5):
        await client.beta.assistants.create(model="gpt-4o", name=f"number {number}")

    print([assistant.name async for assistant in client.beta.assistants.list(limit=2, order="asc")])

    page = await client.beta.assistants.list(limit=2, order="asc")
    print(page.has_next_page(), len(page.data), page.last_id == page.data[-1].id)
    page = await page.get_next_page()
    print([assistant.name for assistant in page.data], page.to_dict()["has_more"], '"data"' in page.to_json())
    async for pages in page.iter_pages():
        print(len(pages.data), end=" ")
    print()
    after = await client.beta.assistants.list(limit=2, order="asc", after=page.last_id)
    print([assistant.name for assistant in after.data], after.has_next_page())
    await client.close()


asyncio.run(main())
