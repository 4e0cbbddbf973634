"""Files of every kind, a vector store that is filled and waited for, an assistant that searches in it."""

import asyncio
import io
import tempfile
from pathlib import Path

from openai import AsyncOpenAI


async def main() -> None:
    client = AsyncOpenAI()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "facts.txt"
        path.write_text("Oslo is cold.")
        uploaded = await client.files.create(file=path, purpose="assistants")
        print(uploaded.object, uploaded.filename, uploaded.bytes, uploaded.purpose)
        with path.open("rb") as opened:
            again = await client.files.create(file=opened, purpose="assistants")
        third = await client.files.create(file=("named.md", b"# Rome", "text/markdown"), purpose="assistants")
        print(again.filename, third.filename)

        store = await client.vector_stores.create(name="Facts")
        with path.open("rb") as opened:
            batch = await client.vector_stores.file_batches.upload_and_poll(
                vector_store_id=store.id, files=[opened, ("more.txt", io.BytesIO(b"Rome is warm."))]
            )
        print(batch.status, batch.file_counts.completed, batch.file_counts.total)
        one = await client.vector_stores.files.upload_and_poll(vector_store_id=store.id, file=path)
        print(one.status)

    assistant = await client.beta.assistants.create(
        model="gpt-4o",
        tools=[{"type": "file_search"}],
        tool_resources={"file_search": {"vector_store_ids": [store.id]}},
    )
    print(assistant.tool_resources.file_search.vector_store_ids == [store.id])
    content = await client.files.content(uploaded.id)
    print(content.text, len(content.read()))
    print((await client.files.delete(uploaded.id)).deleted)
    await client.close()


asyncio.run(main())
