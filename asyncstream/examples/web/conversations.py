"""What the browser example keeps of a conversation, in this process or in Redis. It never reaches a browser as it is.

Rule 1: a conversation is saved only over the one that was loaded. Of two that change it at once, whichever worker they
ask, one is told to come again: so nobody's word on a call counts twice.
"""

from typing import Any, Literal, Protocol, TypeAlias, cast

import msgspec

from asyncstream.relay import RelayError, StoreError

__all__ = ["BusyError", "Conversation", "Conversations", "InMemory", "InRedis", "ProtocolName", "Turn"]

ProtocolName: TypeAlias = Literal["chat", "responses", "assistants"]


class BusyError(RelayError):
    """409, the page: the conversation is being answered, or has changed meanwhile."""

    status = 409
    type = "invalid_request_error"
    code = "busy"


class Turn(msgspec.Struct):
    """A question, and the runs that answer it: one, and another for each time that the user was asked."""

    question: str
    runs: list[str]


class Conversation(msgspec.Struct):
    """A conversation."""

    id: str
    protocol: ProtocolName
    turns: list[Turn] = []
    messages: list[dict[str, Any]] = []
    """What the model is sent next time."""
    state: str = ""
    """The `LoopState` of an answer that waits for the user's word; "" if none does."""
    running: str = ""
    """The run that goes on; "" if none does."""
    version: int = 0


class Conversations(Protocol):
    """Where conversations are kept."""

    async def load(self, id: str) -> Conversation | None:
        """Return a conversation; None if it is not kept."""
        ...

    async def save(self, conversation: Conversation) -> None:
        """Keep a conversation in place of the one that was loaded.

        Raises:
            BusyError: It has changed since.
        """
        ...

    async def close(self) -> None:
        """Let go of what it stands on."""
        ...


class InMemory:
    """Conversations in this process: for one worker. The newest are kept.

    Args:
        most: How many.
    """

    def __init__(self, most: int = 1_000) -> None:
        self._most = most
        self._kept: dict[str, bytes] = {}

    async def load(self, id: str) -> Conversation | None:
        """Return a conversation."""
        data = self._kept.get(id)
        return None if data is None else msgspec.json.decode(data, type=Conversation)

    async def save(self, conversation: Conversation) -> None:
        """Keep a conversation."""
        kept = await self.load(conversation.id)
        if (0 if kept is None else kept.version) != conversation.version:
            raise BusyError("the conversation has changed meanwhile")
        conversation.version += 1
        self._kept.pop(conversation.id, None)
        self._kept[conversation.id] = msgspec.json.encode(conversation)
        while len(self._kept) > self._most:
            del self._kept[next(iter(self._kept))]

    async def close(self) -> None:
        """Do nothing."""


_SAVE = """
if (redis.call('HGET', KEYS[1], 'version') or '0') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'version', ARGV[2], 'data', ARGV[3])
redis.call('EXPIRE', KEYS[1], ARGV[4])
return 1
"""


class InRedis:
    """Conversations in Redis: for any number of workers.

    Args:
        url: Where it is.
        ttl: Seconds that a conversation is kept after its last change.
    """

    def __init__(self, url: str, *, ttl: int = 24 * 3600) -> None:
        from redis.asyncio import Redis  # only who asks for it needs it

        self._redis: Any = Redis.from_url(url)
        self._ttl = ttl

    async def load(self, id: str) -> Conversation | None:
        """Return a conversation."""
        data = await self._ask(self._redis.hget(f"conversation:{id}", "data"))
        return None if data is None else msgspec.json.decode(cast("bytes", data), type=Conversation)

    async def save(self, conversation: Conversation) -> None:
        """Keep a conversation."""
        next_one = msgspec.structs.replace(conversation, version=conversation.version + 1)
        key, data = f"conversation:{conversation.id}", msgspec.json.encode(next_one)
        versions = conversation.version, next_one.version
        if not await self._ask(self._redis.eval(_SAVE, 1, key, *versions, data, self._ttl)):
            raise BusyError("the conversation has changed meanwhile")
        conversation.version = next_one.version

    async def close(self) -> None:
        """Close the connections."""
        await self._redis.aclose()

    async def _ask(self, asked: Any) -> object:
        from redis.exceptions import RedisError

        try:
            return await asked
        except (RedisError, OSError) as error:
            raise StoreError("the conversations cannot be reached") from error
