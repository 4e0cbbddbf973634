"""What a scripted model can do: the actions, the turns made of them, and the segment of a run that a turn answers.

Data only. `output` unfolds an action into messages and steps, `runs` drives a turn, `scenario` holds the turns;
`chat.script` unfolds a turn into the deltas of a chat answer, `responses.script` into the events of a response.

Actions come in four kinds. *Content* (`Say`, `Refuse`, `ShowImage`) opens a message, or adds a part to the open one.
*Tools* (`RunCode`, `SearchFiles`, `CallFunction`, `RequestApproval`) open a step. *Controls* (`Pause`, `EmitRaw`,
`Cut`, `ErrorEvent`) act on the stream. *Ends* (`EndStep`, `Fail`, `Incomplete`, `Expire`) close what is open, or the
run. What is open stays open until an action of another kind needs its place, so that ``Say("half"), Fail()`` leaves
half a message.

A chat answer knows `Say`, `Refuse`, `CallFunction`, the controls, `Fail` and `Incomplete`, and two more that a run
does not have: `Think` and `CallCustom`. A response knows all of these, `RunCode`, `SearchFiles`, `RequestApproval` and
`EndStep`, and what it alone has: `DrawImage` and `CallMCP`. `SearchWeb` shows in a response only: the others search in
silence. Anything else is a mistake in the script, and the request or the run fails with words that say so.
"""

from collections.abc import Mapping, Sequence
from typing import Literal, TypeAlias

import msgspec

__all__ = [
    "Action",
    "CallCustom",
    "CallFunction",
    "CallMCP",
    "Citation",
    "Cut",
    "DrawImage",
    "EmitRaw",
    "EndStep",
    "ErrorEvent",
    "Expire",
    "Fail",
    "FilePath",
    "Incomplete",
    "Pause",
    "Refuse",
    "RequestApproval",
    "RunCode",
    "Say",
    "SearchFiles",
    "SearchResult",
    "SearchWeb",
    "Segment",
    "ShowImage",
    "Think",
    "ToolResult",
    "Turn",
    "UrlCitation",
]


class Citation(msgspec.Struct, frozen=True):
    """A `file_citation` annotation. Its `text` is the marker; a marker that the answer lacks is appended to it."""

    text: str
    file_id: str
    quote: str = ""


class FilePath(msgspec.Struct, frozen=True):
    """A `file_path` annotation: a file that the code interpreter made."""

    text: str
    file_id: str


class UrlCitation(msgspec.Struct, frozen=True):
    """A `url_citation` annotation, as Azure sends it."""

    text: str
    url: str
    title: str = ""


class Say(msgspec.Struct, frozen=True):
    """Stream text into the open message; a delta a word, or a delta for each of `pieces`.

    Args:
        text: The whole text; what `pieces` make together when they are given.
        pieces: The values of the single deltas, where their borders matter.
        citations: Annotations; each is sent with the piece that completes its marker.
    """

    text: str = ""
    pieces: Sequence[str] = ()
    citations: Sequence[Citation | FilePath | UrlCitation] = ()


class Think(msgspec.Struct, frozen=True):
    """Stream reasoning: into a chat answer under the key of the dialect, into a response as a part of a summary.

    A run thinks in silence.
    """

    text: str = ""
    pieces: Sequence[str] = ()


class Refuse(msgspec.Struct, frozen=True):
    """Stream a refusal part into the open message."""

    text: str = ""
    pieces: Sequence[str] = ()


class ShowImage(msgspec.Struct, frozen=True):
    """Add an `image_file` part to the open message."""

    file_id: str


class CallFunction(msgspec.Struct, frozen=True):
    """Call a function of the user's.

    Several in a row (controls between them do not matter) are one step of parallel calls. After the last the run goes
    `requires_action`; what the turn still holds is played when the outputs have come. In a chat answer, several with
    nothing between them stream together: first all names, then the arguments of all by turns.

    Args:
        name: The function.
        arguments: A mapping, sent as compact JSON; or the raw text, which may be broken JSON.
        pieces: The argument deltas, where their borders matter; they stand for `arguments` then.
        id: The call id; made up by default.
    """

    name: str
    arguments: Mapping[str, object] | str = ""
    pieces: Sequence[str] = ()
    id: str | None = None


class CallCustom(msgspec.Struct, frozen=True):
    """Call a custom tool in a chat answer or a response: one that takes text instead of JSON.

    Args:
        name: The tool.
        input: Its text.
        pieces: The input deltas, where their borders matter; they stand for `input` then.
        id: The call id; made up by default.
    """

    name: str
    input: str = ""
    pieces: Sequence[str] = ()
    id: str | None = None


class RequestApproval(msgspec.Struct, frozen=True):
    """Ask for the approval of an MCP call, as Azure does; the run goes `requires_action` with `submit_tool_approval`.

    In a response it is an `mcp_approval_request`; the response to the approval begins with the call and its output.

    Args:
        name: The tool on the MCP server.
        arguments: A mapping, sent as compact JSON; or the raw text.
        server_label: The MCP server's label.
        output: What the call returns when it is approved.
        id: The call id; made up by default.
    """

    name: str
    arguments: Mapping[str, object] | str = ""
    server_label: str = "mcp"
    output: str = ""
    id: str | None = None


class RunCode(msgspec.Struct, frozen=True):
    """Run a code interpreter step: the input in pieces, then its outputs.

    Args:
        input: The code.
        pieces: The input deltas, where their borders matter; they stand for `input` then.
        logs: What the code printed; None for no such output.
        image: The file id of an image that it drew.
    """

    input: str = ""
    pieces: Sequence[str] = ()
    logs: str | None = None
    image: str | None = None


class SearchResult(msgspec.Struct, frozen=True):
    """One hit of a file search. Its text is shown only to requests that include it."""

    file_id: str
    file_name: str
    score: float = 1.0
    text: str = ""


class SearchFiles(msgspec.Struct, frozen=True):
    """Run a file search step. The delta has no results; the completed step does."""

    results: Sequence[SearchResult] = ()


class SearchWeb(msgspec.Struct, frozen=True):
    """Search the web: a `web_search_call` of a response. A run and a chat answer search in silence.

    Args:
        query: What is looked for; the question by default.
        sources: The URLs that were found; shown only to requests that include them.
    """

    query: str | None = None
    sources: Sequence[str] = ()


class DrawImage(msgspec.Struct, frozen=True):
    """Draw a picture: an `image_generation_call` of a response.

    Args:
        result: The picture in base64.
        partial_images: What it looks like on the way, in base64; sent in streams.
        revised_prompt: What the model made of the question.
    """

    result: str
    partial_images: Sequence[str] = ()
    revised_prompt: str | None = None


class CallMCP(msgspec.Struct, frozen=True):
    """Call a tool of an MCP server without asking: an `mcp_call` of a response.

    Args:
        name: The tool on the MCP server.
        arguments: A mapping, sent as compact JSON; or the raw text.
        pieces: The argument deltas, where their borders matter; they stand for `arguments` then.
        server_label: The MCP server's label.
        output: What the call returns.
        error: What it fails with, instead.
    """

    name: str
    arguments: Mapping[str, object] | str = ""
    pieces: Sequence[str] = ()
    server_label: str = "mcp"
    output: str = ""
    error: str | None = None


class EndStep(msgspec.Struct, frozen=True):
    """Complete what is open, so that the next content starts a message of its own."""


class Pause(msgspec.Struct, frozen=True):
    """Wait; a stream stalls for so long."""

    seconds: float


class EmitRaw(msgspec.Struct, frozen=True):
    """Put bytes into the stream as they are: comments, foreign events, rubbish. Without a stream, nothing."""

    data: bytes


class Cut(msgspec.Struct, frozen=True):
    """Drop the stream's connection: at once, or armed by `after_bytes` or `after_event`. The run itself goes on.

    Args:
        after_bytes: So many bytes of the body later than here; mid-event if it falls so.
        after_event: When an event of this name has been sent. (``thread.run.completed``: no `done` follows.) In chat,
            the chunks are ``chat.completion.chunk``, and the last of the answer, without the usage, is ``finish``. In
            Responses it is the `type` of the event as it is sent; ``[DONE]`` is ``done``.
        count: Of these events, which one.
        how: "fin" closes the connection inside the body, "rst" resets it, "eof" ends the body properly, as if it
            were whole.
    """

    after_bytes: int | None = None
    after_event: str | None = None
    count: int = 1
    how: Literal["fin", "rst", "eof"] = "fin"


class ErrorEvent(msgspec.Struct, frozen=True):
    """Send an `error` event and end the stream without `done`. The run fails.

    An answer that does not stream is a 500 with this error.

    Args:
        message: The server's words.
        code: Any JSON scalar.
        type: The error's type.
        param: The parameter to blame.
        nested: Whether the data is ``{"error": {...}}`` or the error itself. In chat the dialect decides that; in
            Responses too, if it has a form of its own.
    """

    message: str
    code: str | int | None = "server_error"
    type: str | None = "server_error"
    param: str | None = None
    nested: bool = False


class Fail(msgspec.Struct, frozen=True):
    """Fail the run; open messages become incomplete, open steps fail.

    A chat answer that has not begun is a 500; one that has gets an error as `ErrorEvent` sends it. A response ends with
    the status `failed`.
    """

    code: str = "server_error"
    message: str = "The run was scripted to fail."


class Incomplete(msgspec.Struct, frozen=True):
    """End the run as incomplete.

    A chat answer ends with the finish reason ``length`` for a reason that begins with ``max_``, else with the reason; a
    response with the reason, where the two reasons below are ``max_output_tokens``.

    Args:
        reason: ``max_completion_tokens``, ``max_prompt_tokens``, ``content_filter``, or what another server would say.
    """

    reason: str = "max_completion_tokens"


class Expire(msgspec.Struct, frozen=True):
    """End the run as expired."""


Action: TypeAlias = (
    Say
    | Think
    | Refuse
    | ShowImage
    | CallFunction
    | CallCustom
    | RequestApproval
    | RunCode
    | SearchFiles
    | SearchWeb
    | DrawImage
    | CallMCP
    | EndStep
    | Pause
    | EmitRaw
    | Cut
    | ErrorEvent
    | Fail
    | Incomplete
    | Expire
)


class Turn:
    """What one segment of a run does: its actions in order. A run has a segment more for each submit of outputs.

    A turn whose actions neither call a function nor end the run completes it. In chat a turn is a choice of an answer,
    in Responses it is a response.
    """

    __slots__ = ("actions",)

    def __init__(self, *actions: Action) -> None:
        self.actions: tuple[Action, ...] = actions

    def __repr__(self) -> str:
        return f"Turn({', '.join(map(repr, self.actions))})"


class ToolResult(msgspec.Struct, frozen=True):
    """A function call of this run, or since the last user message of a chat or of Responses, and its output."""

    name: str
    arguments: str
    output: str


class Segment(msgspec.Struct, frozen=True):
    """What the scripted model knows when a segment of a run begins, or when a request of chat or Responses has come."""

    question: str
    """The text of the last user message."""
    tools: Sequence[Mapping[str, object]]
    """The tools, as on the wire."""
    results: Sequence[ToolResult]
    """The outputs submitted so far, oldest first."""
    run: Mapping[str, object]
    """The run as on the wire; in chat and Responses the body of the request."""
