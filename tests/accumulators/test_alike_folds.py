"""`fold_alike`: the last event once more with another text, of which the accumulator gets the text alone."""

import pickle
from collections.abc import Callable
from typing import Any

import pytest
from assistant_folds import code, end_step, function, message_delta, step_delta, text
from assistants_wire import frame
from chat_folds import call, chunk, delta

from asyncstream.accumulators import AssistantAccumulator, ChatAccumulator, fragments
from asyncstream.accumulators.assistants import accumulator as assistants
from asyncstream.accumulators.chat import accumulator as chat
from asyncstream.events import decode_stream

HELLO = delta(role="assistant", content="Hel")


def chat_text(accumulator: ChatAccumulator) -> object:
    return accumulator.completion.choices[0].message.content


def chat_arguments(accumulator: ChatAccumulator) -> object:
    (call,) = accumulator.completion.choices[0].message.tool_calls or ()
    return call.function.arguments  # type: ignore[union-attr]  # a function


def message_text(accumulator: AssistantAccumulator) -> object:
    return accumulator.messages[0].content[0].text.value  # type: ignore[union-attr]  # a text


def step_code(accumulator: AssistantAccumulator) -> object:
    return accumulator.run_steps[0].step_details.tool_calls[0].code_interpreter.input  # type: ignore[union-attr]


def step_arguments(accumulator: AssistantAccumulator) -> object:
    return accumulator.run_steps[0].step_details.tool_calls[0].function.arguments  # type: ignore[union-attr]


OPENING_CALL = delta(tool_calls=[call(0, "f", "", id="c", type="function")])
OPENING_CODE = step_delta("s", code("", id="c"))
OPENING_FUNCTION = step_delta("s", function("", name="f", id="c"))
GROWING: dict[str, tuple[bytes, Callable[[str], bytes], Callable[[Any], object]]] = {
    "content": (delta(role="assistant", content="0"), lambda piece: delta(content=piece), chat_text),
    "arguments": (OPENING_CALL, lambda piece: delta(tool_calls=[call(0, None, piece)]), chat_arguments),
    "text": (message_delta("m", text("0")), lambda piece: message_delta("m", text(piece)), message_text),
    "code": (OPENING_CODE, lambda piece: step_delta("s", code(piece)), step_code),
    "function": (OPENING_FUNCTION, lambda piece: step_delta("s", function(piece)), step_arguments),
}
each = pytest.mark.parametrize("kind", GROWING)


def accumulator_of(kind: str, *frames: bytes) -> Any:
    accumulator: Any = ChatAccumulator() if kind in ("content", "arguments") else AssistantAccumulator()
    fold(accumulator, *frames)
    return accumulator


def fold(accumulator: Any, *frames: bytes) -> None:
    protocol: Any = "chat" if isinstance(accumulator, ChatAccumulator) else "assistants"
    for event in decode_stream(b"".join(frames), protocol):
        accumulator.fold(event)


def state(accumulator: Any) -> object:
    if isinstance(accumulator, ChatAccumulator):
        return accumulator.completion, accumulator.events_seen, accumulator.finished, accumulator.repairs
    found = accumulator
    shown = (found.messages, found.run_steps, found.current_message, found.current_run_step)
    return *shown, found.events_seen, found.finished, found.repairs


@each
def test_text_alone_does_what_its_event_would(kind):
    opening, make, shown = GROWING[kind]
    alike = accumulator_of(kind, opening, make("a"))
    alike.expect_alike()
    whole = accumulator_of(kind, opening, make("a"))
    joined = str(shown(alike))
    for piece in ("b", "c", " \N{GRINNING FACE}"):
        assert alike.fold_alike(piece) is True
        fold(whole, make(piece))
        joined += piece
        assert state(whole) == state(alike)
        assert joined == shown(alike)


@each
def test_nothing_is_taken_that_was_not_expected(kind):
    opening, make, shown = GROWING[kind]
    accumulator = accumulator_of(kind)

    assert accumulator.fold_alike("x") is False
    fold(accumulator, opening, make("a"))
    assert accumulator.fold_alike("x") is False
    accumulator.expect_alike()
    assert accumulator.fold_alike("b") is True
    before = state(accumulator)
    assert accumulator.fold_alike("") is False
    assert before == state(accumulator)
    fold(accumulator, make("c"))
    assert accumulator.fold_alike("x") is False
    assert str(shown(accumulator)).endswith("abc")


def test_a_call_that_turned_out_to_be_a_function_gets_arguments():
    done = end_step("s", function("a", name="f", id="c"))
    accumulator = accumulator_of("function", step_delta("s", code("1+1", id="c")), done, step_delta("s", function("b")))
    accumulator.expect_alike()

    assert accumulator.fold_alike("c") is True
    assert "abc" == step_arguments(accumulator)


@each
@pytest.mark.parametrize("after", ["another kind", "opening alone"])
def test_what_was_no_piece_alone_is_not_expected_again(kind, after):
    opening, make, _ = GROWING[kind]
    frames = [opening]
    if after == "another kind":
        is_chat = kind in ("content", "arguments")
        frames += [make("a"), delta(refusal="no") if is_chat else frame("thread.message.in_progress", id="m")]
    accumulator = accumulator_of(kind, *frames)
    accumulator.expect_alike()
    before = state(accumulator)

    assert accumulator.fold_alike("x") is False
    assert before == state(accumulator)


@each
def test_a_checkpoint_expects_the_same_and_has_a_text_of_its_own(kind):
    opening, make, shown = GROWING[kind]
    accumulator = accumulator_of(kind, opening, make("a"))
    accumulator.expect_alike()
    accumulator.fold_alike("b")
    copied = pickle.loads(pickle.dumps(accumulator))

    assert copied.fold_alike("c") is True
    assert accumulator.fold_alike("d") is True
    assert (str(shown(copied))[-3:], str(shown(accumulator))[-3:]) == ("abc", "abd")


@each
def test_pieces_are_joined_before_they_are_too_many(kind, monkeypatch):
    for module in (fragments, assistants, chat):
        monkeypatch.setattr(module, "MOST_PIECES", 4)
    opening, make, shown = GROWING[kind]
    accumulator = accumulator_of(kind, opening, make("a"))
    accumulator.expect_alike()
    counted = []
    for piece in "bcdefghij":
        assert accumulator.fold_alike(piece) is True
        counted.append(len(accumulator._pieces or ()))

    assert max(counted) <= 4
    assert str(shown(accumulator)).endswith("abcdefghij")


@each
def test_a_checkpoint_goes_on_as_it_was(kind):
    opening, make, shown = GROWING[kind]
    accumulator = accumulator_of(kind, opening, make("a"))
    accumulator.expect_alike()
    accumulator.fold_alike("b")
    copied = pickle.loads(pickle.dumps(accumulator))
    fold(copied, make("c"))
    copied.expect_alike()

    assert copied.fold_alike("d") is True
    assert str(shown(copied)).endswith("abcd")
    assert str(shown(accumulator)).endswith("ab")


def test_text_goes_to_what_the_last_event_was_for():
    accumulator = accumulator_of("content", *[delta(index=index, content="a") for index in (0, 1, 0, 1)])
    accumulator.expect_alike()
    accumulator.fold_alike("b")
    fold(accumulator, OPENING_CALL, delta(tool_calls=[call(0, None, "{")]))
    accumulator.expect_alike()
    accumulator.fold_alike("}")
    fold(accumulator, delta(content="c"))
    accumulator.expect_alike()
    accumulator.fold_alike("d")

    assert ["aacd", "aab"] == [choice.message.content for choice in accumulator.completion.choices]
    assert chat_arguments(accumulator) == "{}"


def test_part_and_call_of_the_last_event_grow():
    parts = [message_delta("m", text("a", index)) for index in (0, 1, 1, 0)]
    calls = [step_delta("s", code("", id=f"c{index}", index=index)) for index in (0, 1)]
    accumulator = accumulator_of("text", *parts)
    accumulator.expect_alike()
    accumulator.fold_alike("b")
    fold(accumulator, *calls, step_delta("s", code("x", index=1)))
    accumulator.expect_alike()
    accumulator.fold_alike("y")
    (step,) = accumulator.run_steps

    assert ["aab", "aa"] == [part.text.value for part in accumulator.messages[0].content]
    assert ["", "xy"] == [call.code_interpreter.input for call in step.step_details.tool_calls]


def test_whole_arguments_alone_again_are_left_to_the_whole_event():
    pieces = [step_delta("s", function(piece)) for piece in ("{", "}")]
    accumulator = accumulator_of("function", OPENING_FUNCTION, *pieces)
    accumulator.expect_alike()

    assert accumulator.fold_alike("{}") is False
    assert accumulator.events_seen == 3
    assert step_arguments(accumulator) == "{}"


def test_what_stands_beside_a_piece_is_kept_with_it():
    def piece(content: str, **beside: object) -> bytes:
        return chunk({"index": 0, "delta": {"content": content}}, **beside)

    beside = {"system_fingerprint": "fp", "service_tier": "flex", "provider": "P", "citations": ["a"]}
    accumulator = accumulator_of("content", HELLO, piece("lo"))
    for name, value in beside.items():
        fold(accumulator, piece("!", **{name: value}))
        accumulator.expect_alike()

        assert accumulator.fold_alike("?") is True
        assert value == getattr(accumulator.completion, name)
