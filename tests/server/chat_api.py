"""Chat requests to the embedded server, and their streams taken apart with nothing but JSON."""

import json
from collections.abc import Iterable

PATH = "/chat/completions"
HELLO = [{"role": "user", "content": "Hello there"}]
CHUNK_KEYS = {"id", "object", "created", "model", "service_tier", "system_fingerprint", "choices"}


def request(**members: object) -> dict:
    """Make a body; it asks nothing but hello."""
    return {"model": "m", "messages": HELLO, **members}


def tool(name: str, **properties: dict) -> dict:
    """Make a function tool."""
    parameters = {"type": "object", "properties": properties}
    return {"type": "function", "function": {"name": name, "parameters": parameters}}


def payloads(body: bytes) -> list[dict]:
    """Split a body of OpenAI's shape into its chunks; `[DONE]` must end it."""
    *frames, done, rest = body.decode().split("\n\n")
    assert (done, rest) == ("data: [DONE]", "")
    return [json.loads(frame.removeprefix("data: ")) for frame in frames]


def deltas(chunks: Iterable[dict], index: int = 0) -> list[dict]:
    """Return the deltas of one choice."""
    return [choice["delta"] for chunk in chunks for choice in chunk["choices"] if choice["index"] == index]


def text(chunks: Iterable[dict], index: int = 0, key: str = "content") -> str:
    """Join what a choice said under a key."""
    return "".join(delta.get(key) or "" for delta in deltas(chunks, index))


def finishes(chunks: Iterable[dict]) -> list[tuple[int, str]]:
    """Return index and finish reason of each choice that ended."""
    return [
        (choice["index"], choice["finish_reason"])
        for chunk in chunks
        for choice in chunk["choices"]
        if choice["finish_reason"] is not None
    ]
