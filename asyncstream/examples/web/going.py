"""Whether a run goes on whose end nobody has saved: its worker may be gone. For `chats` and `runs`."""

import asyncio

from asyncstream.relay import RunLog, RunNotFoundError

__all__ = ["goes_on"]


async def goes_on(log: RunLog, run_id: str | None) -> bool:
    """Tell whether a run goes on: on this worker, or as far as half a second shows on another.

    A run whose worker died goes on until a reader has waited in vain: see `RedisStore`.

    Raises:
        StoreError: The store cannot be reached.
    """
    if run_id is None:
        return False
    if run_id in log.running:
        return True
    try:
        async with asyncio.timeout(0.5):
            async for entry in log.follow(run_id):
                if entry.terminal:
                    return False
    except TimeoutError:
        return True
    except RunNotFoundError:
        pass
    return False
