"""What is read of plain frames, one after the other: with moulds, and with the accumulator that gets texts alone."""

from typing import Any

import pytest
from assistant_folds import code, function, message_delta, step_delta, text
from chat_folds import call, chunk, delta

from asyncstream.accumulators import AssistantAccumulator, ChatAccumulator
from asyncstream.events.decode import wire_of
from asyncstream.streaming.plain import plain_reader

HELLO = delta(role="assistant", content="Hel")


class Counted:
    """A reader of plain frames, how many of them it decoded, and how many events were folded whole."""

    def __init__(self, protocol: str, *frames: bytes, first: int = 0) -> None:
        self.accumulator: Any = ChatAccumulator() if protocol == "chat" else AssistantAccumulator()
        self.decoded = self.folded = 0
        fold = self.accumulator.fold

        def counted_fold(event: object) -> None:
            self.folded += 1
            fold(event)

        self.accumulator.fold = counted_fold
        wire = wire_of(protocol)
        self._decode_plain = wire.decode_plain
        self._read = plain_reader(wire._replace(decode_plain=self._decode), self.accumulator, first=first)
        self.read(*frames)

    def _decode(self, frame: bytes) -> object:
        self.decoded += 1
        return self._decode_plain(frame)

    def read(self, *frames: bytes) -> list[Any]:
        """Read frames; each event must be what its frame decodes to."""
        events = [self._read(frame.removesuffix(b"\n\n")) for frame in frames]
        assert [self._decode_plain(frame.removesuffix(b"\n\n")) for frame in frames] == events
        return events

    @property
    def text(self) -> str:
        return self.accumulator.completion.choices[0].message.content


def test_what_is_alike_is_not_decoded_again():
    reader = Counted("chat", HELLO, delta(content="lo"))
    before = reader.decoded, reader.folded
    reader.read(*[delta(content="!")] * 50)

    assert before == (reader.decoded, reader.folded)
    assert "Hello" + "!" * 50 == reader.text
    assert reader.accumulator.events_seen == 52


def test_the_first_frames_are_decoded_each_and_no_mould_is_looked_for():
    reader = Counted("chat", HELLO, first=12)
    reader.read(*[delta(content="!")] * 11)
    assert 12 == reader.decoded

    reader.read(*[delta(content="!")] * 50)

    # The next one is decoded, and once more as a trial of its mould.
    assert 14 == reader.decoded
    assert "Hel" + "!" * 61 == reader.text


@pytest.mark.parametrize(
    ("opening", "make", "shown"),
    [
        ([HELLO], lambda piece: delta(content=piece), lambda a: a.completion.choices[0].message.content[3:]),
        (
            [delta(tool_calls=[call(0, "f", "", id="c")])],
            lambda piece: delta(tool_calls=[call(0, None, piece)]),
            lambda a: a.completion.choices[0].message.tool_calls[0].function.arguments,
        ),
    ],
)
def test_snapshot_is_up_to_date_after_each_piece_of_chat(opening, make, shown):
    reader = Counted("chat", *opening, make("a"))
    seen = []
    for piece in "bcd":
        reader.read(make(piece))
        seen.append(shown(reader.accumulator))

    assert ["ab", "abc", "abcd"] == seen


@pytest.mark.parametrize(
    ("opening", "make", "shown"),
    [
        ([], lambda piece: message_delta("m", text(piece)), lambda a: a.messages[0].content[0].text.value),
        (
            [step_delta("s", code("", id="c"))],
            lambda piece: step_delta("s", code(piece)),
            lambda a: a.run_steps[0].step_details.tool_calls[0].code_interpreter.input,
        ),
        (
            [step_delta("s", function("", name="f", id="c"))],
            lambda piece: step_delta("s", function(piece)),
            lambda a: a.run_steps[0].step_details.tool_calls[0].function.arguments,
        ),
    ],
)
def test_snapshot_is_up_to_date_after_each_piece_of_a_run(opening, make, shown):
    reader = Counted("assistants", *opening, make("a"), make("b"))
    before, seen = reader.decoded, []
    for piece in "cde":
        reader.read(make(piece))
        seen.append(shown(reader.accumulator))

    assert ["abc", "abcd", "abcde"] == seen
    assert before == reader.decoded


def test_event_after_another_one_is_folded_whole_once():
    reader = Counted("chat", HELLO, delta(content="lo"), delta(content="!"), delta(refusal="no"))
    before = reader.decoded, reader.folded
    reader.read(*[delta(content="!")] * 5)

    assert (before[0], before[1] + 1) == (reader.decoded, reader.folded)


def test_blanks_around_the_text_do_not_matter():
    compact = [HELLO.replace(b": ", b":"), *[delta(content="!").replace(b": ", b":")] * 2]
    reader = Counted("chat", *[each.replace(b"data:", b"data: ") for each in compact])
    before = reader.decoded
    reader.read(*[each.replace(b"data:", b"data: ") for each in compact[1:]])

    assert before == reader.decoded


def test_line_that_ends_after_the_text_makes_it_another_frame():
    reader = Counted("chat", HELLO, delta(content="lo"), delta(content="!"))
    split = delta(content="?").replace(b'"?"', b'"?"\n')

    assert [None] == reader.read(split)
    assert reader.text == "Hello!"


@pytest.mark.parametrize("bad", [b"\\ud83d", b"\xff", b'", "refusal": "no', b"a\nb", b"\\"])
def test_text_that_is_not_one_whole_string_is_decoded(bad):
    reader = Counted("chat", HELLO, delta(content="lo"), delta(content="!"))
    before = reader.decoded
    reader.read(delta(content="?").replace(b"?", bad))

    assert before + 1 == reader.decoded


def test_frame_that_is_all_head_or_all_tail_is_decoded():
    frame = delta(content="").removesuffix(b"\n\n")
    at = frame.index(b'""') + 1
    reader = Counted("chat", HELLO, delta(content="lo"), delta(content="!"))

    assert [None, None] == reader.read(frame[:at] + frame[at + 1 :], frame[:at])
    assert reader.text == "Hello!"


@pytest.mark.parametrize("beside", [{"provider": "P"}, {"seen_by": "p"}, {"metadata": {"k": "v"}}])
def test_what_stands_beside_each_piece_is_kept(beside):
    pieces = [chunk({"index": 0, "delta": {"content": piece}}, **beside) for piece in "lo!"]
    reader = Counted("chat", HELLO, *pieces)
    found = reader.accumulator.completion
    ((name, value),) = beside.items()

    assert value == (found.extra[name] if name == "seen_by" else getattr(found, name))
    assert reader.text == "Hello!"
    assert reader.folded == (len(pieces) + 1 if name == "metadata" else 2)


def padded(content: str, padding: str) -> bytes:
    return chunk({"index": 0, "delta": {"content": content}, "finish_reason": None}, obfuscation=padding)


def test_padding_of_its_own_makes_a_chunk_no_other():
    reader = Counted("chat", HELLO, padded("lo", "1"))
    before = reader.decoded
    chunks = reader.read(padded("!", "23"), padded("", ""), padded('"', "\n"))

    assert before == reader.decoded
    assert ["23", "", "\n"] == [chunk.obfuscation for chunk in chunks]
    assert reader.text == 'Hello!"'


@pytest.mark.parametrize(
    "change",
    [
        lambda frame: frame.replace(b'"!"', b'"\\ud83d"'),
        lambda frame: frame.replace(b'"23"', b'"\\ud83d"'),
        lambda frame: frame.replace(b'"23"', b'"2"3"'),
        lambda frame: frame.replace(b"null", b'"stop"'),
        lambda frame: frame.replace(b"}, ", b"},  "),
    ],
)
def test_padded_chunk_that_is_not_alike_is_decoded(change):
    reader = Counted("chat", HELLO, padded("lo", "1"), padded("!", "23"))
    before = reader.decoded
    reader.read(change(padded("!", "23")))

    assert before + 1 == reader.decoded


def test_text_that_holds_what_stands_before_the_padding_is_told_from_it():
    reader = Counted("chat", HELLO, padded("lo", "1"))
    before = reader.decoded
    between = '"}, "finish_reason": null}], "obfuscation": "'
    (chunk,) = reader.read(padded(between, between))

    assert before == reader.decoded
    assert (between, between) == (chunk.choices[0].delta.content, chunk.obfuscation)


def test_empty_text_is_folded_whole():
    reader = Counted("chat", HELLO, delta(content="lo"), delta(content=""), delta(content="!"))

    assert reader.text == "Hello!"
    assert reader.accumulator.events_seen == 4


def test_what_stands_beside_a_piece_is_folded_again_after_another():
    def piece(content: str, fingerprint: str) -> bytes:
        return chunk({"index": 0, "delta": {"content": content}}, system_fingerprint=fingerprint)

    reader = Counted("chat", HELLO, *[piece("a", "one")] * 3, piece("b", "two"))
    two = reader.accumulator.completion.system_fingerprint
    reader.read(piece("a", "one"))

    assert ("two", "one") == (two, reader.accumulator.completion.system_fingerprint)
    assert reader.text == "Helaaaba"


def test_piece_after_the_end_is_a_repair_as_ever():
    reader = Counted("chat", HELLO, *[delta(content="lo")] * 3, delta("stop"), delta(content="?"))

    assert ["4.13"] == [repair.rule for repair in reader.accumulator.repairs]


def test_choices_that_take_turns_each_get_their_own():
    frames = [delta(index=index % 2, content=f"{index},") for index in range(40)]
    reader = Counted("chat", *frames)

    assert [",".join(map(str, range(start, 40, 2))) + "," for start in (0, 1)] == [
        choice.message.content for choice in reader.accumulator.completion.choices
    ]


def test_messages_that_take_turns_are_the_current_one_in_turn():
    frames = [message_delta("mn"[number // 3 % 2], text(str(number))) for number in range(12)]
    reader = Counted("assistants", *frames)
    shown = []
    for id in "mmnnm":
        reader.read(message_delta(id, text("x")))
        shown.append(reader.accumulator.current_message.id)

    assert [*"mmnnm"] == shown
    assert ["012678xxx", "34591011xx"] == [message.content[0].text.value for message in reader.accumulator.messages]


def test_whole_arguments_said_again_are_dropped():
    whole = '{"a":"b"}'
    first = step_delta("s", function("", name="f", id="c"))
    reader = Counted("assistants", first, *[step_delta("s", function(piece)) for piece in (*whole, whole)])
    (step,) = reader.accumulator.run_steps

    assert whole == step.step_details.tool_calls[0].function.arguments
    assert ["4.10"] == [repair.rule for repair in reader.accumulator.repairs]
    assert reader.accumulator.events_seen == 2 + len(whole)


def test_one_that_differs_costs_no_mould_of_its_own():
    alike = [message_delta("m", text("a")), message_delta("m", text("b"))]
    odd = message_delta("m", text("c", annotations=[]))
    reader = Counted("assistants", *alike)
    before = reader.decoded
    reader.read(*[*alike, odd] * 10)

    assert before + 10 == reader.decoded


def test_another_kind_that_goes_on_gets_the_mould():
    reader = Counted("assistants", *[message_delta("m", text("a"))] * 4, *[message_delta("n", text("b"))] * 3)
    before = reader.decoded
    reader.read(*[message_delta("n", text("c"))] * 5)

    assert before == reader.decoded


def test_a_stream_without_alike_frames_is_soon_left_alone():
    # One decode each is the frame's own; a mould that is tried costs another.
    reader = Counted("chat", *[chunk({"index": 0, "delta": {"content": "a"}}, created=n) for n in range(1, 41)])

    assert reader.decoded == 40 + 16


def test_a_mould_that_served_is_worth_as_many_tries_again():
    def numbered(start: int, count: int) -> list[bytes]:
        return [chunk({"index": 0, "delta": {"content": "a"}}, created=start + n) for n in range(count)]

    reader = Counted("chat", *numbered(1, 10), *[delta(content="b")] * 9)
    before = reader.decoded
    reader.read(*numbered(100, 40))
    tried = reader.decoded - before - 40
    few = Counted("chat", *numbered(1, 10), *[delta(content="b")] * 8)
    before = few.decoded
    few.read(*numbered(100, 40))

    assert (16, 5) == (tried, few.decoded - before - 40)
