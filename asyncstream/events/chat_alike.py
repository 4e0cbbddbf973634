"""The texts in which the chunks of an answer differ: content, and the arguments of a call. Pure; see `alike`.

OpenAI pads the chunks of an answer (`obfuscation`) unless it is asked not to.
"""

from msgspec.structs import replace

from asyncstream.events.alike import PLAIN, Pattern, holds_only_plain
from asyncstream.types.chat_chunks import ChatCompletionChunk, ChoiceDelta, ChoiceDeltaToolCall, ChunkChoice
from asyncstream.types.shared import JSONValue

__all__ = ["pattern_of"]


def pattern_of(chunk: ChatCompletionChunk) -> Pattern[ChatCompletionChunk] | None:
    """Tell in which text others may differ from a chunk: one that adds to one text or call of a choice."""
    if len(chunk.choices) != 1 or not holds_only_plain(chunk, ("choices", "repairs", "unnamed")):
        return None
    # What a chunk is mended for is its own; most `MendedChunk` have unknown members alone.
    if getattr(chunk, "repairs", ()):
        return None
    # Copies, as all below: those of the chunk are its reader's, who may change them.
    chunk, choice = replace(chunk), replace(chunk.choices[0])
    delta = replace(choice.delta)
    if type(delta) is not ChoiceDelta or not holds_only_plain(choice, ("delta",)) or not _all_plain(chunk.unnamed):
        return None
    calls = delta.tool_calls
    if calls is not None and len(calls) == 1 and holds_only_plain(delta, ("tool_calls",)):
        pattern = _of_arguments(chunk, choice, delta, replace(calls[0]))
    else:
        pattern = _of_content(chunk, choice, delta) if delta.content is not None and holds_only_plain(delta) else None
    return pattern if pattern is None or chunk.unnamed is None else _with_unnamed(pattern, {**chunk.unnamed})


def _all_plain(unnamed: dict[str, JSONValue] | None) -> bool:
    return unnamed is None or all(type(value) in PLAIN for value in unnamed.values())


def _with_unnamed(pattern: Pattern[ChatCompletionChunk], unnamed: dict[str, JSONValue]) -> Pattern[ChatCompletionChunk]:
    """Give each chunk a dict of its own of what no field names."""

    def make(text: str, frame: bytes, padding: str | None) -> ChatCompletionChunk:
        return replace(pattern.make(text, frame, padding), unnamed={**unnamed})

    return Pattern(pattern.key, make, pattern.padding)


def _of_content(chunk: ChatCompletionChunk, choice: ChunkChoice, delta: ChoiceDelta) -> Pattern[ChatCompletionChunk]:
    def make(text: str, _frame: bytes, padding: str | None) -> ChatCompletionChunk:
        grown = replace(choice, delta=replace(delta, content=text))
        return replace(chunk, choices=[grown], obfuscation=padding)

    return Pattern(b"content", make, _padding_of(chunk))


def _of_arguments(
    chunk: ChatCompletionChunk, choice: ChunkChoice, delta: ChoiceDelta, call: ChoiceDeltaToolCall
) -> Pattern[ChatCompletionChunk] | None:
    if call.function is None or not holds_only_plain(call.function) or not holds_only_plain(call, ("function",)):
        return None
    function = replace(call.function)

    def make(text: str, _frame: bytes, padding: str | None) -> ChatCompletionChunk:
        piece = replace(call, function=replace(function, arguments=text))
        grown = replace(choice, delta=replace(delta, tool_calls=[piece]))
        return replace(chunk, choices=[grown], obfuscation=padding)

    return Pattern(b"arguments", make, _padding_of(chunk))


def _padding_of(chunk: ChatCompletionChunk) -> bytes | None:
    return None if chunk.obfuscation is None else b"obfuscation"
