"""What whole payloads say of messages and steps: what identifies them, what they replace, what is told of it."""

from typing import Any

import pytest
from assistant_folds import code, end_message, end_step, fold, function, message_delta, step_delta, text
from assistants_wire import frame

from asyncstream.accumulators import MessageCreated, RunStepCreated, TextDone, ToolCallCreated

KNOWN = {"created_at": 5, "assistant_id": "asst", "thread_id": "t", "run_id": "r"}


def refusal(words: str, **at: int) -> dict[str, Any]:
    return {"type": "refusal", "refusal": words, **at}


def picture(url: str, **at: int) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": url}, **at}


def content(*frames: bytes) -> list[dict[str, Any]]:
    (message,) = fold(*frames).accumulator.messages
    return [part.to_dict() for part in message.content]


def calls(*frames: bytes) -> list[dict[str, Any]]:
    (step,) = fold(*frames).accumulator.run_steps
    return [call.to_dict() for call in step.step_details.tool_calls]  # type: ignore[union-attr]  # of calls


def test_what_identifies_is_told_when_it_is_created():
    details = {"type": "message_creation", "message_creation": {"message_id": "m"}}
    (message,) = [
        one for one in fold(frame("thread.message.created", id="m", **KNOWN)).changes if isinstance(one, MessageCreated)
    ]
    step_frame = frame("thread.run.step.created", id="s", type="message_creation", step_details=details, **KNOWN)
    (step,) = [one for one in fold(step_frame).changes if isinstance(one, RunStepCreated)]

    for shown in (message.snapshot, step.snapshot):
        assert KNOWN == {name: getattr(shown, name) for name in KNOWN}
    assert "m" == step.snapshot.step_details.message_creation.message_id


@pytest.mark.parametrize(
    ("streamed", "said"),
    [
        (refusal("a", index=0), refusal("b")),
        (picture("a", index=0), picture("b")),
        ({"type": "odd", "index": 0, "x": 1}, {"type": "odd", "x": 2}),
    ],
)
def test_a_part_of_a_whole_message_counts_more_than_what_was_streamed(streamed, said):
    (alone,) = content(end_message("m", said))
    (replaced,) = content(message_delta("m", streamed), end_message("m", said))

    assert alone == replaced
    assert said.items() <= alone.items() or said["image_url"]["url"] == alone["image_url"]["url"]


def test_an_empty_refusal_of_a_whole_message_erases_nothing():
    assert ["a"] == [
        part["refusal"] for part in content(message_delta("m", refusal("a", index=0)), end_message("m", refusal("")))
    ]


def test_parts_of_a_whole_message_are_those_in_their_places_and_new_ones_have_numbers_of_their_own():
    found = fold(
        message_delta("m", text("a", 0), refusal("x", index=2), text("b", 3)),
        end_message("m", text("A", None), text("B", None), text("C", None), text("D", None)),
    )

    assert ["A", "B", "C", "D"] == [part["value"] for part in found.content]
    numbers = [change.index for change in found.changes if isinstance(change, TextDone)]
    assert len({*numbers}) == len(numbers)


def test_pieces_after_a_whole_message_go_on_in_it_by_their_numbers():
    assert ["Ab", "B"] == [
        part["text"]["value"]
        for part in content(
            message_delta("m", text("a")),
            end_message("m", text("A", None), text("B", None)),
            message_delta("m", text("b")),
        )
    ]


def test_an_unknown_annotation_takes_the_type_that_comes_later():
    def cited(**entry: object) -> bytes:
        return message_delta("m", text(None, annotations=[{"index": 0, **entry}]))

    (part,) = content(cited(x=1), cited(type="odd", y=2))
    assert [("odd", 1, 2)] == [(one.get("type"), one.get("x"), one.get("y")) for one in part["text"]["annotations"]]


@pytest.mark.parametrize("kind", ["file_citation", "file_path", "url_citation"])
def test_an_annotation_without_a_type_goes_on_as_it_was(kind):
    def cited(**entry: object) -> bytes:
        return message_delta("m", text(None, annotations=[{"index": 0, **entry}]))

    (part,) = content(cited(type=kind, start_index=1), cited(end_index=2))
    assert [(kind, 1, 2)] == [
        (one["type"], one["start_index"], one["end_index"]) for one in part["text"]["annotations"]
    ]


def test_a_flat_call_of_a_whole_step_has_its_id_name_and_arguments():
    flat = {"id": "c", "type": "odd", "name": "n", "arguments": "{}", "index": 0, "x": 1}

    assert [{key: flat[key] for key in flat if key != "index"}] == calls(end_step("s", flat))
    assert [{**{key: flat[key] for key in flat if key != "index"}, "x": 2}] == calls(
        step_delta("s", flat), end_step("s", {"id": "c", "type": "odd", "x": 2})
    )


def test_a_call_without_a_type_is_of_the_type_that_the_whole_step_says():
    untyped = {"index": 0, "id": "c"}

    assert ["code_interpreter"] == [
        call["type"] for call in calls(step_delta("s", untyped), end_step("s", code("1", id="c")))
    ]
    assert ["function"] == [
        call["type"] for call in calls(step_delta("s", untyped), end_step("s", function("{}", id="c")))
    ]


def test_a_call_without_an_id_in_a_whole_step_keeps_the_one_it_has():
    nameless = {"type": "code_interpreter", "code_interpreter": {"input": "2", "outputs": []}}

    assert [("c", "2")] == [
        (call["id"], call["code_interpreter"]["input"])
        for call in calls(step_delta("s", code("1", id="c")), end_step("s", nameless))
    ]
    assert [""] == [call["id"] for call in calls(end_step("s", nameless))]


@pytest.mark.parametrize("kind", ["code_interpreter", "file_search"])
def test_a_piece_without_a_type_goes_on_as_its_call_is(kind):
    first = {"index": 0, "id": "c", "type": kind, kind: {}}
    (call,) = calls(
        step_delta("s", first), step_delta("s", {"index": 0, kind: {"input": "x", "ranking_options": {"ranker": "r"}}})
    )

    assert kind == call["type"]
    assert "x" == call[kind].get("input") or {"ranker": "r"}.items() <= call[kind]["ranking_options"].items()


def test_an_unknown_output_of_code_grows_and_one_of_a_whole_step_is_kept():
    odd = {"index": 0, "type": "odd", "x": 1}
    (call,) = calls(step_delta("s", code("1", odd, id="c")), step_delta("s", code(None, {**odd, "y": 2})))
    assert [{"type": "odd", "x": 1, "y": 2}] == [
        {key: one[key] for key in ("type", "x", "y")} for one in call["code_interpreter"]["outputs"]
    ]

    (whole,) = calls(end_step("s", code("1", {"type": "odd", "x": 1}, id="c")))
    assert [("odd", 1)] == [(one["type"], one["x"]) for one in whole["code_interpreter"]["outputs"]]


def test_a_call_that_names_no_type_is_created_as_a_function():
    (created,) = [
        one for one in fold(step_delta("s", {"index": 0, "id": "c"})).changes if isinstance(one, ToolCallCreated)
    ]

    assert "function" == created.snapshot.type


def test_a_step_without_a_type_is_one_of_calls_where_it_has_some():
    by_delta = fold(frame("thread.run.step.created", id="s"), step_delta("s", function("{}", id="c")))
    details = {"type": "tool_calls", "tool_calls": []}
    by_payload = fold(frame("thread.run.step.created", id="s", step_details=details))

    for found in (by_delta, by_payload):
        assert ["tool_calls"] == [step.type for step in found.accumulator.run_steps]


def test_details_of_another_type_are_kept():
    found = fold(frame("thread.run.step.completed", id="s", step_details={"type": "odd", "x": 1}))

    assert {"type": "odd", "x": 1} == found.accumulator.run_steps[0].step_details.to_dict()
