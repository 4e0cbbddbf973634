"""The conversations of the `useChat` examples, whatever the framework: who owns one, what was said, what goes on.

Above it: `use_chat_on_aiohttp` and `use_chat_on_fastapi`. Below it: the client, the tools, and the relay's `RunLog`.
It holds them in memory: put `Chat` where your sessions are, with several workers into your database.

Rule 1: the page posts one message, and nothing of it is executed; what was said before is what was kept here.
"""

import asyncio
import json
import secrets
from dataclasses import dataclass, field
from typing import Any

from asyncstream import AsyncClient, ChatStream, Later, LoopState, Tool, Tools
from asyncstream.relay import RunLog, project
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


TOOLS: Tools[None] = Tools(get_weather, Tool(send_mail, approve=True), approve=ask_the_user)


@dataclass
class Chat:
    """One conversation."""

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
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held from a post until its answer is saved."""

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
        return {"messages": found, "answering": self.lock.locked()}

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


class Chats:
    """All conversations, by ids that cannot be guessed."""

    def __init__(self) -> None:
        self._chats: dict[str, Chat] = {}

    def create(self, owner: str) -> str:
        """Begin one; return its id."""
        id = secrets.token_urlsafe(16)
        self._chats[id] = Chat(owner)
        return id

    def find(self, id: str, owner: str | None) -> Chat | None:
        """Return a conversation of this session, and of nobody else."""
        chat = self._chats.get(id)
        return chat if chat is not None and owner and secrets.compare_digest(chat.owner, owner) else None


async def answer(client: AsyncClient, log: RunLog, chat: Chat, body: object) -> str:
    """Take what the page posted, and begin to answer; it goes on whoever watches, and is saved at its end.

    Returns:
        The id of the run.

    Raises:
        PostRefusedError: It is no message of a user, and no word on a call that waits for one.
        APIError: The upstream refused it; the conversation is as it was.
        RelayError: The store cannot be reached.
    """
    # The page may be faster than what saves the answer before; while that goes on there is no other.
    try:
        await asyncio.wait_for(chat.lock.acquire(), 5)
    except TimeoutError:
        raise PostRefusedError("the answer before goes on") from None
    before = chat.messages, chat.state, chat.words, chat.run
    try:
        stream = _stream(client, chat, body)
        chat.run = secrets.token_urlsafe(16)

        async def save(final: object) -> None:
            # What came of an answer that was stopped or broke off is kept too: the user has read it.
            try:
                chat.messages = stream.messages
                chat.state = stream.state if stream.pending else None
                chat.ends |= {result.id: result.status for result in stream.results}
                chat.words = {}
            finally:
                chat.lock.release()

        await log.start(chat.run, project(stream, UIMessages(message_id=chat.message_id)), on_finish=save)
    except BaseException:
        chat.messages, chat.state, chat.words, chat.run = before
        chat.lock.release()
        raise
    return chat.run


def _stream(client: AsyncClient, chat: Chat, body: object) -> ChatStream:
    posted = body.get("message") if isinstance(body, dict) else None
    said, pending = messages_from_ui([posted], state=chat.state)
    state = None
    if pending and chat.state is not None:
        # A copy: the word counts only if the answer begins.
        state = LoopState.load(chat.state.dump()).decide(pending)
        chat.words = {id: word is True for id, word in pending.items()}
    elif len(said) == 1 and said[0]["role"] == "user" and isinstance(said[0]["content"], str):
        # A call that waited is not made then: its word has not come.
        chat.messages = [*chat.messages, said[0]]
    else:
        raise PostRefusedError("expected a question, or a word on a call that waits for one")
    chat.state = None
    return client.chat.completions.stream(model="gpt-4o", messages=chat.messages, run_tools=TOOLS, resume=state)
