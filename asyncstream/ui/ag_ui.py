"""`AGUI`: changes as the events of AG-UI 1.0, which CopilotKit and its kin read. Pure.

The words of one protocol of pages; what is told when is decided by `answer`. A member that has no value is left out:
its readers refuse null.

Source: https://docs.ag-ui.com/concepts/events
"""

from typing import Final
from uuid import uuid4

from asyncstream.decoding import dump_json
from asyncstream.ui.answer import Answer, Call, End, Part, Said
from asyncstream.ui.found import File, Source
from asyncstream.ui.open_parts import OpenEvents, result_event

__all__ = ["AGUI"]

_FIRST_ITEM: Final = "#"
"""What the key of an item begins with that has no id."""


class AGUI:
    """One run of an agent as AG-UI has it, from the changes of one stream.

    Each verb returns events, dicts for ``data:`` frames; after the one that ends the run they return none.

    Args:
        thread_id: The `threadId` of the input that was posted; None makes one up.
        run_id: Its `runId`; None makes one up.
    """

    def __init__(self, *, thread_id: str | None = None, run_id: str | None = None) -> None:
        self._answer = Answer(_Events(thread_id or f"thread_{uuid4().hex}", run_id or f"run_{uuid4().hex}"))

    def start(self) -> list[Part]:
        """Open the run; the first `push` does it, if this was not called."""
        return self._answer.start()

    def push(self, change: object) -> list[Part]:
        """Say what a change of `stream.changes` says."""
        return self._answer.push(change)

    def ask(self, call_ids: list[str]) -> list[Part]:
        """Ask for a word on calls, as `RoundDone` does for all that are open if it says "later".

        Nothing is sent for it at once: it stands in RUN_FINISHED.

        Args:
            call_ids: The ids of the calls in their answer.
        """
        return self._answer.ask(call_ids)

    def data(self, name: str, value: object) -> list[Part]:
        """Say something of your own: an event CUSTOM."""
        return self._answer.note(name, value)

    def finish(self) -> list[Part]:
        """End the run: complete, or failed or given up, if a change said that."""
        return self._answer.finish()

    def fail(self, error: BaseException | str, *, code: str | None = None) -> list[Part]:
        """Close what is open, give each pending call an error as its result, and say that the run failed.

        Args:
            error: The words that the page shows; of an exception nothing is told but that the answer broke off, for
                its message may hold what browsers may not know.
            code: A word for programs.
        """
        return self._answer.fail(error, code)

    def abort(self, reason: str) -> list[Part]:
        """Close what is open, give each pending call an error as its result, and say that the run was given up."""
        return self._answer.leave(reason)


class _Events:
    """Writes the events."""

    def __init__(self, thread_id: str, run_id: str) -> None:
        self._run = {"threadId": thread_id, "runId": run_id}
        self._run_id = run_id
        self._open = OpenEvents()
        # The ids of the texts' messages; each is used once.
        self._used: set[str] = set()

    def _told(self, *events: Part) -> list[Part]:
        for event in events:
            self._open.take(event)
        return [*events]

    def _message_of(self, step: int) -> str:
        """Return the id of the message of a step, which its calls belong to."""
        return f"{self._run_id}-{step}"

    def _name(self, said: Said) -> None:
        """Give a text the id of the message that it is: its own, if it has one, else that of its step."""
        own = isinstance(said.parent, str) and not said.parent.startswith(_FIRST_ITEM)
        id = str(said.parent) if own else self._message_of(said.step)
        said.id = id if id not in self._used else f"{id}-{said.number}"
        self._used.add(said.id)

    def begins(self) -> list[Part]:
        return [{"type": "RUN_STARTED", **self._run}]

    def step_begins(self, step: int) -> list[Part]:
        return self._told({"type": "STEP_STARTED", "stepName": f"step-{step}"})

    def step_ends(self, step: int) -> list[Part]:
        return self._told({"type": "STEP_FINISHED", "stepName": f"step-{step}"})

    def text_begins(self, said: Said) -> list[Part]:
        self._name(said)
        event: Part = {"type": "TEXT_MESSAGE_START", "messageId": said.id, "role": "assistant"}
        return self._told({**event, "metadata": {"refusal": True}} if said.refusal else event)

    def text_grows(self, said: Said, piece: str) -> list[Part]:
        return [{"type": "TEXT_MESSAGE_CONTENT", "messageId": said.id, "delta": piece}]

    def text_ends(self, said: Said) -> list[Part]:
        return self._told({"type": "TEXT_MESSAGE_END", "messageId": said.id})

    def thought_begins(self, said: Said) -> list[Part]:
        said.id = f"{self._run_id}-reasoning-{said.number}"
        return self._told(
            {"type": "REASONING_START", "messageId": said.id},
            {"type": "REASONING_MESSAGE_START", "messageId": said.id, "role": "reasoning"},
        )

    def thought_grows(self, said: Said, piece: str) -> list[Part]:
        return [{"type": "REASONING_MESSAGE_CONTENT", "messageId": said.id, "delta": piece}]

    def thought_ends(self, said: Said, sealed: str) -> list[Part]:
        events: list[Part] = [{"type": "REASONING_MESSAGE_END", "messageId": said.id}]
        if sealed:
            value = {"subtype": "message", "entityId": said.id, "encryptedValue": sealed}
            events.append({"type": "REASONING_ENCRYPTED_VALUE", **value})
        return self._told(*events, {"type": "REASONING_END", "messageId": said.id})

    def call_begins(self, call: Call) -> list[Part]:
        event = {"type": "TOOL_CALL_START", "toolCallId": call.id, "toolCallName": call.name}
        return self._told({**event, "parentMessageId": self._message_of(call.step)})

    def call_grows(self, call: Call, piece: str) -> list[Part]:
        return [{"type": "TOOL_CALL_ARGS", "toolCallId": call.id, "delta": piece}]

    def call_ready(self, call: Call, input: object) -> list[Part]:
        return self._told({"type": "TOOL_CALL_END", "toolCallId": call.id})

    def call_broken(self, call: Call, input: object, words: str) -> list[Part]:
        return [*self.call_ready(call, input), *self.call_fails(call, words)]

    def call_asks(self, call: Call) -> list[Part]:
        return []

    def call_reports(self, call: Call, output: object) -> list[Part]:
        return [{"type": "CUSTOM", "name": "tool-progress", "value": {"toolCallId": call.id, "output": output}}]

    def call_returns(self, call: Call, output: object) -> list[Part]:
        return self._told(result_event(call.id, output if isinstance(output, str) else dump_json(output)))

    def call_fails(self, call: Call, words: str) -> list[Part]:
        return self._told(result_event(call.id, words, failed=True))

    def call_denied(self, call: Call, words: str) -> list[Part]:
        return self.call_fails(call, words)

    def source(self, source: Source) -> list[Part]:
        named = {"url": source.id} if source.is_page else {"fileId": source.id}
        return self.note("source", {**named, "title": source.title})

    def file(self, file: File) -> list[Part]:
        named = {"url": file.url} if file.url else {"fileId": file.file_id}
        return self.note("file", {**named, "mediaType": file.media_type})

    def note(self, name: str, value: object) -> list[Part]:
        return [{"type": "CUSTOM", "name": name, "value": value}]

    def closes(self, words: str | None) -> list[Part]:
        return self._open.closing(words)

    def ends(self, end: End) -> list[Part]:
        event: Part = {"type": "RUN_FINISHED", **self._run, "outcome": _outcome(end.pending)}
        if end.usage:
            event["usage"] = [{**end.usage}]
        return [{**event, "metadata": {"finishReason": end.reason}}]

    def fails(self, words: str, code: str | None) -> list[Part]:
        event: Part = {"type": "RUN_ERROR", "message": words}
        return [event if code is None else {**event, "code": code}]

    def leaves(self, reason: str) -> list[Part]:
        outcome = {"outcome": {"type": "cancelled"}, "metadata": {"reason": reason}}
        return [{"type": "RUN_FINISHED", **self._run, **outcome}]


def _outcome(pending: list[Call]) -> Part:
    """Return how a run ended: with questions, if calls wait for somebody's word."""
    asking = [call for call in pending if call.asks]
    if asking:
        interrupts = [
            {"id": call.id, "reason": "tool_approval", "message": f"May {call.name} run?", "toolCallId": call.id}
            for call in asking
        ]
        return {"type": "interrupt", "interrupts": interrupts}
    ids = [call.id for call in pending]
    return {"type": "success", "pendingToolCallIds": ids} if ids else {"type": "success"}
