"""What the browser example does for its page, whatever the framework: `Answers`. Each answer goes on without a browser.

A page posts, `Answers` starts a run in the relay's log, and the page reads that. The three protocols of OpenAI give one
and the same parts, so that neither the page nor the frameworks know which it is. Above it: `on_aiohttp` and
`on_fastapi`. Below it: the client, the log, `conversations`, `tools`.

Rule 1: nothing that is posted runs. A word on a call is judged against the state that is kept here.
Rule 2: a conversation is saved before its readers hear that the answer is over.
"""

import secrets
from collections.abc import AsyncIterator, Callable
from typing import Any, TypeVar

import msgspec

from asyncstream import APIError, AssistantStream, AsyncClient, ChatStream, LoopState, ResponseStream
from asyncstream.examples.web.conversations import BusyError, Conversation, Conversations, InMemory, ProtocolName, Turn
from asyncstream.examples.web.going import goes_on
from asyncstream.examples.web.tools import Bookings, make_tools
from asyncstream.relay import Entry, RelayError, RunLog, project
from asyncstream.ui import PostRefusedError, UIMessages, messages_from_ui

__all__ = ["Answers", "Ask", "Begin", "Decide", "NotTakenError", "Shown", "UnknownError", "read"]

LONGEST_POST = 64 * 1024
LONGEST_QUESTION = 4_000

P = TypeVar("P")


class NotTakenError(RelayError):
    """400, the page: what was posted is not what is expected."""

    status = 400
    type = "invalid_request_error"
    code = "not_taken"


class UnknownError(RelayError):
    """404, the page: there is no such conversation, or it is not kept any more."""

    status = 404
    type = "invalid_request_error"
    code = "conversation_not_found"


class Ask(msgspec.Struct):
    """A question, as a page posts it."""

    question: str


class Begin(Ask):
    """The first question of a conversation."""

    protocol: ProtocolName = "chat"


class Decide(msgspec.Struct):
    """The user's word on a call, with what the user was shown of it."""

    call: str
    name: str
    input: str
    approved: bool


class Shown(msgspec.Struct):
    """What a page is told of a conversation: all else it reads from the runs."""

    id: str
    protocol: ProtocolName
    turns: list[Turn]
    busy: bool
    waiting: list[str]
    """The ids of calls that wait for the user's word."""


def read(type: type[P], body: bytes, content_type: str | None) -> P:
    """Return what a page has posted.

    Raises:
        NotTakenError: It is something else.
    """
    # A form of another site cannot send JSON without asking first.
    if (content_type or "").partition(";")[0].strip().lower() != "application/json":
        raise NotTakenError("expected a body of the type application/json")
    if len(body) > LONGEST_POST:
        raise NotTakenError(f"expected at most {LONGEST_POST} bytes, got {len(body)}")
    try:
        return msgspec.json.decode(body, type=type)
    except msgspec.DecodeError as error:
        raise NotTakenError(f"expected {', '.join(type.__annotations__)}: {error}") from error


class Answers:
    """The conversations of an application. Whoever knows the id of one may read it and go on with it.

    Args:
        client: Talks to the upstream; the caller closes it.
        log: Keeps the runs; the caller closes it.
        kept: Keeps the conversations; None: in this process.
        model: Who answers in chat and Responses.
        assistant_id: Who answers where the Assistants protocol was chosen.
    """

    def __init__(
        self, client: AsyncClient, log: RunLog, *, kept: Conversations | None = None, model: str, assistant_id: str
    ) -> None:
        self.log = log
        self._client = client
        self._kept: Conversations = InMemory() if kept is None else kept
        self._model = model
        self._assistant_id = assistant_id
        self._tools = make_tools(Bookings())

    async def show(self, id: str) -> Shown:
        """Return what a page is told of a conversation."""
        return _shown(await self._load(id))

    async def begin(self, post: Begin) -> Shown:
        """Begin a conversation with a question.

        Raises:
            APIError: The upstream refused it.
            RelayError: It is no question; or a store cannot be reached.
        """
        return await self._ask(Conversation(id=secrets.token_urlsafe(16), protocol=post.protocol), post)

    async def ask(self, id: str, post: Ask) -> Shown:
        """Ask the next question. A call that still waits for the user's word is not made then."""
        return await self._ask(await self._load(id), post)

    async def decide(self, id: str, post: Decide) -> Shown:
        """Take the user's word on a call; when no other waits, the answer goes on.

        Raises:
            NotTakenError: No call waits for this word, or it was shown otherwise than it was made.
            RelayError: A store cannot be reached.
        """
        conversation = await self._load(id)
        state = LoopState.load(conversation.state) if conversation.state else None
        part = {
            "type": "dynamic-tool",
            "toolCallId": post.call,
            "toolName": post.name,
            "input": post.input,
            "state": "approval-responded",
            "approval": {"id": f"approve-{post.call}", "approved": post.approved},
        }
        try:
            _, words = messages_from_ui([{"id": "", "role": "assistant", "parts": [part]}], state=state)
        except PostRefusedError as error:
            raise NotTakenError(str(error)) from error
        if state is None:
            raise NotTakenError(f"no call {post.call!r} waits for a word")
        state.decide(words)
        if state.waiting:
            conversation.state = state.dump().decode()
            await self._kept.save(conversation)
        else:
            await self._run(conversation, state)
        return _shown(conversation)

    async def stop(self, id: str) -> Shown:
        """Stop the answer, on whichever worker it is made. What has come of it stays."""
        conversation = await self._load(id)
        if conversation.running:
            await self.log.cancel(conversation.running)
        return await self.show(id)

    async def close(self) -> None:
        """Let the answers come to their end for some seconds, then stop them."""
        await self.log.close(finish=5.0)
        await self._kept.close()

    async def _load(self, id: str) -> Conversation:
        conversation = await self._kept.load(id)
        if conversation is None:
            raise UnknownError("there is no such conversation: it never began, or it is not kept any more")
        return conversation

    async def _ask(self, conversation: Conversation, post: Ask) -> Shown:
        question = post.question.strip()
        if not question or len(question) > LONGEST_QUESTION:
            raise NotTakenError(f"expected a question of 1 to {LONGEST_QUESTION} characters, got {len(question)}")
        if await goes_on(self.log, conversation.running or None):
            raise BusyError("the last question is still being answered")
        conversation.turns.append(Turn(question, []))
        conversation.messages.append({"role": "user", "content": question})
        await self._run(conversation, None)
        return _shown(conversation)

    async def _run(self, conversation: Conversation, state: LoopState | None) -> None:
        """Start the next run of the last turn. It is claimed first, so that no other worker starts one."""
        before = msgspec.structs.replace(conversation)
        stream = self._stream(conversation, state)
        conversation.running = secrets.token_urlsafe(16)
        conversation.state = ""
        conversation.turns[-1].runs.append(conversation.running)
        await self._kept.save(conversation)

        async def save() -> None:
            await self._keep(conversation.id, stream)

        async def cancel() -> None:
            if isinstance(stream, AssistantStream) and stream.current_run is not None:
                await self._client.threads.runs.cancel(stream.current_run.id, thread_id=stream.current_run.thread_id)

        try:
            await self.log.start(conversation.running, _Answer(stream, save), on_cancel=cancel)
        except (APIError, RelayError):
            # As if it had not been asked: the page still has the question.
            conversation.turns[-1].runs.pop()
            if not conversation.turns[-1].runs:
                conversation.turns.pop()
                conversation.messages.pop()
            conversation.running, conversation.state = "", before.state
            await self._kept.save(conversation)
            raise

    def _stream(
        self, conversation: Conversation, state: LoopState | None
    ) -> "ChatStream | ResponseStream | AssistantStream":
        messages: Any = conversation.messages
        match conversation.protocol:
            case "chat":
                return self._client.chat.completions.stream(
                    model=self._model, messages=messages, run_tools=self._tools, resume=state
                )
            case "responses":
                # The conversation is kept here: with `store` a second round would be sent without the first.
                return self._client.responses.stream(
                    model=self._model,
                    input=messages,
                    store=False,
                    include=["reasoning.encrypted_content"],
                    run_tools=self._tools,
                    resume=state,
                )
            case _:
                return self._client.threads.create_and_run_stream(
                    assistant_id=self._assistant_id,
                    thread={"messages": messages},
                    run_tools=self._tools,
                    send_tools=True,
                    resume=state,
                )

    async def _keep(self, id: str, stream: "ChatStream | ResponseStream | AssistantStream") -> None:
        """Save what an answer that is over has brought."""
        conversation = await self._load(id)
        conversation.running = ""
        if stream.stopped == "later":
            conversation.state = stream.state.dump().decode()
        if isinstance(stream, ChatStream):
            conversation.messages = stream.messages
        elif isinstance(stream, ResponseStream):
            conversation.messages = stream.input
        else:
            said = [
                part.text.value for one in stream.accumulator.messages for part in one.content if part.type == "text"
            ]
            conversation.messages += [{"role": "assistant", "content": text} for text in said if text]
        await self._kept.save(conversation)


class _Answer:
    """A stream as the parts that the page reads; what it brought is saved before its end is told."""

    def __init__(self, stream: Any, save: Callable[[], Any]) -> None:
        self._parts = project(stream, UIMessages())
        self._save = save
        self._saved = False

    async def open(self) -> object:
        return await self._parts.open()

    async def __aiter__(self) -> AsyncIterator[Entry]:
        try:
            async for entry in self._parts:
                if entry.terminal:
                    await self._save_once()
                yield entry
        finally:
            # Also if it was stopped, for whoever stopped it may ask again at once.
            await self._save_once()

    async def close(self) -> None:
        await self._parts.close()

    async def _save_once(self) -> None:
        if not self._saved:
            self._saved = True
            await self._save()


def _shown(conversation: Conversation) -> Shown:
    waiting = LoopState.load(conversation.state).waiting if conversation.state else []
    return Shown(
        conversation.id,
        conversation.protocol,
        conversation.turns,
        bool(conversation.running),
        [call.id for call in waiting],
    )
