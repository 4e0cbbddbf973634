"""What a page is told of raw streams: `told`, for any protocol and either projection."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from asyncstream import AssistantAccumulator, ChatAccumulator, ResponseAccumulator
from asyncstream.errors import AsyncStreamError
from asyncstream.events import decode_stream
from asyncstream.ui import AGUI, UIMessages

TRANSCRIPTS = Path(__file__).parents[1] / "transcripts"
ACCUMULATORS: dict[str, Any] = {
    "assistants": AssistantAccumulator,
    "chat": ChatAccumulator,
    "responses": ResponseAccumulator,
}


def changes_of(body: bytes, protocol: Any, *, into: Any = None) -> Iterable[Any]:
    """Give the changes of a stream; raises what it fails with."""
    accumulator = into if into is not None else ACCUMULATORS[protocol]()
    for event in decode_stream(body, protocol):
        yield from accumulator.push(event)
    yield from accumulator.finish()


def told(page: UIMessages | AGUI, changes: Iterable[Any]) -> list[dict[str, Any]]:
    """Return all parts of an answer, to its end."""
    parts = []
    try:
        for change in changes:
            parts += page.push(change)
    except AsyncStreamError as error:
        return parts + page.fail(error)
    return parts + page.finish()


def ui_of(*frames: bytes, protocol: str = "chat") -> list[dict[str, Any]]:
    return told(UIMessages(message_id="m1"), changes_of(b"".join(frames), protocol))


def ag_ui_of(*frames: bytes, protocol: str = "chat") -> list[dict[str, Any]]:
    return told(AGUI(thread_id="t1", run_id="r1"), changes_of(b"".join(frames), protocol))
