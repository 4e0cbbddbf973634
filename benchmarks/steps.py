"""The steps of reading a stream, one by one and without IO: what `step_counts` counts and `micro` times.

Pure. A step is prepared for a stream and then done over all its events but the closing ones, which say the whole text
again: so twice the deltas are exactly twice the work, beside what is done once a stream.
"""

from collections.abc import Callable

from asyncstream import AssistantAccumulator, ChatAccumulator, ResponseAccumulator
from asyncstream.events.decode import wire_of
from asyncstream.sse import FrameSplitter, encode, parse_frame
from benchmarks.server import BULK_CHUNK
from benchmarks.workloads import make, protocol_of

__all__ = ["STEPS", "STREAMS", "prepare"]

STREAMS = ("text", "cited", "code", "chat", "calls", "args", "response", "responseargs")
"""Kinds of `workloads` whose deltas are all alike."""

Done = Callable[[], object]


def prepare(step: str, kind: str, deltas: int) -> Done:
    """Return what does a step over a stream of so many deltas, each time it is called."""
    return STEPS[step](kind, _without_closing(kind, make(f"{kind}-{deltas}").frames))


def _without_closing(kind: str, frames: tuple[bytes, ...]) -> list[bytes]:
    if protocol_of(kind) == "chat":
        return list(frames[:-2])
    last = max(position for position, frame in enumerate(frames) if b".delta\n" in frame[:60])
    return list(frames[: last + 1])


def _split(kind: str, frames: list[bytes]) -> Done:
    body = b"".join(frames)
    chunks = [body[start : start + BULK_CHUNK] for start in range(0, len(body), BULK_CHUNK)]

    def split() -> None:
        feed = FrameSplitter().feed
        for chunk in chunks:
            feed(chunk)

    return split


def _parse(kind: str, frames: list[bytes]) -> Done:
    cut = [frame[:-2] for frame in frames]

    def parse() -> None:
        for frame in cut:
            parse_frame(frame)

    return parse


def _decode(kind: str, frames: list[bytes]) -> Done:
    cut = [frame[:-2] for frame in frames]
    wire = wire_of(protocol_of(kind))

    def decode() -> list[object]:
        decode_plain = wire.decode_plain
        return [decode_plain(frame) for frame in cut]

    return decode


def _fold(kind: str, frames: list[bytes]) -> Done:
    events: list[object] = _decode(kind, frames)()  # type: ignore[assignment]  # what `decode` returns

    def fold() -> object:
        accumulator = _accumulator(kind)
        for event in events:
            accumulator.fold(event)  # type: ignore[arg-type]  # of its protocol
        return accumulator

    return fold


def _push(kind: str, frames: list[bytes]) -> Done:
    events: list[object] = _decode(kind, frames)()  # type: ignore[assignment]  # what `decode` returns

    def push() -> object:
        accumulator = _accumulator(kind)
        for event in events:
            accumulator.push(event)  # type: ignore[arg-type]  # of its protocol
        return accumulator

    return push


_ACCUMULATORS: dict[str, Callable[[], AssistantAccumulator | ChatAccumulator | ResponseAccumulator]] = {
    "assistants": AssistantAccumulator,
    "chat": ChatAccumulator,
    "responses": ResponseAccumulator,
}


def _accumulator(kind: str) -> AssistantAccumulator | ChatAccumulator | ResponseAccumulator:
    return _ACCUMULATORS[protocol_of(kind)]()


def _encode(kind: str, frames: list[bytes]) -> Done:
    parsed = [parse_frame(frame[:-2]) for frame in frames]
    payloads = [(b"\n".join(lines), event or None) for event, lines in parsed]

    def encode_all() -> None:
        for payload, event in payloads:
            encode(payload, event=event)

    return encode_all


STEPS: dict[str, Callable[[str, list[bytes]], Done]] = {
    "split": _split,
    "parse": _parse,
    "decode": _decode,
    "fold": _fold,
    "push": _push,
    "encode": _encode,
}
"""`split` cuts 4 KiB chunks into frames; `parse` reads the fields of a frame that is not as usual; `decode` reads a
usual frame; `fold` takes an event whose changes nobody asks for, `push` returns them; `encode` writes an event."""
