"""The events of Chat Completions: chunks, an error, the end. A chunk is the wire struct itself, without a wrapper.

Pure. The hot path is one cached typed decode and a few tests of fields that nearly no chunk has. All that does not fit
goes through `payloads`, and comes out as a `MendedChunk` if anything had to be mended.

Source: https://platform.openai.com/docs/api-reference/chat-streaming
"""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec
from msgspec import Struct, structs

from asyncstream.decoding import (
    STRICT_ERRORS,
    Repair,
    UnreadableJSON,
    coerce_json,
    dump_raw,
    strict_decoder,
)
from asyncstream.errors import StreamDecodeError
from asyncstream.events.chat_withheld import WITHHELD
from asyncstream.events.control import DoneEvent, ErrorEvent, RemarkEvent
from asyncstream.events.payloads import (
    Payload,
    error_in,
    read_payloads,
    reading_repairs,
    refusal_of,
    remark_in,
    unreadable,
    whole_lines,
)
from asyncstream.events.wire import Wire
from asyncstream.members import EXTRA, OWN_MEMBER
from asyncstream.nesting import SHALLOW, nested_too_deep
from asyncstream.sse import parse_frame
from asyncstream.types.chat_chunks import (
    ChatCompletionChunk,
    ChoiceDelta,
    ChoiceDeltaFunctionCall,
    ChoiceDeltaToolCall,
    ChoiceDeltaToolCallCustom,
    ChoiceDeltaToolCallFunction,
    ChunkChoice,
)
from asyncstream.types.chat_parts import CompletionTokensDetails, CompletionUsage, PromptTokensDetails

if TYPE_CHECKING:
    from asyncstream.events.alike import Pattern

__all__ = [
    "ChatStreamEvent",
    "MendedChunk",
]

ChatStreamEvent: TypeAlias = ChatCompletionChunk | ErrorEvent | DoneEvent | RemarkEvent
"""Every event of the protocol. A stream yields chunks only: it raises an `ErrorEvent`, a `DoneEvent` ends it, and what
a `RemarkEvent` says counts if it ends too early."""


class MendedChunk(ChatCompletionChunk, kw_only=True, gc=False):
    """A chunk that is not as the protocol has it: members that no field names, or something had to be mended."""

    repairs: tuple[Repair, ...] = msgspec.field(default=(), name=OWN_MEMBER + "repairs")


def _decode_first(data: bytes) -> ChatCompletionChunk:
    # Made when the first chunk comes, the decoder is no part of the import.
    global _decode
    decode: Callable[[bytes], ChatCompletionChunk] = strict_decoder(ChatCompletionChunk).decode
    _decode = decode
    return decode(data)


_decode: Callable[[bytes], ChatCompletionChunk] = _decode_first

Decoded: TypeAlias = list[ChatStreamEvent | StreamDecodeError]


def decode_plain(frame: bytes) -> ChatCompletionChunk | None:
    """Decode a frame that is as the protocol has it: the hot path. None for any other, and for what ends a stream."""
    # A slice costs a third of `startswith`.
    if frame[:7] != b"data: {" or 10 in frame:
        return None
    try:
        chunk = _decode(frame[6:])
    except msgspec.ValidationError:
        beyond = _decode_beyond(frame[6:])
        if beyond is None:
            return None
        chunk = beyond
    except STRICT_ERRORS:
        return None
    # What needs a second look: an error, or numbers that providers send under names of their own.
    if (
        chunk.choices
        and chunk.usage is None
        and chunk.x_groq is None
        and not chunk.error
        and chunk.wire_type is None
        and chunk.object != "error"
    ):
        return chunk
    return None


def decode_frame(frame: bytes) -> Decoded:
    """Decode a frame of `sse.FrameSplitter` into its events: mostly one.

    A frame that cannot be read gives the error as its last item, so that what came before it is not lost.
    """
    chunk = decode_plain(frame)
    if chunk is not None:
        return [chunk]
    return [item for item in _decode_other(frame) if item is not None]


def decode_long(frames: list[bytes]) -> Iterator[ChatStreamEvent | StreamDecodeError | None]:
    """Take the first frame off a list and decode it as `decode_frame` does, each event when it is asked for."""
    frame = frames.pop(0)
    chunk = decode_plain(frame)
    return iter([chunk]) if chunk is not None else _decode_other(frame)


def _decode_other(frame: bytes) -> Iterator[ChatStreamEvent | StreamDecodeError | None]:
    event, lines = parse_frame(frame)
    if len(lines) == 1 and event != "error":
        # Other frames that hold one plain chunk: without a space after the colon, with an id or a name.
        usual = b"data: " + lines[0]
        chunk = None if usual == frame else decode_plain(usual)
        if chunk is not None:
            return iter([chunk])
    return decode_data(event, lines)


def decode_data(event: str, lines: list[bytes]) -> Iterator[ChatStreamEvent | StreamDecodeError | None]:
    """Decode the data of a frame by the rules, whatever shape it has.

    Yields:
        Its events, each decoded when it is asked for; None for what gave none.
    """
    for item in read_payloads(event, lines, _never_data):
        if not isinstance(item, Payload):
            yield item
        else:
            decoded = _decode_payload(event, item, lines)
            yield from decoded or (None,)
            if decoded and isinstance(decoded[-1], ErrorEvent | StreamDecodeError):
                return


def relayed(chunk: ChatCompletionChunk, frame: bytes) -> tuple[str, bytes]:
    """Return the name of a chunk, which has none, and its payload as received: mostly all that its frame holds."""
    if isinstance(chunk, MendedChunk):
        for repair in chunk.repairs:
            if repair.rule in ("2.2", "2.3", "6.2"):
                # One of several in its frame, or one with NaN, which no browser reads.
                return "", repair.raw
    if frame[:7] == b"data: {" and 10 not in frame:
        return "", frame[6:]
    lines = parse_frame(frame).lines
    # Of a frame that the end of the bytes has cut, the lines that were whole; of one that is too deep to tell, all.
    return "", b"\n".join((len(lines) > 1 and list(whole_lines(lines))) or lines)


def _never_data(event: str) -> bool:
    """No event name of this protocol promises JSON."""
    return False


def _decode_payload(event: str, payload: Payload, lines: list[bytes]) -> Decoded:
    """Say what an object is: a chunk, an error, both, or nothing that chat knows."""
    value = payload.value
    x_groq = value.get("x_groq")
    x_groq = x_groq if isinstance(x_groq, dict) else {}
    error = error_in(event, value, inner=x_groq.get("error")) or refusal_of(value)
    decoded: Decoded = []
    folds = value.get("choices") or value.get("usage") or x_groq.get("usage")
    if folds or (error is None and "choices" in value):
        decoded.append(_decode_chunk(event, payload, lines))
    if error is not None:
        decoded.append(ErrorEvent(error, payload.raw))
    elif not folds:
        remark = remark_in(payload)
        if remark is not None:
            decoded.append(remark)
    return decoded


def _decode_chunk(event: str, payload: Payload, lines: list[bytes]) -> ChatCompletionChunk | StreamDecodeError:
    value = payload.value
    mended: list[Repair] = []
    chunk: ChatCompletionChunk
    fits = True
    try:
        chunk = _decode(payload.raw)
    except STRICT_ERRORS:
        fits = False
        mended += _mend_texts(value)
        _keep_unnamed(value)
        try:
            chunk = msgspec.convert(value, MendedChunk)
        except (msgspec.ValidationError, UnicodeEncodeError, RecursionError):
            try:
                chunk, coerced = coerce_json(MendedChunk, value)
            except UnreadableJSON as error:
                return unreadable(event, payload.raw, error)
            mended += coerced
    usage = value.get("usage")
    if isinstance(usage, dict):
        chunk.usage = read_usage(usage)
    repairs = (*reading_repairs(event, payload, lines, fits=fits), *mended)
    if not repairs:
        return chunk
    if not isinstance(chunk, MendedChunk):
        chunk = MendedChunk(**structs.asdict(chunk))
    chunk.repairs = repairs
    return chunk


# What no field names.


def _decode_beyond(data: bytes) -> MendedChunk | None:
    """Decode a chunk with members that no field names; None if it does not fit otherwise, or needs a second look.

    Some servers send one in every chunk: this costs a third of what `decode_data` does, which can read anything.
    """
    try:
        deep = len(data) > SHALLOW and nested_too_deep(data)
        value = _within(data, _LEVELS) if deep else _JSON.decode(data)
        if "base_resp" in value:
            return None
        _keep_unnamed(value)
        chunk = msgspec.convert(value, MendedChunk)
    except STRICT_ERRORS:
        return None
    if deep:
        chunk.repairs = (Repair("6.3", "$"),)
    return chunk


_JSON: "msgspec.json.Decoder[Any]" = msgspec.json.Decoder()
_ONE_LEVEL: "msgspec.json.Decoder[Any]" = msgspec.json.Decoder(dict[str, msgspec.Raw] | list[msgspec.Raw])

_CONTAINERS = frozenset({"choices", "delta", "message", "tool_calls", "function", "custom"})
_LEVELS = 7
"""How deep in a chunk members are that a field names: choices, a choice, its delta, its calls, a call, its function."""


def _within(data: bytes, levels: int) -> Any:
    """Decode JSON that is nested too deep, with null for the members that no field names and that are.

    Raises:
        msgspec.ValidationError: What a field names is nested too deep.
    """
    if len(data) <= SHALLOW or not nested_too_deep(data):
        return _JSON.decode(data)
    if levels == 0:
        raise msgspec.ValidationError("nested too deep")
    value = _ONE_LEVEL.decode(data)
    if isinstance(value, list):
        return [_within(bytes(item), levels - 1) for item in value]
    return {key: _member_within(key, bytes(item), levels - 1) for key, item in value.items()}


def _member_within(key: str, data: bytes, levels: int) -> Any:
    if key in _CONTAINERS:
        return _within(data, levels)
    if len(data) <= SHALLOW or not nested_too_deep(data):
        return _JSON.decode(data)
    if key in _NAMED:
        raise msgspec.ValidationError(f"{key} is nested too deep")
    # The answer beside it was paid for.
    return None


def _names(type: type[Struct]) -> frozenset[str]:
    return frozenset(type.__struct_encode_fields__)


_CHUNK = _names(ChatCompletionChunk)
_CHOICE = _names(ChunkChoice)
_DELTA = _names(ChoiceDelta)
_CALL = _names(ChoiceDeltaToolCall)
_INNER: dict[str, frozenset[str]] = {
    "function": _names(ChoiceDeltaToolCallFunction),
    "custom": _names(ChoiceDeltaToolCallCustom),
}
_NAMED = _CHUNK | _CHOICE | _DELTA | _CALL | frozenset(("name", "arguments", "input"))
_LEGACY: dict[str, frozenset[str]] = {"function_call": _names(ChoiceDeltaFunctionCall)}

_FILLER = "p"
"""What Mistral and Cloudflare fill a chunk with, so that its size does not tell the length of the text: not kept."""


def _keep_unnamed(value: dict[str, Any]) -> None:
    """Put the members of a chunk that no field names where `extra` has them: of each object in its own."""
    if not value.keys() <= _CHUNK:
        value.pop(_FILLER, None)
        _move(value, _CHUNK)
    choices = value.get("choices")
    for choice in choices if type(choices) is list else [choices]:
        if type(choice) is not dict:
            continue
        if not choice.keys() <= _CHOICE:
            _move(choice, _CHOICE)
        delta = choice.get("delta")
        if type(delta) is dict:
            _keep_unnamed_of(delta)
        if "message" in choice and type(delta := choice["message"]) is dict:
            _keep_unnamed_of(delta)


def _keep_unnamed_of(delta: dict[str, Any]) -> None:
    if not delta.keys() <= _DELTA or "function_call" in delta:
        _move(delta, _DELTA, _LEGACY)
    calls = delta.get("tool_calls")
    if calls:
        for call in calls if type(calls) is list else [calls]:
            if type(call) is dict:
                _move(call, _CALL, _INNER)


_NOTHING_INSIDE: dict[str, frozenset[str]] = {}


def _move(value: dict[str, Any], names: frozenset[str], inside: dict[str, frozenset[str]] = _NOTHING_INSIDE) -> None:
    unnamed = [key for key in value if key not in names]
    extra = {key: value[key] for key in unnamed if value[key] is not None}
    for key in unnamed:
        del value[key]
    for key, inner_names in inside.items():
        inner = value.get(key)
        if type(inner) is dict and not inner.keys() <= inner_names:
            value[key] = {name: member for name, member in inner.items() if name in inner_names}
            beyond = {name: member for name, member in inner.items() if name not in inner_names and member is not None}
            if beyond:
                extra[key] = beyond
    if extra:
        value[EXTRA] = extra


# Texts that are none.

_TEXTS = ("refusal", "reasoning", "reasoning_content", "reasoning_text")


def _mend_texts(value: dict[str, object]) -> list[Repair]:
    """Put texts where the wire has objects or lists of them (rules 4.6 and 4.7).

    Content that is a list of parts, or one part, is the text in it, with the parts beside it.
    """
    odd: list[object] = []
    for delta in _messages(value):
        for key in _TEXTS:
            text = delta.get(key)
            if text is not None and not isinstance(text, str):
                delta[key] = _text_in(text, odd)
        content = delta.get("content")
        if isinstance(content, dict | list):
            given = content if isinstance(content, list) else [content]
            parts = [part for item in given if (part := _part_in(item, odd)) is not None]
            delta[_PARTS] = parts
            delta["content"] = _text_of(parts, "text", None, odd)
            delta["refusal"] = _text_of(parts, "refusal", delta.get("refusal"), odd)
        elif content is not None and not isinstance(content, str):
            delta["content"] = _text_in(content, odd)
    return [Repair("4.6", "$", dump_raw(text)) for text in odd]


_PARTS = OWN_MEMBER + "content_parts"


def _messages(value: dict[str, object]) -> Iterator[dict[str, object]]:
    """Give the deltas and messages of a payload."""
    choices = value.get("choices")
    for choice in choices if isinstance(choices, list) else [choices]:
        if isinstance(choice, dict):
            yield from (delta for delta in (choice.get("delta"), choice.get("message")) if isinstance(delta, dict))


def _text_in(value: object, odd: list[object]) -> str | None:
    """Return the text of an object, or the texts of a list; what has none goes to `odd`."""
    match value:
        case None | str():
            return value
        case list():
            texts = [text for item in value if (text := _text_in(item, odd)) is not None]
            return "".join(texts) if texts else None
        case {"text": str(text)}:
            return text
        case _:
            odd.append(value)
            return None


def _part_in(item: object, odd: list[object]) -> dict[str, object] | None:
    """Return a part of a content; a text that stands for one, or a part that does not say its type, is a text."""
    if isinstance(item, str):
        return {"type": "text", "text": item}
    if isinstance(item, dict):
        return {"type": "text", **item} if not item.get("type") and isinstance(item.get("text"), str) else item
    if item is not None:
        odd.append(item)
    return None


def _text_of(parts: list[dict[str, object]], kind: str, beside: object, odd: list[object]) -> object:
    """Join the text of all parts of a type to what stands beside them; without such parts, that alone."""
    texts = [text for part in parts if part.get("type") == kind and (text := _text_in(part.get(kind), odd)) is not None]
    return "".join([beside, *texts] if isinstance(beside, str) else texts) if texts else beside


# Usage.

_DETAILS: dict[str, type[msgspec.Struct]] = {
    "completion_tokens_details": CompletionTokensDetails,
    "prompt_tokens_details": PromptTokensDetails,
}


def read_usage(value: dict[str, object]) -> CompletionUsage | None:
    """Read a usage object with all that a provider adds to it; None if it is empty."""
    if not value:
        return None
    usage = coerce_json(CompletionUsage, value)[0]
    usage.extra = {}
    for key, item in value.items():
        details = _DETAILS.get(key)
        if details is not None and isinstance(item, dict):
            item = {name: part for name, part in item.items() if name not in details.__struct_fields__}
            if item:
                usage.extra[key] = item
        elif item is not None and (key == "extra" or key not in CompletionUsage.__struct_fields__):
            usage.extra[key] = item
    return usage


def _understood(chunk: ChatCompletionChunk) -> ChatCompletionChunk:
    return chunk


def _pattern_of(event: ChatCompletionChunk) -> "Pattern[ChatCompletionChunk] | None":
    """Tell in which text others may differ from an event; a short answer never asks."""
    from asyncstream.events.chat_alike import pattern_of

    return pattern_of(event)


WIRE = Wire[ChatCompletionChunk](
    decode_frame,
    decode_data,
    decode_plain,
    decode_long,
    relayed,
    WITHHELD,
    _understood,
    keeps_payloads=False,
    pattern_of=_pattern_of,
)
