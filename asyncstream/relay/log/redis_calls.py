"""What the owners of runs hear at once: `StopCalls`, one subscription for all runs that this process produces.

A run that is to stop is written down in Redis, where its owner finds it with the next batch. A silent model has none
for seconds, so it is called out besides. Above it: `redis_store`, `redis_writer`. Below it: `redis_link`.

Rule 1: a call that nobody hears is only late. Nothing here fails, and what cannot be subscribed is done without.
"""

import asyncio
from collections.abc import Callable

from asyncstream.relay.log.redis_answers import judge
from asyncstream.relay.log.redis_link import LONGEST_PAUSE, RedisLink

__all__ = ["StopCalls"]


class StopCalls:
    """Tells owners that somebody wants their run to stop.

    Args:
        link: The way to Redis.
        channel: Where it is called out, by the key of the run's entries.
    """

    def __init__(self, link: RedisLink, channel: str) -> None:
        self._link = link
        self._channel = channel
        self._owners: dict[str, Callable[[], object]] = {}
        self._task: asyncio.Task[None] | None = None

    def listen(self, key: str, tell: Callable[[], object]) -> None:
        """Listen for a run; the first begins the subscription."""
        self._owners[key] = tell
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._hear(), name="asyncstream stop calls")

    def leave(self, key: str) -> None:
        """Listen no more for a run; the last ends the subscription."""
        self._owners.pop(key, None)
        if not self._owners and self._task is not None:
            self._task.cancel()
            self._task = None

    async def call(self, key: str) -> None:
        """Call out that a run is to stop."""
        try:
            await self._link.promptly(lambda: self._link.ask(self._channel, ("PUBLISH", self._channel, key)))
        except Exception:
            # Its owner finds it written down.
            pass

    async def _hear(self) -> None:
        while True:
            try:
                async with await self._link.pubsub(self._channel) as calls:
                    await calls.subscribe(self._channel)
                    async for message in calls.listen():
                        tell = self._owners.get(message["data"].decode())
                        if tell is not None:
                            tell()
            except Exception as error:
                failure = judge(error)
                if failure.kind == "refused":
                    return
                await self._link.look_again(failure)
            await asyncio.sleep(LONGEST_PAUSE)
