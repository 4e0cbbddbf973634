"""What a run produces: messages and steps, opened, streamed in deltas, and closed.

Fed by `runs` with actions; emits events through the callback it is given and keeps the records of thread and run up to
date. Knows nothing of the run's own status, of requests or of sockets. At most one step is open, with its message.
"""

from collections.abc import Awaitable, Callable
from typing import Literal, TypeAlias

from asyncstream.server.actions import (
    CallFunction,
    Citation,
    FilePath,
    Refuse,
    RequestApproval,
    RunCode,
    Say,
    SearchFiles,
    ShowImage,
    ToolResult,
    UrlCitation,
)
from asyncstream.server.assistants.objects import new_reply, new_step, usage
from asyncstream.server.pieces import argument_pieces, json_text, marked, tokens, words
from asyncstream.server.state import RunRecord, ThreadRecord, Wire, new_id, now

__all__ = ["Emit", "Output"]

Emit: TypeAlias = Callable[[str, Wire], Awaitable[None]]
Broken: TypeAlias = Literal["failed", "cancelled", "expired"]

_RANKING = {"ranker": "default_2024_08_21", "score_threshold": 0.0}


class Output:
    """The messages and steps of one run.

    Tokens are counted in a simple way: the words of the prompt, and the deltas of the answer.
    """

    def __init__(self, thread: ThreadRecord, record: RunRecord, emit: Emit) -> None:
        self._thread = thread
        self._record = record
        self._emit = emit
        self._message: Wire | None = None
        self._content: list[Wire] = []
        self._step: Wire | None = None
        self._prompt_tokens = 0
        self._completion_tokens = 0
        self._total = [0, 0]
        self.results: list[ToolResult] = []
        self.approved_outputs: dict[str, str] = {}

    @property
    def usage(self) -> Wire:
        """The tokens of all steps so far, the open one included."""
        prompt, completion = self._total
        if self._step is not None:
            prompt, completion = prompt + self._prompt_tokens, completion + self._completion_tokens
        return usage(prompt, completion)

    @property
    def calls(self) -> list[Wire]:
        """The tool calls of the open step."""
        calls: list[Wire] = [] if self._step is None else self._step["step_details"].get("tool_calls", [])
        return calls

    @property
    def waits_for(self) -> Literal["function", "mcp"] | None:
        """What the calls of the open step wait for: the user's outputs, an approval, or nothing."""
        kind = self.calls[0]["type"] if self.calls else None
        return kind if kind in ("function", "mcp") else None

    async def say(self, action: Say) -> None:
        """Stream a text part; the first delta carries an empty list of annotations, as on the wire."""
        sent: list[str] = []
        annotations: list[Wire] = []
        index = await self._open_part({"type": "text", "text": {"value": sent, "annotations": annotations}})
        pieces = list(action.pieces) or words(action.text) or [""]
        cited = marked(pieces, [citation.text for citation in action.citations])
        for position, (piece, complete) in enumerate(cited):
            sent.append(piece)
            delta: Wire = {"value": piece}
            new = []
            for number, start in complete:
                citation = action.citations[number]
                new.append({"index": len(annotations), **_annotation(citation, start, quote=True)})
                annotations.append(_annotation(citation, start))
            if new or position == 0:
                delta["annotations"] = new
            await self._message_delta({"index": index, "type": "text", "text": delta})

    async def refuse(self, action: Refuse) -> None:
        """Stream a refusal part."""
        sent: list[str] = []
        index = await self._open_part({"type": "refusal", "refusal": sent})
        for piece in action.pieces or words(action.text):
            sent.append(piece)
            await self._message_delta({"index": index, "type": "refusal", "refusal": piece})

    async def show_image(self, action: ShowImage) -> None:
        """Add an image part."""
        part: Wire = {"type": "image_file", "image_file": {"file_id": action.file_id, "detail": "auto"}}
        index = await self._open_part(part)
        await self._message_delta({"index": index, **part})

    async def run_code(self, action: RunCode) -> None:
        """Stream a code interpreter step."""
        code: Wire = {"input": "", "outputs": []}
        call: Wire = {"id": new_id("call"), "type": "code_interpreter", "code_interpreter": code}
        await self._open_tool_step()
        await self._open_call(call, {"input": "", "outputs": []})
        await self._stream_call(call, "input", list(action.pieces) or tokens(action.input))
        outputs: list[Wire] = []
        if action.logs is not None:
            outputs.append({"type": "logs", "logs": action.logs})
        if action.image is not None:
            outputs.append({"type": "image", "image": {"file_id": action.image}})
        for index, output in enumerate(outputs):
            code["outputs"].append(output)
            # Logs come as the code prints them: a line at a time.
            pieces = (
                [{"logs": line} for line in action.logs.splitlines(True)] if action.logs and "logs" in output else []
            )
            for piece in pieces or [output]:
                change = {"outputs": [{"index": index, "type": output["type"], **piece}]}
                await self._step_delta({"type": "code_interpreter", "code_interpreter": change})

    async def search_files(self, action: SearchFiles) -> None:
        """Run a file search step; its delta has no results."""
        search: Wire = {"ranking_options": dict(_RANKING), "results": []}
        call: Wire = {"id": new_id("call"), "type": "file_search", "file_search": search}
        await self._open_tool_step()
        await self._open_call(call, {"ranking_options": dict(_RANKING), "results": []})
        search["results"] = [
            {
                "file_id": result.file_id,
                "file_name": result.file_name,
                "score": result.score,
                "attributes": {},
                "content": [{"type": "text", "text": result.text}],
            }
            for result in action.results
        ]

    async def call_function(self, action: CallFunction) -> None:
        """Stream one call into a step that holds only function calls; it stays open for the outputs."""
        function: Wire = {"name": action.name, "arguments": "", "output": None}
        call: Wire = {"id": action.id or new_id("call"), "type": "function", "function": function}
        if self.waits_for != "function":
            await self._open_tool_step()
        await self._open_call(call, dict(function))
        await self._stream_call(call, "arguments", argument_pieces(action.arguments, action.pieces))

    async def request_approval(self, action: RequestApproval) -> None:
        """Show one MCP call that waits for its approval."""
        call: Wire = {
            "id": action.id or new_id("call"),
            "type": "mcp",
            "name": action.name,
            "arguments": json_text(action.arguments),
            "server_label": action.server_label,
        }
        self.approved_outputs[call["id"]] = action.output
        if self.waits_for != "mcp":
            await self._open_tool_step()
        await self._open_call(call, None)

    async def complete(self) -> None:
        """Close what is open as completed."""
        if self._message is not None:
            message, self._message = self._message, None
            message.update(status="completed", completed_at=now(), content=self._closed_content())
            await self._emit("thread.message.completed", message)
        step = self.complete_step()
        if step is not None:
            await self._emit("thread.run.step.completed", step)

    def complete_step(self) -> Wire | None:
        """Close the open step in the record, without an event; return it."""
        step = self._close_step()
        if step is not None:
            step.update(
                status="completed",
                completed_at=now(),
                usage=usage(self._prompt_tokens, self._completion_tokens),
            )
        return step

    async def break_off(self, status: Broken, error: Wire | None = None) -> None:
        """Close what is open because the run failed, was cancelled, or expired."""
        await self.cut_message(f"run_{status}")
        step = self._close_step()
        if step is not None:
            step.update({"status": status, f"{status}_at": now(), "last_error": error})
            await self._emit(f"thread.run.step.{status}", step)

    async def cut_message(self, reason: str) -> None:
        """Close the open message, if any, as incomplete."""
        if self._message is not None:
            message, self._message = self._message, None
            message.update(
                status="incomplete",
                incomplete_at=now(),
                incomplete_details={"reason": reason},
                content=self._closed_content(),
            )
            await self._emit("thread.message.incomplete", message)

    async def _open_part(self, part: Wire) -> int:
        if self._message is None:
            message = new_reply(self._record.wire)
            await self._open_step(
                {"type": "message_creation", "message_creation": {"message_id": message["id"]}}, opens=message
            )
        self._content.append(part)
        return len(self._content) - 1

    async def _open_tool_step(self) -> None:
        await self._open_step({"type": "tool_calls", "tool_calls": []})

    async def _open_step(self, details: Wire, opens: Wire | None = None) -> None:
        await self.complete()
        instructions = self._record.wire["instructions"] or ""
        self._prompt_tokens = len(instructions.split()) + sum(len(text.split()) for _, text in self._thread.texts())
        self._completion_tokens = 0
        step = self._step = new_step(self._record.wire, details)
        self._record.steps[step["id"]] = step
        if opens is not None:
            self._message = opens
            self._thread.messages[opens["id"]] = opens
        await self._emit("thread.run.step.created", step)
        await self._emit("thread.run.step.in_progress", step)
        if opens is not None:
            await self._emit("thread.message.created", opens)
            await self._emit("thread.message.in_progress", opens)

    def _close_step(self) -> Wire | None:
        step, self._step = self._step, None
        if step is not None:
            self._total[0] += self._prompt_tokens
            self._total[1] += self._completion_tokens
        return step

    def _closed_content(self) -> list[Wire]:
        content, self._content = self._content, []
        for part in content:
            # Text was kept in pieces: adding to a string would be quadratic.
            if part["type"] == "text":
                part["text"]["value"] = "".join(part["text"]["value"])
            elif part["type"] == "refusal":
                part["refusal"] = "".join(part["refusal"])
        return content

    async def _message_delta(self, part: Wire) -> None:
        if self._message is not None:
            self._completion_tokens += 1
            delta = {"content": [part]}
            await self._emit(
                "thread.message.delta",
                {"id": self._message["id"], "object": "thread.message.delta", "delta": delta},
            )

    async def _open_call(self, call: Wire, shown: Wire | None) -> None:
        self.calls.append(call)
        await self._step_delta(call if shown is None else {**call, call["type"]: shown})

    async def _stream_call(self, call: Wire, key: str, pieces: list[str]) -> None:
        sent: list[str] = []
        kind = call["type"]
        try:
            for piece in pieces:
                sent.append(piece)
                self._completion_tokens += 1
                await self._step_delta({"type": kind, kind: {key: piece}})
        finally:
            # Also for a call that is cancelled in the middle.
            call[kind][key] = "".join(sent)

    async def _step_delta(self, call: Wire) -> None:
        """Emit a delta of the step's last call."""
        if self._step is not None:
            details = {"type": "tool_calls", "tool_calls": [{"index": len(self.calls) - 1, **call}]}
            await self._emit(
                "thread.run.step.delta",
                {"id": self._step["id"], "object": "thread.run.step.delta", "delta": {"step_details": details}},
            )


def _annotation(citation: Citation | FilePath | UrlCitation, start: int, *, quote: bool = False) -> Wire:
    place: Wire = {"text": citation.text, "start_index": start, "end_index": start + len(citation.text)}
    match citation:
        case Citation():
            cited = {"file_id": citation.file_id, **({"quote": citation.quote} if quote else {})}
            return {"type": "file_citation", **place, "file_citation": cited}
        case FilePath():
            return {"type": "file_path", **place, "file_path": {"file_id": citation.file_id}}
        case UrlCitation():
            return {"type": "url_citation", **place, "url_citation": {"url": citation.url, "title": citation.title}}
