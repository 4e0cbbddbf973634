"""What reads the frames of an answer: few of them one by one, many with moulds, however they come in."""

from typing import Any

import pytest
from chat_folds import delta

from asyncstream.accumulators import ChatAccumulator
from asyncstream.events.decode import wire_of
from asyncstream.streaming.plain import FEW
from asyncstream.streaming.reading import Reading

FRAME = delta(content="!").removesuffix(b"\n\n")


class Pieces:
    """A response whose body comes in pieces, each of some frames."""

    class turn:  # noqa: N801  # as the attribute of a response is called
        @staticmethod
        def over() -> bool:
            return False

    def __init__(self, sizes: list[int]) -> None:
        self._sizes = sizes

    def take(self) -> list[bytes] | None:
        return [FRAME] * self._sizes.pop(0) if self._sizes else None


def decoded_of(*sizes: int) -> tuple[int, str]:
    """Read pieces of so many frames; return how many frames were decoded, and the text."""
    decoded = 0
    wire = wire_of("chat")

    def decode(frame: bytes) -> Any:
        nonlocal decoded
        decoded += 1
        return wire.decode_plain(frame)

    accumulator = ChatAccumulator()
    reading: Reading[Any, Any, Any] = Reading(wire._replace(decode_plain=decode), accumulator, telling=False)
    pieces: Any = Pieces([*sizes])
    reading.begin(pieces, accumulator)
    for _ in range(sum(sizes)):
        assert reading.step() is not None
    assert reading.step() is None
    content = accumulator.completion.choices[0].message.content
    assert content is not None
    return decoded, content


@pytest.mark.parametrize("sizes", [(FEW,), (1,) * FEW, (FEW - 1, 1)])
def test_few_frames_are_decoded_one_by_one(sizes: tuple[int, ...]):
    assert (FEW, "!" * FEW) == decoded_of(*sizes)


@pytest.mark.parametrize("sizes", [(100,), (1,) * 100, (FEW, 100 - FEW), (5, 90, 5)])
def test_of_many_those_after_the_first_few_are_not_decoded(sizes: tuple[int, ...]):
    decoded, text = decoded_of(*sizes)

    # The one after the few is decoded, and once more as a trial of its mould.
    assert (FEW + 2, "!" * 100) == (decoded, text)
