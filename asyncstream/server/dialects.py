r"""How servers differ in streaming a chat answer: `ChatDialect`, data only, and the ones that known servers speak.

A dialect says nothing about what is answered, only about the shape in which it is sent. Each member is one way in which
real servers were seen to differ; the functions behind the values are tables in `chat.calls`, `chat.chunks` and
`chat.frames`. Whole answers are in OpenAI's shape in every dialect.

    Scenario(dialect=ChatDialect(call_index="reused", usage="x_groq", newline="\r\n"))
    Scenario(dialect=DIALECTS["ollama"])
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

__all__ = [
    "DIALECTS",
    "ArgumentsForm",
    "CallIdForm",
    "CallIndexForm",
    "ChatDialect",
    "ChoiceIndexForm",
    "ContentForm",
    "EnvelopeForm",
    "ErrorForm",
    "FinishForm",
    "FrameForm",
    "NameForm",
    "ReasoningForm",
    "RoleForm",
    "UsageForm",
]

ArgumentsForm: TypeAlias = Literal["pieces", "whole", "object", "repeated", "null_first"]
CallIndexForm: TypeAlias = Literal["each", "absent", "null", "reused", "from_one", "text"]
CallIdForm: TypeAlias = Literal["first", "every", "empty", "late", "absent", "changing"]
NameForm: TypeAlias = Literal["first", "every", "empty", "split"]
RoleForm: TypeAlias = Literal["first", "every", "empty", "absent"]
ContentForm: TypeAlias = Literal["text", "parts", "message"]
ReasoningForm: TypeAlias = Literal["reasoning_content", "reasoning", "details", "parts"]
ChoiceIndexForm: TypeAlias = Literal["each", "absent", "text"]
EnvelopeForm: TypeAlias = Literal["every", "first", "absent"]
FinishForm: TypeAlias = Literal["own", "merged", "no_delta", "twice", "stop", "empty", "null_text", "absent"]
UsageForm: TypeAlias = Literal["own", "finish", "every", "x_groq", "choice", "never"]
FrameForm: TypeAlias = Literal["line", "lines", "array", "glued"]
ErrorForm: TypeAlias = Literal[
    "object", "text", "event", "flat_event", "typed", "flat", "field", "plain", "chunk", "x_groq", "finish"
]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatDialect:
    """The shape in which chat answers are streamed; the defaults are OpenAI's, with the names of all calls first.

    Args:
        arguments: How a call's arguments come: in pieces; whole with the name; as a JSON object with the name; in
            pieces and then all of them again; or in pieces after a null.
        call_index: The `index` of a call's entries: its number; none; null; 0 for all; its number from 1; as text.
        call_id: Which entries have the call's id: the first; every one; every one, empty in the later; the last; none;
            every one, each another id.
        names: Which entries have the name: the first; every one; every one, empty in the later; or half of it in the
            first and half in the second.
        order: Whether calls in a row stream by turns or one after the other. None: by turns if every entry says whose
            it is, by an index or an id of its own.
        role: Which deltas have the role: the first; every one; every one, empty; none.
        content: Content as text; as a list of parts; or all that a choice says in one chunk, as a `message` and not as
            a `delta`.
        reasoning: The key of reasoning: `reasoning_content`; `reasoning`; `reasoning_details`; a part of the content.
        choice_index: The `index` of a choice: its number; none, the choices of a moment are in one chunk; as text.
        envelope: Which chunks have `id`, `created` and `model`: every one; the first, the others have null; none.
        finish: How a choice ends: a chunk of its own with an empty delta; in the chunk of its last delta; a chunk with
            `"delta": null`; twice; as "stop" though it called tools; its own chunk, and "" or "null" instead of null in
            the chunks before; never.
        usage: Where the usage is: in a last chunk without choices, if the request asks for it; in the finish chunk; so
            far in every chunk; in the finish chunk's `x_groq`; in its last choice; nowhere.
        frame: An event has its JSON in one line; in many, as `data` lines; as an array; or two chunks as two lines.
        newline: What ends a line.
        space: Whether a space follows ``data:``.
        event: The name of every event, if they have one.
        noise: Bytes in front of each event: comments, pings. They are sent as they are.
        bom: Whether the body begins with a byte order mark.
        done: Whether ``[DONE]`` ends the stream.
        errors: The shape of an error in the stream: an object under `error` (OpenAI); text under it; the object in an
            event named ``error``; its members alone in such an event; ``"type": "error"`` beside it (Anthropic); its
            members alone with ``"object": "error"`` (vLLM); in a line ``error: ...`` (llama-box); text that is no JSON;
            in a chunk with the finish reason "error" (OpenRouter); in `x_groq`; only as the finish reason "error".
        content_filter: Whether Azure's filter results come: of the prompt in a first chunk without choices, of the
            answer in each choice.
        any_parameter: Whether parameters that OpenAI does not know are taken, as most others do.

    Raises:
        ValueError: Calls are to stream by turns although nothing says which entry belongs to which call.
    """

    arguments: ArgumentsForm = "pieces"
    call_index: CallIndexForm = "each"
    call_id: CallIdForm = "first"
    names: NameForm = "first"
    order: Literal["turns", "sequence"] | None = None
    role: RoleForm = "first"
    content: ContentForm = "text"
    reasoning: ReasoningForm = "reasoning_content"
    choice_index: ChoiceIndexForm = "each"
    envelope: EnvelopeForm = "every"
    finish: FinishForm = "own"
    usage: UsageForm = "own"
    frame: FrameForm = "line"
    newline: Literal["\n", "\r\n", "\r"] = "\n"
    space: bool = True
    event: str | None = None
    noise: bytes = b""
    bom: bool = False
    done: bool = True
    errors: ErrorForm = "object"
    content_filter: bool = False
    any_parameter: bool = False

    def __post_init__(self) -> None:
        if self.order == "turns" and not self._entries_name_their_call:
            raise ValueError(
                f"calls cannot stream by turns with call_index={self.call_index!r} and call_id={self.call_id!r}: "
                "nobody could say which call a piece belongs to"
            )

    @property
    def by_turns(self) -> bool:
        """Whether calls in a row stream by turns."""
        return self.order == "turns" or (self.order is None and self._entries_name_their_call)

    @property
    def _entries_name_their_call(self) -> bool:
        return self.call_index in ("each", "from_one", "text") or (
            self.call_index in ("absent", "null") and self.call_id == "every"
        )


DIALECTS: Mapping[str, ChatDialect] = {
    "openai": ChatDialect(order="sequence"),
    "empower": ChatDialect(),
    "azure": ChatDialect(order="sequence", content_filter=True),
    "deepseek": ChatDialect(order="sequence", usage="finish", any_parameter=True),
    "groq": ChatDialect(arguments="whole", reasoning="reasoning", usage="x_groq", any_parameter=True),
    "mistral": ChatDialect(arguments="whole", finish="merged", reasoning="parts", usage="finish", any_parameter=True),
    "ollama": ChatDialect(arguments="whole", role="every", reasoning="reasoning", any_parameter=True),
    "openrouter": ChatDialect(
        order="sequence",
        role="every",
        reasoning="details",
        finish="twice",
        usage="finish",
        noise=b": OPENROUTER PROCESSING\n\n",
        errors="chunk",
        any_parameter=True,
    ),
}
"""How servers were seen to stream; by their names. Only the shape: what such a server can do is not limited by it."""
