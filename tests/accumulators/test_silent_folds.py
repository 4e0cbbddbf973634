"""`fold`, which makes no changes, against `push`: the helpers fold every stream both ways; here are the borders."""

import pytest
from assistant_folds import events_of, fold, function, message_delta, step_delta, text
from assistants_wire import frame, message, run
from chat_folds import DONE, call, chunk, delta
from chat_folds import fold as fold_chat

from asyncstream.accumulators import AssistantAccumulator, ChatAccumulator
from asyncstream.events import decode_stream

HIGH, LOW = "\ud83d", "\ude00"
HELLO = delta(role="assistant", content="Hel")


def choice(index: int = 0, finish: str | None = None, **members: object) -> dict[str, object]:
    return {"index": index, "delta": members, "finish_reason": finish}


# Chat.


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("usage", {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}),
        ("x_groq", {"usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}}),
        ("prompt_filter_results", [{"prompt_index": 0}]),
        ("provider", "P"),
        ("citations", ["a"]),
        ("search_results", [{"title": "t"}]),
        ("moderation", {"flagged": False}),
        ("metadata", {"k": "v"}),
        ("system_fingerprint", "fp"),
        ("service_tier", "default"),
    ],
)
def test_what_comes_beside_a_piece_of_text_is_kept(name, value):
    found = fold_chat(
        HELLO + chunk(choice(content="lo"), **{name: value}) + delta("stop", content="!") + DONE
    ).completion

    assert found.choices[0].message.content == "Hello!"
    kept = found.usage if name in ("usage", "x_groq") else getattr(found, name)
    assert kept


def test_what_stood_beside_an_earlier_piece_stays():
    found = fold_chat(
        chunk(choice(content="a"), system_fingerprint="fp", service_tier="flex") + delta(content="b") + DONE
    ).completion

    assert ("fp", "flex") == (found.system_fingerprint, found.service_tier)


def test_every_choice_of_a_chunk_grows():
    found = fold_chat(
        chunk(choice(0, content="a"), choice(1, content="b"))
        + chunk(choice(0, content="c"), choice(1, content="d"))
        + DONE
    ).completion

    assert ["ac", "bd"] == [one.message.content for one in found.choices]


def test_choice_after_one_that_only_annotates_is_folded():
    found = fold_chat(chunk({"index": 0, "content_filter_results": {}}, choice(1, content="b")) + DONE).completion

    assert [(1, "b")] == [(one.index, one.message.content) for one in found.choices]


def test_name_that_comes_with_a_later_piece_is_kept():
    found = fold_chat(
        chunk(choice(content="a"), id="", model="") + chunk(choice(content="b"), id="c1", model="m1") + DONE
    ).completion

    assert ("c1", "m1", "ab") == (found.id, found.model, found.choices[0].message.content)


def test_completion_is_up_to_date_between_folds_and_after_the_end():
    accumulator = ChatAccumulator()
    seen = []
    for event in decode_stream(HELLO + delta(content="lo") + delta(content="!" + HIGH) + DONE, "chat"):
        accumulator.fold(event)
        seen.append(accumulator.completion.choices[0].message.content)
    accumulator.finish()

    assert ["Hel", "Hello", "Hello!", "Hello!"] == seen
    assert accumulator.completion.choices[0].message.content == "Hello!\ufffd"


@pytest.mark.parametrize("end", [b"", b'data: {"error": {"message": "no"}}\n\n', delta("error")])
def test_call_of_a_failed_answer_has_an_id_all_the_same(end):
    found = fold_chat(delta(tool_calls=[call(0, "f", "{")]) + end)

    assert found.outcome in ("truncated", "error")
    (made,) = found.completion.choices[0].message.tool_calls
    assert made.id.startswith("call_")


@pytest.mark.parametrize(
    ("member", "read"),
    [
        (lambda piece: {"content": piece}, lambda message: message.content),
        (lambda piece: {"refusal": piece}, lambda message: message.refusal),
        (lambda piece: {"reasoning": piece}, lambda message: message.reasoning),
        (lambda piece: {"reasoning_content": piece}, lambda message: message.reasoning),
        (lambda piece: {"audio": {"transcript": piece}}, lambda message: message.audio.transcript),
        (
            lambda piece: {"tool_calls": [call(0, "f", piece, id="c")]},
            lambda message: message.tool_calls[0].function.arguments,
        ),
        (
            lambda piece: {"tool_calls": [{"index": 0, "id": "c", "type": "custom", "custom": {"input": piece}}]},
            lambda message: message.tool_calls[0].custom.input,
        ),
        (
            lambda piece: {"reasoning_details": [{"type": "reasoning.text", "index": 0, "text": piece}]},
            lambda message: message.reasoning_details[0]["text"],
        ),
        (
            lambda piece: {"reasoning_details": [{"type": "reasoning.summary", "index": 0, "summary": piece}]},
            lambda message: message.reasoning_details[0]["summary"],
        ),
        (
            lambda piece: {"reasoning_details": [{"type": "reasoning.encrypted", "index": 0, "data": piece}]},
            lambda message: message.reasoning_details[0]["data"],
        ),
    ],
)
def test_torn_character_is_whole_again_wherever_text_grows(member, read):
    found = fold_chat(delta(**member("a" + HIGH)) + delta(**member(LOW + "b")) + DONE).completion

    assert "a\U0001f600b" in read(found.choices[0].message)


# Assistants.


@pytest.mark.parametrize(
    ("first", "last"),
    [
        (message_delta("m", text("a")), message_delta("m", text("b"))),
        (step_delta("s", function("{", name="f", id="c")), step_delta("s", function("}"))),
    ],
)
def test_truncated_after_a_delta_names_it(first, last):
    found = fold(run("created"), first, run("in_progress"), last)

    assert found.outcome == "truncated"
    assert "after 4 events" in str(found.error)
    assert ".delta'" in str(found.error)


def test_repair_of_a_delta_is_recorded():
    found = fold(
        message_delta("m", text("a")),
        message_delta("m", text("b" + HIGH)),
        step_delta("s", function("{", name="f", id="c")),
        step_delta("s", function('"' + HIGH)),
    )

    assert ["6.2", "6.2"] == found.repaired


def test_current_message_and_step_are_those_of_the_last_event():
    accumulator = AssistantAccumulator()
    seen = []
    for event in events_of(
        *(message("created", id="m"), message("created", id="n")),
        *(message_delta("n", text("a")), message_delta("m", text("a")), message_delta("n", text("b"))),
        *(frame("thread.run.step.created", id=id, type="tool_calls", status="in_progress") for id in "st"),
        *(step_delta(id, function("{", name="f", id="c")) for id in "st"),
        step_delta("s", function("}")),
    ):
        accumulator.fold(event)
        shown = accumulator.current_run_step or accumulator.current_message
        assert shown is not None
        seen.append(shown.id)

    assert [*"mnnmn", *"stst", "s"] == seen


def test_nothing_is_omitted_at_first():
    assert (0, 0) == (AssistantAccumulator().repairs_omitted, ChatAccumulator().repairs_omitted)


@pytest.mark.parametrize(
    ("opening", "piece", "told"),
    [
        (HELLO, delta(content="lo"), ["ContentChanged"]),
        (delta(tool_calls=[call(0, "f", "", id="c")]), delta(tool_calls=[call(0, None, "lo")]), ["ToolCallChanged"]),
    ],
)
def test_a_piece_of_chat_is_told_by_push(opening, piece, told):
    accumulator = ChatAccumulator()
    (first, second) = decode_stream(opening + piece, "chat")
    accumulator.push(first)
    changes = accumulator.push(second)

    assert told == [type(change).__name__ for change in changes]
    assert [("lo", 0)] == [(change.piece, change.parent) for change in changes]


@pytest.mark.parametrize(
    ("opening", "piece", "told"),
    [
        (message_delta("m", text("Hel")), message_delta("m", text("lo")), ["TextChanged", "MessageChanged"]),
        (
            step_delta("s", function("", name="f", id="c")),
            step_delta("s", function("lo")),
            ["ToolCallChanged", "RunStepChanged"],
        ),
    ],
)
def test_a_piece_of_a_run_is_told_by_push(opening, piece, told):
    accumulator = AssistantAccumulator()
    (first, second) = events_of(opening, piece)
    accumulator.push(first)
    changes = accumulator.push(second)

    assert told == [type(change).__name__ for change in changes]
    assert changes[0].piece == "lo"
