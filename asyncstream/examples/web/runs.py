"""What the browser example does with a question, whatever the framework: start a run that goes on without the browser.

Above it: `on_aiohttp` and `on_fastapi`. Below it: the client, and the relay's `RunLog`.
"""

import os
import secrets
from datetime import UTC, datetime

import msgspec

from asyncstream import AssistantEventHandler, AsyncClient
from asyncstream.params import AssistantToolParam
from asyncstream.relay import RunLog
from asyncstream.types import Run

__all__ = ["TOOLS", "Question", "Started", "start_run"]

TOOLS: list[AssistantToolParam] = [
    {
        "type": "function",
        "function": {
            "name": "look_at_the_clock",
            "description": "Get the time in UTC, and the id of the process that looked.",
            "parameters": {"type": "object", "properties": {"why": {"type": "string"}}},
        },
    },
    {"type": "code_interpreter"},
]


class Question(msgspec.Struct):
    """What a browser posts."""

    question: str


class Started(msgspec.Struct):
    """What it is answered: the name under which the run is followed."""

    run: str


async def start_run(client: AsyncClient, assistant_id: str, log: RunLog, question: str) -> Started:
    """Start a run for a question; it goes on in the background, whoever watches.

    Raises:
        APIError: The upstream refused it.
        RelayError: The store cannot be reached.
    """
    thread = await client.threads.create(messages=[{"role": "user", "content": question}])
    # The question travels with the run's events: a reader who joins late has nothing else.
    stream = client.threads.runs.stream(
        thread.id, assistant_id=assistant_id, event_handler=Tools(), metadata={"question": question}
    )
    # Hard to guess: in this example, whoever knows the name may read the run. RunLog(authorize=...) is for the rest.
    run_id = secrets.token_urlsafe(12)
    # By default no metadata reaches a browser: here it is what the browser itself has asked.
    await log.start(run_id, stream, expose=["metadata"])
    return Started(run_id)


class Tools(AssistantEventHandler):
    """Calls the functions that the run asks for, in the process that reads it, and goes on with the same stream."""

    async def on_run_requires_action(self, run: Run) -> None:
        if run.pending_tool_calls:
            await self.stream.submit_tool_outputs(
                [{"tool_call_id": call.id, "output": look_at_the_clock()} for call in run.pending_tool_calls]
            )


def look_at_the_clock() -> str:
    """The function that the assistant may call."""
    return msgspec.json.encode({"utc": f"{datetime.now(UTC):%H:%M:%S}", "process": os.getpid()}).decode()
