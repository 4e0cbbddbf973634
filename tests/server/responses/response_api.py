"""Requests to the embedded server's Responses, and their streams taken apart with nothing but JSON."""

import json

PATH = "/responses"
FUNCTION = {
    "type": "function",
    "name": "get_weather",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
}


def request(**members: object) -> dict:
    """Make a body; it asks nothing but hello."""
    return {"model": "m", "input": "Hello there", **members}


def events_of(body: bytes) -> list[dict]:
    """Return the events of a body in any dialect; comments and `[DONE]` are left out."""
    lines = [line for line in body.decode().split("\n") if line.startswith("data: ")]
    return [json.loads(line[6:]) for line in lines if line != "data: [DONE]"]


def types_of(events: list[dict]) -> list[str]:
    """Return the types of events, without their common beginning."""
    return [event["type"].removeprefix("response.") for event in events]


async def streamed(api, **members: object) -> list[dict]:
    """Stream a response to its end; return its events."""
    came, error = await api.raw(PATH, request(**members))
    assert error is None, error
    return events_of(came)


async def retrieved(api, id: str, **params: str) -> bytes:
    """Stream a response again; return the body."""
    async with api.request("GET", f"{PATH}/{id}", params={"stream": "true", **params}) as response:
        assert response.status == 200, await response.text()
        return await response.read()
