"""What a response produces: items, opened, streamed in events, and closed. Pure, but for ids.

Each action becomes the events that OpenAI sends for it, without numbers; `script` drives it. The response gets an item
when it is closed. At most one item is open: a message, reasoning, or a call of the user's tools.
"""

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from asyncstream.server.actions import (
    CallCustom,
    CallFunction,
    CallMCP,
    Citation,
    DrawImage,
    FilePath,
    Refuse,
    RequestApproval,
    RunCode,
    Say,
    SearchFiles,
    SearchWeb,
    Think,
    UrlCitation,
)
from asyncstream.server.pieces import argument_pieces, json_text, marked, tokens, words
from asyncstream.server.state import Wire, new_id

__all__ = ["Asked", "Closing", "Output"]

Closing: TypeAlias = Literal["completed", "incomplete", "failed"]
_Kind: TypeAlias = Literal["output_text", "refusal", "summary_text"]


@dataclass(frozen=True, slots=True)
class Asked:
    """What of a request shows in items."""

    question: str
    include: frozenset[str]
    top_logprobs: int


@dataclass(slots=True)
class _Part:
    """The open part of a message, or of a summary."""

    kind: _Kind
    place: Wire
    """What its events say of where it is."""
    pieces: list[str] = field(default_factory=list)
    annotations: list[Wire] = field(default_factory=list)
    logprobs: list[Wire] = field(default_factory=list)

    def wire(self) -> Wire:
        text = "".join(self.pieces)
        match self.kind:
            case "refusal":
                return {"type": "refusal", "refusal": text}
            case "summary_text":
                return {"type": "summary_text", "text": text}
        return {
            "type": "output_text",
            "annotations": list(self.annotations),
            "logprobs": list(self.logprobs),
            "text": text,
        }


_EVENTS = {
    "output_text": ("response.output_text", "text"),
    "refusal": ("response.refusal", "refusal"),
    "summary_text": ("response.reasoning_summary_text", "text"),
    "function_call": ("response.function_call_arguments", "arguments"),
    "custom_tool_call": ("response.custom_tool_call_input", "input"),
    "mcp_call": ("response.mcp_call_arguments", "arguments"),
    "code_interpreter_call": ("response.code_interpreter_call_code", "code"),
}
"""How the events of a text are called, and where their `done` has it."""


class Output:
    """The items of one response.

    Tokens are counted in a simple way: the pieces of the answer.
    """

    def __init__(self, response: Wire, asked: Asked) -> None:
        self._items: list[Wire] = response["output"]
        self._asked = asked
        self._item: Wire | None = None
        self._part: _Part | None = None
        self._pieces: list[str] | None = None
        self.tokens = 0
        self.reasoning_tokens = 0
        self.hidden: dict[str, tuple[str, Wire]] = {}
        """Members of items that are shown only to requests that include them, by the ids of these; and that name."""

    # What the user's tools, and the user, see.

    def say(self, action: Say) -> Iterator[Wire]:
        """Stream a part of text; an annotation comes behind the piece that completes its marker."""
        yield from self._open_message()
        part = yield from self._open_part("output_text")
        pieces = list(action.pieces) or words(action.text) or [""]
        for piece, complete in marked(pieces, [citation.text for citation in action.citations]):
            logprobs = self._logprobs(piece)
            part.logprobs += logprobs
            yield from self._delta(part, piece, {"logprobs": logprobs})
            for number, start in complete:
                annotation = self._annotation(action.citations[number], start)
                place = {**part.place, "annotation_index": len(part.annotations)}
                part.annotations.append(annotation)
                yield {"type": "response.output_text.annotation.added", **place, "annotation": annotation}

    def refuse(self, action: Refuse) -> Iterator[Wire]:
        """Stream a refusal."""
        yield from self._open_message()
        part = yield from self._open_part("refusal")
        for piece in action.pieces or words(action.text):
            yield from self._delta(part, piece, {})

    def think(self, action: Think) -> Iterator[Wire]:
        """Stream a part of a summary of reasoning."""
        if self._item is None or self._item["type"] != "reasoning":
            item: Wire = {"id": new_id("rs"), "type": "reasoning", "summary": []}
            if "reasoning.encrypted_content" in self._asked.include:
                item["encrypted_content"] = ""
            yield from self._open(item)
        part = yield from self._open_part("summary_text")
        for piece in action.pieces or words(action.text):
            self.reasoning_tokens += 1
            yield from self._delta(part, piece, {})

    def call_function(self, action: CallFunction) -> Iterator[Wire]:
        """Stream a call of a function; it stays open until something else comes."""
        yield from self._open(_call("function_call", "fc", action.id, action.name, "arguments"))
        yield from self._stream(argument_pieces(action.arguments, action.pieces))

    def call_custom(self, action: CallCustom) -> Iterator[Wire]:
        """Stream a call of a custom tool; it stays open until something else comes."""
        yield from self._open(_call("custom_tool_call", "ctc", action.id, action.name, "input"))
        yield from self._stream(list(action.pieces) or words(action.input))

    def request_approval(self, action: RequestApproval) -> Iterator[Wire]:
        """Show an MCP call that waits for its approval."""
        yield from self._open(
            {
                "id": action.id or new_id("mcpr"),
                "type": "mcp_approval_request",
                "arguments": json_text(action.arguments),
                "name": action.name,
                "server_label": action.server_label,
            }
        )
        yield from self.close()

    # What the server's own tools do: each begins and ends with its action.

    def run_code(self, action: RunCode) -> Iterator[Wire]:
        """Stream code and run it; its outputs are shown only to requests that include them."""
        kind = "code_interpreter_call"
        item = {"id": new_id("ci"), "type": kind, "status": "in_progress", "code": "", "outputs": None}
        yield from self._open({**item, "container_id": new_id("cntr")})
        yield self._state("in_progress")
        yield from self._stream(list(action.pieces) or tokens(action.input))
        yield from self._end_stream()
        yield self._state("interpreting")
        outputs: list[Wire] = []
        if action.logs is not None:
            outputs.append({"type": "logs", "logs": action.logs})
        if action.image is not None:
            outputs.append({"type": "image", "url": f"https://files.example/{action.image}"})
        yield self._state("completed")
        yield from self.close(members=self._included("code_interpreter_call.outputs", {"outputs": outputs}))

    def search_files(self, action: SearchFiles) -> Iterator[Wire]:
        """Search files; the results are shown only to requests that include them."""
        item = {"id": new_id("fs"), "type": "file_search_call", "status": "in_progress"}
        yield from self._open({**item, "queries": [], "results": None})
        yield from map(self._state, ("in_progress", "searching", "completed"))
        results = [
            {
                "file_id": result.file_id,
                "filename": result.file_name,
                "score": result.score,
                "attributes": {},
                "text": result.text,
            }
            for result in action.results
        ]
        found = self._included("file_search_call.results", {"results": results})
        yield from self.close(members={"queries": [self._asked.question], **found})

    def search_web(self, action: SearchWeb) -> Iterator[Wire]:
        """Search the web; the sources are shown only to requests that include them."""
        item = {"id": new_id("ws"), "type": "web_search_call", "status": "in_progress"}
        yield from self._open({**item, "action": {"type": "search"}})
        yield from map(self._state, ("in_progress", "searching", "completed"))
        query = self._asked.question if action.query is None else action.query
        search: Wire = {"type": "search", "query": query, "queries": [query]}
        sources = [{"type": "url", "url": url} for url in action.sources]
        found = self._included("web_search_call.action.sources", {"action": {**search, "sources": sources}})
        yield from self.close(members={"action": search, **found})

    def draw_image(self, action: DrawImage) -> Iterator[Wire]:
        """Draw a picture, with what it looks like on the way."""
        drawn = {"background": "opaque", "output_format": "png", "quality": "low", "size": "1024x1024"}
        item = {"id": new_id("ig"), "type": "image_generation_call", "status": "in_progress", "result": None}
        place = yield from self._open(item)
        yield from map(self._state, ("in_progress", "generating"))
        for index, image in enumerate(action.partial_images):
            partial = {**place, "partial_image_index": index, "partial_image_b64": image, **drawn}
            yield {"type": "response.image_generation_call.partial_image", **partial}
        yield self._state("completed")
        yield from self.close(members={"result": action.result, "revised_prompt": action.revised_prompt, **drawn})

    def list_tools(self, server_label: str, names: Sequence[str]) -> Iterator[Wire]:
        """List the tools of an MCP server."""
        item: Wire = {"id": new_id("mcpl"), "type": "mcp_list_tools", "server_label": server_label, "tools": []}
        yield from self._open(item)
        yield from map(self._state, ("in_progress", "completed"))
        schema = {"type": "object", "properties": {}, "additionalProperties": True}
        tools = [
            {"name": name, "description": None, "input_schema": schema, "annotations": {"read_only": False}}
            for name in names
        ]
        yield from self.close(members={"tools": tools})

    def call_mcp(self, action: CallMCP, approval_request_id: str | None = None) -> Iterator[Wire]:
        """Call a tool of an MCP server, and show what it returns."""
        item: Wire = {"id": new_id("mcp"), "type": "mcp_call", "status": "in_progress"}
        yield from self._open(
            {
                **item,
                "approval_request_id": approval_request_id,
                "arguments": "",
                "error": None,
                "name": action.name,
                "output": None,
                "server_label": action.server_label,
            }
        )
        yield self._state("in_progress")
        yield from self._stream(argument_pieces(action.arguments, action.pieces))
        yield from self._end_stream()
        if action.error is None:
            yield self._state("completed")
            yield from self.close(members={"output": action.output})
        else:
            yield self._state("failed")
            error = {"type": "mcp_tool_execution_error", "content": [{"type": "text", "text": action.error}]}
            yield from self.close("failed", {"error": error})

    def _included(self, what: str, members: Wire) -> Wire:
        """Return members of the open item if the request includes them; they can be asked for later in any case."""
        if self._item is not None:
            self.hidden[self._item["id"]] = (what, members)
        return members if what in self._asked.include else {}

    # Opening and closing.

    def close(self, status: Closing = "completed", members: Wire | None = None) -> Iterator[Wire]:
        """Close what is open, with the members that it gets at last, and give it to the response."""
        if self._item is None:
            return
        yield from self._close_part()
        yield from self._end_stream()
        item, self._item = self._item, None
        if "status" in item:
            item["status"] = status
        if "encrypted_content" in item:
            item["encrypted_content"] = new_id("gAAAAAB")
        item.update(members or {})
        self._items.append(item)
        yield {"type": "response.output_item.done", "output_index": len(self._items) - 1, "item": item}

    def abandon(self) -> None:
        """Leave what is open as it is, and give it to the response as incomplete: the response failed."""
        for _ in self.close("incomplete"):
            pass

    def _open(self, item: Wire) -> Generator[Wire, None, Wire]:
        yield from self.close()
        self._item = item
        # What grows in it later is not in the event.
        added = {key: list(value) if isinstance(value, list) else value for key, value in item.items()}
        yield {"type": "response.output_item.added", "output_index": len(self._items), "item": added}
        return self._place()

    def _open_message(self) -> Iterator[Wire]:
        if self._item is None or self._item["type"] != "message":
            item = {"id": new_id("msg"), "type": "message", "status": "in_progress"}
            yield from self._open({**item, "content": [], "role": "assistant"})

    def _place(self) -> Wire:
        id = None if self._item is None else self._item["id"]
        return {"item_id": id, "output_index": len(self._items)}

    def _state(self, word: str) -> Wire:
        kind = None if self._item is None else self._item["type"]
        return {"type": f"response.{kind}.{word}", **self._place()}

    # Parts and texts.

    def _open_part(self, kind: _Kind) -> Generator[Wire, None, _Part]:
        yield from self._close_part()
        parts = self._parts()
        key = "summary_index" if kind == "summary_text" else "content_index"
        part = self._part = _Part(kind, {**self._place(), key: len(parts)})
        yield {"type": f"response.{_PART_EVENTS[kind]}.added", **part.place, "part": part.wire()}
        return part

    def _parts(self) -> list[Wire]:
        item: Wire = self._item or {}
        parts: list[Wire] = item["summary" if item["type"] == "reasoning" else "content"]
        return parts

    def _delta(self, part: _Part, piece: str, more: Wire) -> Iterator[Wire]:
        self.tokens += 1
        part.pieces.append(piece)
        yield {"type": f"{_EVENTS[part.kind][0]}.delta", **part.place, "delta": piece, **more}

    def _close_part(self) -> Iterator[Wire]:
        part, self._part = self._part, None
        if part is None:
            return
        wire = part.wire()
        name, key = _EVENTS[part.kind]
        more = {"logprobs": wire["logprobs"]} if part.kind == "output_text" else {}
        yield {"type": f"{name}.done", **part.place, key: wire[key], **more}
        yield {"type": f"response.{_PART_EVENTS[part.kind]}.done", **part.place, "part": wire}
        self._parts().append(wire)

    def _stream(self, pieces: Sequence[str]) -> Iterator[Wire]:
        """Stream the text of a call: arguments, input or code."""
        name, _ = self._names()
        sent = self._pieces = []
        for piece in pieces:
            self.tokens += 1
            sent.append(piece)
            yield {"type": f"{name}.delta", **self._place(), "delta": piece}

    def _end_stream(self) -> Iterator[Wire]:
        item, pieces = self._item, self._pieces
        if item is None or pieces is None:
            return
        self._pieces = None
        name, key = self._names()
        item[key] = "".join(pieces)
        named = {"name": item["name"]} if item["type"] == "function_call" else {}
        yield {"type": f"{name}.done", **self._place(), key: item[key], **named}

    def _names(self) -> tuple[str, str]:
        return _EVENTS["" if self._item is None else self._item["type"]]

    def _logprobs(self, piece: str) -> list[Wire]:
        if "message.output_text.logprobs" not in self._asked.include:
            return []
        # A piece may be half of a surrogate pair; its bytes do not exist then.
        raw = list(piece.encode(errors="ignore"))
        logprob = {"token": piece, "logprob": 0.0, "bytes": raw}
        return [{**logprob, "top_logprobs": [dict(logprob)] if self._asked.top_logprobs else []}]

    def _annotation(self, citation: Citation | FilePath | UrlCitation, start: int) -> Wire:
        match citation:
            case Citation(file_id=file_id):
                return {"type": "file_citation", "file_id": file_id, "filename": file_id, "index": start}
            case FilePath(file_id=file_id):
                return {"type": "file_path", "file_id": file_id, "index": start}
            case UrlCitation(url=url, title=title):
                end = start + len(citation.text)
                return {"type": "url_citation", "url": url, "title": title, "start_index": start, "end_index": end}


_PART_EVENTS = {"output_text": "content_part", "refusal": "content_part", "summary_text": "reasoning_summary_part"}


def _call(kind: str, prefix: str, call_id: str | None, name: str, key: str) -> Wire:
    item: Wire = {"id": new_id(prefix), "type": kind, "status": "in_progress"}
    return {**item, key: "", "call_id": call_id or new_id("call"), "name": name}
