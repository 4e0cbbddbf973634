"""An event handler that keeps every call it gets: when a callback begins, and when it ends after some awaits."""

from collections.abc import Callable, Coroutine
from typing import Any

from stepping import turns

from asyncstream import AssistantEventHandler
from asyncstream.streaming.assistants.handler import CALLBACKS

__all__ = ["Recorder"]


def _callback(name: str) -> Callable[..., Coroutine[Any, Any, None]]:
    async def callback(self: "Recorder", *args: object) -> None:
        self.begun.append((name, *args))
        await self.during(name)
        self.ended.append((name, *args))

    return callback


class Recorder(AssistantEventHandler):
    """Overrides every callback."""

    locals().update({name: _callback(name) for name in CALLBACKS})

    def __init__(self) -> None:
        self.begun: list[tuple[Any, ...]] = []
        self.ended: list[tuple[Any, ...]] = []

    async def during(self, name: str) -> None:
        """Await something, as callbacks do."""
        await turns(1)

    def count(self, name: str) -> int:
        """Return how often a callback was called."""
        return sum(begun[0] == name for begun in self.begun)
