"""The conversations of the `useChat` examples, whatever the framework: who owns one, what was said, what goes on.

Above it: `use_chat_on_aiohttp` and `use_chat_on_fastapi`. Below it: the client, the tools, and the relay's `RunLog`.
With a Redis every worker finds them there, so that the next question, a reload or Stop may come to any. Without one
they are in this process, which is for one worker: a second would answer 404. Yours belong into your database.

Rule 1: the page posts one message, and nothing of it is executed; what was said before is what was kept here.
"""

import asyncio
import json
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Final

import msgspec

from asyncstream import AsyncClient, ChatStream, Later, LoopState, Tool, Tools
from asyncstream.examples.web.going import goes_on
from asyncstream.relay import RunLog, StoreError, project
from asyncstream.ui import PostRefusedError, UIMessages, messages_from_ui, retell

__all__ = ["Chat", "Chats", "answer"]


async def get_weather(city: str) -> str:
    """Tell the weather in a city."""
    return f"18 degrees and sunny in {city}"


async def send_mail(to: str, text: str) -> str:
    """Send a mail; the user is asked before it is sent."""
    return f"sent to {to}: {text}"


async def ask_the_user(call: object) -> Later:
    """Let the loop stop: the page shows the call, and posts what the user says of it."""
    return Later()


MONTH: Final = 30 * 24 * 3600
"""Seconds that a conversation is kept in Redis after its last change."""

LONGEST_CLAIM: Final = 60
"""Seconds after which another answer may begin, if a worker died while it began one."""

TOOLS: Tools[None] = Tools(get_weather, Tool(send_mail, approve=True), approve=ask_the_user)


@dataclass
class Chat:
    """One conversation."""

    id: str
    owner: str
    """The session that may see it."""
    messages: list[dict[str, Any]] = field(default_factory=list)
    """What was said, as the model is asked with it."""
    state: LoopState | None = None
    """The loop that waits for the user's word on a call."""
    words: dict[str, bool] = field(default_factory=dict)
    """What the user said of the calls with which the answer goes on, by their ids: whether they may be made."""
    ends: dict[str, str | None] = field(default_factory=dict)
    """How calls came to their end, by their ids; who has none here was not made."""
    run: str | None = None
    """What is answering, or has answered last."""
    answering: bool = False
    """Whether it goes on: from a post until its answer is saved."""

    @property
    def message_id(self) -> str:
        """The id of the answer to the last question; what goes on in a message has its id."""
        return f"answer-{sum(one['role'] == 'user' for one in self.messages)}"

    def shown(self) -> dict[str, Any]:
        """Return what was said as `useChat` shows it, and whether an answer goes on, which it then asks for."""
        found: list[dict[str, Any]] = []
        calls: dict[str, dict[str, Any]] = {}
        waiting = {call.id for call in self.state.waiting} if self.state else set()
        for message in self.messages:
            match message["role"]:
                case "user":
                    number = sum(one["role"] == "user" for one in found) + 1
                    parts = [{"type": "text", "text": message["content"]}]
                    found.append({"id": f"question-{number}", "role": "user", "parts": parts})
                case "assistant":
                    if found[-1]["role"] == "user":
                        id = found[-1]["id"].replace("question", "answer")
                        found.append({"id": id, "role": "assistant", "parts": []})
                    parts = found[-1]["parts"]
                    parts.append({"type": "step-start"})
                    if message.get("content"):
                        parts.append({"type": "text", "text": message["content"], "state": "done"})
                    for call in message.get("tool_calls") or ():
                        calls[call["id"]] = _part_of(call)
                        parts.append(calls[call["id"]])
                case "tool" if message["tool_call_id"] in waiting:
                    id = message["tool_call_id"]
                    calls[id] |= {"state": "approval-requested", "approval": {"id": f"approve-{id}"}}
                case "tool" if message["tool_call_id"] in self.words:
                    # What comes of it is told by the answer that goes on.
                    id = message["tool_call_id"]
                    approval = {"id": f"approve-{id}", "approved": self.words[id]}
                    calls[id] |= {"state": "approval-responded", "approval": approval}
                case "tool":
                    id = message["tool_call_id"]
                    calls[id] |= _end_of(self.ends.get(id), message["content"])
        return {"messages": found, "answering": self.answering}

    def begun(self) -> list[dict[str, Any]]:
        """Return what stands in the message that is being answered in from before: there was a word on a call in it."""
        last = self.shown()["messages"][-1:]
        return [part for message in last if message["role"] == "assistant" for part in retell(message)]


def _end_of(end: str | None, content: str) -> dict[str, Any]:
    match end:
        case "returned":
            return {"state": "output-available", "output": content}
        case "refused":
            return {"state": "output-denied"}
    return {"state": "output-error", "errorText": content}


def _part_of(call: dict[str, Any]) -> dict[str, Any]:
    try:
        input = json.loads(call["function"]["arguments"])
    except ValueError:
        input = call["function"]["arguments"]
    return {
        "type": "dynamic-tool",
        "toolName": call["function"]["name"],
        "toolCallId": call["id"],
        "state": "input-available",
        "input": input,
    }


class Memory:
    """What `Chats` asks of a Redis, in this process."""

    def __init__(self) -> None:
        self._values: dict[str, bytes] = {}

    async def get(self, key: str) -> bytes | None:
        """Return a value."""
        return self._values.get(key)

    async def set(self, key: str, value: bytes, *, ex: int, nx: bool = False) -> bool:
        """Keep a value; tell whether there was none, if that is asked for."""
        return not (nx and key in self._values) and not self._values.update({key: value})

    async def delete(self, key: str) -> None:
        """Forget a value."""
        self._values.pop(key, None)

    async def aclose(self) -> None:
        """Do nothing."""


async def _reached(asked: Any) -> Any:
    try:
        return await asked
    except Exception as error:
        raise StoreError("the conversations cannot be reached") from error


class Chats:
    """All conversations, by ids that cannot be guessed. Each method raises `StoreError` if the Redis is away.

    Args:
        redis: The URL of one Redis (no cluster) where all workers find them; None keeps them in this process.
    """

    def __init__(self, redis: str | None = None) -> None:
        self._kept: Any = Memory()
        if redis is not None:
            from redis.asyncio import Redis  # only who asks for it needs it

            self._kept = Redis.from_url(redis)

    async def create(self, owner: str) -> str:
        """Begin one; return its id."""
        chat = Chat(secrets.token_urlsafe(16), owner)
        await self.keep(chat)
        return chat.id

    async def find(self, id: str, owner: str | None) -> Chat | None:
        """Return a conversation of this session, and of nobody else: as it is now, changed by `keep` alone."""
        data = await _reached(self._kept.get(f"chat:{id}"))
        chat = msgspec.json.decode(data, type=Chat) if data else None
        return chat if chat is not None and owner and secrets.compare_digest(chat.owner, owner) else None

    async def keep(self, chat: Chat) -> None:
        """Keep what a conversation is now."""
        await _reached(self._kept.set(f"chat:{chat.id}", msgspec.json.encode(chat), ex=MONTH))

    @asynccontextmanager
    async def claimed(self, id: str) -> AsyncIterator[bool]:
        """Let nobody else begin an answer in a conversation within this; tell whether nobody does."""
        key, token = f"chat:{id}:claimed", secrets.token_bytes(16)
        try:
            yield await _reached(self._kept.set(key, token, ex=LONGEST_CLAIM, nx=True))
        finally:
            # Also if the answer was not waited for; a claim that ran out may be somebody else's now.
            if await _reached(self._kept.get(key)) == token:
                await _reached(self._kept.delete(key))

    async def close(self) -> None:
        """Leave the Redis."""
        await self._kept.aclose()


async def answer(client: AsyncClient, log: RunLog, chats: Chats, chat: Chat, body: object) -> str:
    """Take what the page posted, and begin to answer; it goes on whoever watches, and is saved at its end.

    Returns:
        The id of the run.

    Raises:
        PostRefusedError: It is no message of a user, and no word on a call that waits for one.
        APIError: The upstream refused it; the conversation is as it was.
        RelayError: The store cannot be reached.
    """
    # The page may be faster than what saves the answer before; while that goes on there is no other.
    for late in [False] * 100 + [True]:
        async with chats.claimed(chat.id) as claimed:
            if claimed:
                chat = await chats.find(chat.id, chat.owner) or chat
                # What nobody saves and nobody makes any more died with its worker.
                if not chat.answering or (late and not await goes_on(log, chat.run)):
                    return await _begin(client, log, chats, chat, body)
        await asyncio.sleep(0.05)
    raise PostRefusedError("the answer before goes on")


async def _begin(client: AsyncClient, log: RunLog, chats: Chats, chat: Chat, body: object) -> str:
    before = replace(chat, state=chat.state and chat.state.copy(), answering=False)
    stream = _stream(client, chat, body)
    run = chat.run = secrets.token_urlsafe(16)
    chat.answering = True

    async def save(final: object) -> None:
        # What came of an answer that was stopped or broke off is kept too: the user has read it.
        chat.messages = stream.messages
        chat.state = stream.state if stream.pending else None
        chat.ends |= {result.id: result.status for result in stream.results}
        now = await chats.find(chat.id, chat.owner)
        # A worker that stood still for long may have been taken for dead.
        if now is not None and now.run == run:
            await chats.keep(replace(chat, words={}, answering=False))

    try:
        await chats.keep(chat)
        await log.start(run, project(stream, UIMessages(message_id=chat.message_id)), on_finish=save)
    except BaseException:
        await chats.keep(before)
        raise
    return run


def _stream(client: AsyncClient, chat: Chat, body: object) -> ChatStream:
    posted = body.get("message") if isinstance(body, dict) else None
    said, pending = messages_from_ui([posted], state=chat.state)
    state = None
    if pending and chat.state is not None:
        state = chat.state.decide(pending)
        chat.words = {id: word is True for id, word in pending.items()}
    elif len(said) == 1 and said[0]["role"] == "user" and isinstance(said[0]["content"], str):
        # A call that waited is not made then: its word has not come.
        chat.messages = [*chat.messages, said[0]]
        chat.words = {}
    else:
        raise PostRefusedError("expected a question, or a word on a call that waits for one")
    chat.state = None
    return client.chat.completions.stream(model="gpt-4o", messages=chat.messages, run_tools=TOOLS, resume=state)
