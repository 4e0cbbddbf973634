"""What is read of the frames of a response, with moulds, against what decoding and folding each gives."""

import json
import pickle
import random
from collections.abc import Iterator
from typing import Any

import pytest

from asyncstream.accumulators import ResponseAccumulator
from asyncstream.events.decode import wire_of
from asyncstream.streaming.plain import plain_reader

WIRE = wire_of("responses")
PLACE = {"item_id": "m", "output_index": 0, "content_index": 0}


def frame(name: str, *, named: bool = True, compact: bool = True, **members: Any) -> bytes:
    data = json.dumps({"type": f"response.{name}", **members}, separators=(",", ":") if compact else None)
    return (f"event: response.{name}\n" if named else "").encode() + b"data: " + data.encode()


def delta(text: str, number: int | None = None, **members: Any) -> bytes:
    count = {} if number is None else {"sequence_number": number}
    return frame("output_text.delta", **count, **PLACE, delta=text, logprobs=[], **members)


class Reader:
    """Reads frames with moulds, and beside that without; counts what it decoded, and what was folded whole."""

    def __init__(self, *frames: bytes) -> None:
        self.accumulator = ResponseAccumulator[Any]()
        self.beside = ResponseAccumulator[Any]()
        self.decoded = self.folded = 0
        self.begin()
        self.read(*frames)

    def begin(self) -> None:
        """Begin with another body."""
        self._read = plain_reader(WIRE._replace(decode_plain=self._decode), _Counted(self), first=0)

    def _decode(self, frame: bytes) -> Any:
        self.decoded += 1
        return WIRE.decode_plain(frame)

    def read(self, *frames: bytes) -> list[Any]:
        events = []
        for one in frames:
            event = self._read(one)
            assert WIRE.decode_plain(one) == event
            for other in WIRE.decode_frame(one):
                self.beside.fold(other)  # type: ignore[arg-type]  # no error in reading
                if event is None:
                    self.accumulator.fold(other)  # type: ignore[arg-type]
            events.append(event)
            assert self.state(self.beside) == self.state(self.accumulator)
        return events

    @staticmethod
    def state(of: ResponseAccumulator[Any]) -> object:
        return repr((of.events_seen, of.last_sequence_number, of.finished, of.repairs, of.audio, of.response))

    @property
    def text(self) -> str:
        return self.accumulator.response.output_text


class _Counted:
    """An accumulator, and how many events it was given whole."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self.expect_alike = reader.accumulator.expect_alike
        self.fold_alike = reader.accumulator.fold_alike
        self.fold_numbered = reader.accumulator.fold_numbered

    def fold(self, event: Any) -> None:
        self._reader.folded += 1
        self._reader.accumulator.fold(event)


def test_what_is_alike_but_for_the_next_number_is_not_decoded_again():
    reader = Reader(*[delta("a", number, obfuscation="x" * number) for number in range(4)])
    before = reader.decoded, reader.folded
    events = reader.read(*[delta("b", number, obfuscation="x" * (number % 16)) for number in range(4, 1204)])

    assert before == (reader.decoded, reader.folded)
    assert [*range(4, 1204)] == [event.sequence_number for event in events]
    assert reader.text == "a" * 4 + "b" * 1200
    assert reader.accumulator.last_sequence_number == 1203


def test_number_behind_the_text_counts_alike():
    def last(text: str, number: int) -> bytes:
        return frame("output_text.delta", **PLACE, delta=text, sequence_number=number)

    reader = Reader(*[last("a", number) for number in range(3)])
    before = reader.decoded, reader.folded
    reader.read(*[last('"b', number) for number in range(3, 203)])

    assert before == (reader.decoded, reader.folded)
    assert reader.accumulator.last_sequence_number == 202


def test_without_numbers_the_text_alone_differs():
    reader = Reader(*[delta("a")] * 3)
    before = reader.decoded, reader.folded
    reader.read(*[delta("b")] * 50)

    assert before == (reader.decoded, reader.folded)


def test_citations_between_the_deltas_cost_no_mould():
    def citation(number: int) -> bytes:
        annotation = {"type": "url_citation", "url": "u", "title": "t", "start_index": 0, "end_index": 1}
        return frame("output_text.annotation.added", sequence_number=number, **PLACE, annotation=annotation)

    frames = [citation(number) if number % 10 == 9 else delta("a", number) for number in range(100)]
    reader = Reader(*frames[:20])
    before = reader.decoded
    reader.read(*frames[20:])

    assert before + 8 == reader.decoded
    assert reader.text == "a" * 90


@pytest.mark.parametrize("numbers", [(3, 3), (5, 6), (2, 3), (0, 1), (10, 11), (2**62, 2**62 + 1)])
def test_number_that_is_not_the_next_is_decoded(numbers):
    reader = Reader(*[delta("a", number) for number in range(3)])
    reader.read(*[delta("b", number) for number in numbers])

    assert reader.text == "aaabb"
    assert ("9.24" in [repair.rule for repair in reader.accumulator.repairs]) is (numbers[0] != 3 or numbers[1] != 4)


@pytest.mark.parametrize("number", ["03", "+3", "3.0", "3e0", '"3"', "true", "null", "[]", "-3", " 3", "3 ", "3\t"])
def test_number_that_is_written_otherwise_is_decoded(number):
    reader = Reader(*[delta("a", number) for number in range(3)])
    before = reader.decoded
    odd = delta("b", 3).replace(b'"sequence_number":3', b'"sequence_number":' + number.encode())
    reader.read(odd, delta("c", 4), delta("c", 5))

    assert before < reader.decoded
    assert reader.text.endswith("cc")


def test_what_a_resumption_repeats_is_not_folded_again():
    reader = Reader(*[delta("a", number) for number in range(8)])
    for accumulator in (reader.accumulator, reader.beside):
        accumulator.resume()
    reader.begin()
    events = reader.read(*[delta("b", number) for number in range(12)])

    assert [*range(12)] == [event.sequence_number for event in events]
    assert reader.text == "a" * 8 + "b" * 4
    assert reader.accumulator.events_seen == 12


def test_a_checkpoint_in_the_midst_of_alike_deltas_goes_on_as_it_was():
    reader = Reader(*[delta("a", number) for number in range(8)])
    reader.accumulator = pickle.loads(pickle.dumps(reader.accumulator))
    reader.begin()
    reader.read(*[delta("b", number) for number in range(8, 16)])

    assert reader.text == "a" * 8 + "b" * 8


def test_delta_behind_the_end_of_its_text_is_a_repair_as_ever():
    done = frame("output_text.done", sequence_number=5, **PLACE, text="aaaaa")
    reader = Reader(*[delta("a", number) for number in range(5)], done, delta("a", 6), delta("b", 7))

    assert reader.accumulator.events_seen == 8


def random_frames(seed: int) -> Iterator[bytes]:
    """Make frames of runs of deltas that are alike, and of what makes them differ."""
    chance = random.Random(seed)
    number = chance.choice([None, 0, 7, 95, 998, 2**53])
    last, named, compact = chance.random() < 0.2, chance.random() < 0.8, chance.random() < 0.8
    kinds = chance.sample(["output_text", "reasoning_text", "function_call_arguments", "refusal", "audio"], 3)
    kind, item, beside = kinds[0], "m", chance.choice([{}, {"logprobs": []}, {"obfuscation": "="}, {"seen_by": "p"}])
    texts = ["a", " b", "", '"', "\\", "\N{GRINNING FACE}", "\x7f\u2028", '","delta":"x', "12", "\ud83d", "\ude42"]
    for _ in range(80):
        what = chance.random()
        if what < 0.04:
            kind, item = chance.choice(kinds), chance.choice(["m", "n", "m"])
        elif what < 0.06:
            beside = chance.choice([{}, {"logprobs": [{"token": "a", "logprob": -1}]}, {"obfuscation": ""}])
        elif what < 0.10:
            annotation = {"type": "url_citation", "url": "u", "delta": "d", "sequence_number": 3}
            count = {} if number is None else {"sequence_number": number}
            number = None if number is None else number + 1
            place = {"item_id": item, "output_index": chance.choice([0, 1]), "content_index": chance.choice([0, 1])}
            yield frame("output_text.annotation.added", named=named, **count, **place, annotation=annotation)
        elif what < 0.12:
            yield frame(f"{kind}.done", named=named, item_id=item, output_index=0, content_index=0)
        elif what < 0.14:
            yield frame("in_progress", response={"id": "r", "status": "in_progress", "delta": "d"})
        elif what < 0.16 and number is not None:
            number += chance.choice([-1, 1, 5])
        place = {"item_id": item, "output_index": 0, "content_index": 0}
        text: Any = chance.choice(texts) if what > 0.2 else chance.choice(["x" * 300, 5, None, {"a": "b"}])
        padded = {**beside, "obfuscation": "=" * chance.randrange(9)} if "obfuscation" in beside else beside
        count = {} if number is None else {"sequence_number": number}
        members = {**place, "delta": text, **padded, **count} if last else {**count, **place, "delta": text, **padded}
        one = frame(f"{kind}.delta", named=named, compact=compact, **members)
        if chance.random() < 0.03:
            one = one.replace(b'"delta"', chance.choice([b'"delta":"c","delta"', b'"d\\u0065lta"', b'"Delta"']), 1)
        if chance.random() < 0.03:
            one = one.replace(b'"sequence_number":', chance.choice([b'"sequence_number":-', b'"sequence_number": 0']))
        if chance.random() < 0.02:
            one = one.replace(b"}", b"\n}")
        yield one
        number = None if number is None else number + 1


def test_nobody_can_tell_which_way_an_event_came():
    served = total = 0
    for seed in range(60):
        reader = Reader()
        for one in random_frames(seed):
            before = reader.decoded
            reader.read(one)
            served += before == reader.decoded
            total += 1

    # And a part of them came by a mould.
    assert served > total / 4


def test_negative_numbers_are_decoded_each():
    reader = Reader(*[delta("a", number) for number in range(3)])
    reader.read(*[delta("b", number) for number in range(-12, 5)])

    assert reader.text == "aaa" + "b" * 17
