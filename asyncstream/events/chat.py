"""The events of Chat Completions: chunks, an error, the end. A chunk is the wire struct itself, without a wrapper.

Pure. The hot path is one cached typed decode and a few tests of fields that nearly no chunk has. All that does not fit
goes through `payloads`, and comes out as a `MendedChunk` if anything had to be mended.

Source: https://platform.openai.com/docs/api-reference/chat-streaming
"""

from collections.abc import Callable, Iterator
from typing import TypeAlias

import msgspec
from msgspec import structs

from asyncstream.decoding import (
    STRICT_ERRORS,
    Repair,
    UnreadableJSON,
    coerce_json,
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
from asyncstream.sse import parse_frame
from asyncstream.types.chat_chunks import ChatCompletionChunk
from asyncstream.types.chat_parts import CompletionTokensDetails, CompletionUsage, PromptTokensDetails

__all__ = [
    "ChatStreamEvent",
    "MendedChunk",
]

ChatStreamEvent: TypeAlias = ChatCompletionChunk | ErrorEvent | DoneEvent | RemarkEvent
"""Every event of the protocol. A stream yields chunks only: it raises an `ErrorEvent`, a `DoneEvent` ends it, and what
a `RemarkEvent` says counts if it ends too early."""


class MendedChunk(ChatCompletionChunk, kw_only=True, gc=False):
    """A chunk in which something had to be mended for it to fit its type."""

    repairs: tuple[Repair, ...] = ()


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
        chunk = decode_plain(b"data: " + lines[0])
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
    if frame[:7] == b"data: {" and 10 not in frame:
        return "", frame[6:]
    if isinstance(chunk, MendedChunk):
        for repair in chunk.repairs:
            if repair.rule in ("2.2", "2.3"):
                # One of several in its frame.
                return "", repair.raw
    lines = parse_frame(frame).lines
    # Of a frame that the end of the bytes has cut, the lines that were whole; of one that is too deep to tell, all.
    return "", b"\n".join((len(lines) > 1 and whole_lines(lines)) or lines)


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
    fits = True
    try:
        chunk = _decode(payload.raw)
    except STRICT_ERRORS:
        fits = False
        _split_content(value)
        try:
            chunk = msgspec.convert(value, ChatCompletionChunk)
        except (msgspec.ValidationError, UnicodeEncodeError, RecursionError):
            try:
                chunk, mended = coerce_json(ChatCompletionChunk, value)
            except UnreadableJSON as error:
                return unreadable(event, payload.raw, error)
    usage = value.get("usage")
    if isinstance(usage, dict):
        chunk.usage = read_usage(usage)
    repairs = (*reading_repairs(event, payload, lines, fits=fits), *mended)
    return MendedChunk(**structs.asdict(chunk), repairs=repairs) if repairs else chunk


# Content in parts.


def _split_content(value: dict[str, object]) -> None:
    """Where content is a list of parts, or one part, put the text in its place and the parts beside it (rule 4.7)."""
    for said in _messages(value):
        content = said.get("content")
        if not isinstance(content, dict | list):
            continue
        given = content if isinstance(content, list) else [content]
        parts = [part for part in given if isinstance(part, dict)]
        said["content_parts"] = parts
        said["content"] = _text_of(parts, "text", None)
        said["refusal"] = _text_of(parts, "refusal", said.get("refusal"))


def _messages(value: dict[str, object]) -> Iterator[dict[str, object]]:
    """Give the deltas and messages of a payload."""
    choices = value.get("choices")
    for choice in choices if isinstance(choices, list) else [choices]:
        if isinstance(choice, dict):
            yield from (said for said in (choice.get("delta"), choice.get("message")) if isinstance(said, dict))


def _text_of(parts: list[dict[str, object]], kind: str, said: object) -> object:
    """Join the text of all parts of a type to what stands beside them; without such parts, that alone."""
    texts = [text for part in parts if part.get("type") == kind and isinstance(text := part.get(kind), str)]
    return "".join([said, *texts] if isinstance(said, str) else texts) if texts else said


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


WIRE = Wire[ChatCompletionChunk](
    decode_frame, decode_data, decode_plain, decode_long, relayed, WITHHELD, _understood, keeps_payloads=False
)
