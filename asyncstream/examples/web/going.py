"""Whether a run goes on whose end nobody has saved: its worker may be gone. For `chats` and `runs`."""

import asyncio

from asyncstream.relay import ProducerLostError, RunLog, RunNotFoundError

__all__ = ["goes_on"]

_READING: dict[str, asyncio.Task[None]] = {}


async def goes_on(log: RunLog, run_id: str | None) -> bool:
    """Tell whether a run goes on: on this worker, or as far as half a second shows on another.

    A run whose worker died goes on until a reader has waited in vain: see `RedisStore`. So that there is one, whoever
    watches, the reading goes on here for as long as the run does.

    Raises:
        StoreError: The store cannot be reached.
    """
    if run_id is None:
        return False
    if run_id in log.running:
        return True
    reading = _READING.get(run_id)
    if reading is None:
        reading = _READING[run_id] = asyncio.create_task(_read(log, run_id))
        reading.add_done_callback(lambda task: _READING.pop(run_id).cancelled() or task.exception())
    await asyncio.wait([reading], timeout=0.5)
    if not reading.done():
        return True
    await reading
    return False


async def _read(log: RunLog, run_id: str) -> None:
    try:
        async with log.follow(run_id) as following:
            async for _ in following:
                pass
    except (RunNotFoundError, ProducerLostError):
        pass
