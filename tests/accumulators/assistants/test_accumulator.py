"""A whole run folded: the run itself, its end, the answers to its calls, and what is recorded on the way."""

import copy
import pickle

import pytest
from assistant_folds import (
    Outcome,
    code,
    end_message,
    end_step,
    events_of,
    fold,
    function,
    message_delta,
    step_delta,
    text,
)
from assistants_wire import DONE, HELLO, WAITS, frame, run

from asyncstream.accumulators import AssistantAccumulator, MessageDone, Repair, RunChanged, RunStepDone
from asyncstream.errors import StreamEventError, StreamTruncatedError
from asyncstream.events import DoneEvent, ErrorEvent, ErrorObject, ThreadRunCompleted, UnknownEvent
from asyncstream.types import RequiredAction, Run, Thread

TERMINAL = ["completed", "incomplete", "failed", "cancelled", "expired"]
OPEN = [
    message_delta("m", text("a")),
    step_delta("s", function("{}", name="f", id="c")),
    message_delta("n", text("b")),
    step_delta("t", code("x", id="d")),
]


def run_changes(found: Outcome) -> list[RunChanged]:
    return [change for change in found.changes if isinstance(change, RunChanged)]


# The run.


def test_nothing_is_known_before_the_first_event():
    accumulator = AssistantAccumulator()

    assert (accumulator.run, accumulator.thread, accumulator.messages, accumulator.run_steps) == (None, None, [], [])
    assert (accumulator.current_message, accumulator.current_run_step) == (None, None)
    assert (accumulator.finished, accumulator.waiting, accumulator.repairs) == (False, False, [])
    assert accumulator.events_seen == 0


def test_thread_is_kept():
    assert fold(frame("thread.created", id="t", metadata={"k": "v"})).accumulator.thread == Thread(
        id="t", metadata={"k": "v"}
    )


def test_run_is_folded_field_by_field():
    found = fold(
        run("created", model="m", tools=[{"type": "code_interpreter"}], instructions="be brief"),
        run("in_progress", model=None, tools=[], started_at=5, usage=None),
        run("completed", usage={"total_tokens": 3}, completed_at=9),
    )
    folded = found.accumulator.run

    assert folded is not None
    assert (folded.model, len(folded.tools), folded.instructions) == ("m", 1, "be brief")
    assert (folded.started_at, folded.completed_at, folded.status) == (5, 9, "completed")
    assert folded.usage is not None
    assert folded.usage.total_tokens == 3


@pytest.mark.parametrize(
    ("frames", "status"),
    [
        ([("created", {})], "in_progress"),
        ([("created", {"status": "queued"})], "queued"),
        ([("queued", {})], "queued"),
        ([("cancelling", {"status": None})], "cancelling"),
        ([("completed", {})], "completed"),
        ([("completed", {"status": "incomplete"})], "incomplete"),
        ([("failed", {}), ("created", {})], "failed"),
        ([("in_progress", {"status": "paused"})], "paused"),
    ],
)
def test_status_is_kept_as_sent_else_the_last_word_of_the_event(frames, status):
    found = fold(*(frame(f"thread.run.{word}", id="r", **fields) for word, fields in frames))

    assert found.accumulator.run is not None
    assert found.accumulator.run.status == status


@pytest.mark.parametrize("id", [{}, {"id": None}, {"id": ""}])
def test_run_event_without_an_id_is_about_the_run(id):
    found = fold(run("created", model="m"), frame("thread.run.completed", **id))

    assert found.accumulator.run == Run(
        id="run_1", thread_id="thread_1", assistant_id="asst_1", model="m", status="completed"
    )


def test_another_run_takes_nothing_from_the_one_before():
    found = fold(run("created", model="m"), frame("thread.run.queued", id="run_2", status="queued"))

    assert found.accumulator.run == Run(id="run_2", status="queued")


def test_required_action_goes_when_it_is_answered():
    accumulator = AssistantAccumulator()
    fold(*WAITS, into=accumulator)
    assert accumulator.run is not None
    assert isinstance(accumulator.run.required_action, RequiredAction)

    fold(run("in_progress"), into=accumulator)
    assert accumulator.run.required_action is None


def test_run_changes_tell_the_event_and_the_end_once():
    found = fold(run("created"), run("queued"), run("completed"), run("completed"))

    assert [(change.event, change.ended) for change in run_changes(found)] == [
        ("thread.run.created", False),
        ("thread.run.queued", False),
        ("thread.run.completed", True),
        ("thread.run.completed", False),
    ]
    assert run_changes(found)[0].delta.status == "queued"
    assert run_changes(found)[0].snapshot.status == "completed"


def test_held_run_does_not_change_with_later_folds():
    accumulator = AssistantAccumulator()
    fold(run("created", metadata={"a": "b"}), into=accumulator)
    held, before = accumulator.run, copy.deepcopy(accumulator.run)

    assert accumulator.run is held
    fold(run("completed", metadata={"c": "d"}), into=accumulator)
    assert held == before
    assert accumulator.run != held


# The end.


@pytest.mark.parametrize("word", [*TERMINAL, "requires_action"])
@pytest.mark.parametrize("end", [b"", DONE, b"data: [DONE]\n\n"])
def test_terminal_run_event_is_evidence_with_or_without_done(word, end):
    found = fold(run("created"), run(word), end)

    assert found.outcome == "complete"
    assert found.accumulator.finished
    assert found.accumulator.waiting == (word == "requires_action")


@pytest.mark.parametrize(
    "frames",
    [
        [],
        [DONE],
        [run("created"), DONE],
        [run("cancelling"), DONE],
        [run("in_progress"), end_message("m"), end_step("s"), DONE],
        [frame("thread.run.created", id="r", status="completed")],
        [frame("thread.run.step.completed", id="s", status="completed")],
        [frame("thread.run.finished", id="r")],
        [b"event: done\n\n"],
    ],
)
def test_anything_else_is_none(frames):
    found = fold(*frames)

    assert found.outcome == "truncated"
    assert found.callbacks[-2:] == ["exception", "end"]
    assert not found.accumulator.finished


@pytest.mark.parametrize("word", TERMINAL)
def test_end_of_the_run_closes_messages_then_steps_in_list_order(word):
    found = fold(*OPEN, run(word))

    assert found.callbacks[-9:] == [
        "text_done 'a'",
        "message_done m",
        "text_done 'b'",
        "message_done n",
        "tool_call_done c",
        "run_step_done s",
        "tool_call_done d",
        "run_step_done t",
        "end",
    ]
    assert isinstance(found.changes[-1], RunChanged)


def test_requires_action_closes_tool_calls_only():
    found = fold(*OPEN, run("requires_action"))

    assert found.callbacks[-3:] == ["tool_call_done c", "tool_call_done d", "end"]
    assert isinstance(found.changes[-1], RunChanged)
    assert [s["status"] for s in found.steps] == ["in_progress", "in_progress"]


def test_end_of_the_run_leaves_statuses_as_last_sent():
    found = fold(*OPEN, run("completed"))

    assert {message["status"] for message in found.messages} == {"in_progress"}
    assert {step["status"] for step in found.steps} == {"in_progress"}


def test_every_done_fires_once():
    found = fold(*OPEN, end_message("m"), end_step("s"), run("requires_action"), run("completed"), run("expired"), DONE)
    dones = [said for said in found.callbacks if "done" in said]

    assert len(dones) == len(set(dones)) == 8


def test_what_opens_after_the_end_of_the_run_is_closed_at_the_end_of_the_stream():
    found = fold(run("completed"), message_delta("m", text("a")), step_delta("s", function("{}", id="c")), DONE)

    assert found.callbacks[-5:] == [
        "text_done 'a'",
        "message_done m",
        "tool_call_done c",
        "run_step_done s",
        "end",
    ]
    assert found.outcome == "complete"


def test_finish_closes_once():
    accumulator = AssistantAccumulator()
    for event in events_of(run("completed"), message_delta("m", text("a"))):
        accumulator.push(event)

    assert [type(change) for change in accumulator.finish()][-1:] == [MessageDone]
    assert accumulator.finish() == []


def test_finish_at_requires_action_closes_nothing():
    assert fold(*OPEN, run("requires_action")).accumulator.finish() == []


def test_finish_of_a_cut_stream_says_how_far_it_came():
    found = fold(*HELLO[:-1])

    assert isinstance(found.error, StreamTruncatedError)
    assert str(found.error) == (
        "stream ended after 6 events, before the run reached a terminal status (last: 'thread.message.completed')"
    )
    assert found.error.partial is found.accumulator
    assert found.error.events_seen == 6


def test_finish_of_an_empty_stream_says_so():
    with pytest.raises(StreamTruncatedError, match=r"after 0 events, before the run reached a terminal status$"):
        AssistantAccumulator().finish()


def test_no_done_fires_after_a_cut():
    assert "done" not in " ".join(fold(*OPEN).callbacks)


# Control events.


def test_error_event_raises_with_the_partial():
    accumulator = AssistantAccumulator()
    fold(run("created"), message_delta("m", text("half")), into=accumulator)

    with pytest.raises(StreamEventError) as caught:
        accumulator.push(ErrorEvent(ErrorObject("boom", 502, "server_error", "p"), b"{}"))
    error = caught.value
    assert (str(error), error.code, error.type, error.param, error.body) == ("boom", 502, "server_error", "p", b"{}")
    assert error.partial is accumulator
    assert error.events_seen == 2


def test_error_after_the_end_of_the_run_is_raised_and_closes_nothing_more():
    found = fold(*HELLO, message_delta("late", text("x")), b'event: error\ndata: {"message":"late"}\n\n', DONE)

    assert found.outcome == "error"
    assert found.callbacks[-5:] == ["text_created ''", "text_delta 'x'", "message_delta late", "exception", "end"]


def test_nothing_after_done_is_read():
    assert fold(*HELLO, DONE, message_delta("msg_1", text("!"))).content[0]["value"] == "Hello"


def test_unknown_event_folds_nothing_but_counts():
    accumulator = AssistantAccumulator()

    assert accumulator.push(UnknownEvent("thread.run.paused", b"{}")) == []
    assert accumulator.events_seen == 1
    with pytest.raises(StreamTruncatedError, match=r"last: 'thread\.run\.paused'"):
        accumulator.finish()


def test_done_event_folds_nothing_and_does_not_count():
    accumulator = AssistantAccumulator()

    assert accumulator.push(DoneEvent()) == []
    assert accumulator.events_seen == 0


# Outputs.


def test_run_goes_on_after_its_outputs():
    accumulator = AssistantAccumulator()
    first = fold(*WAITS, DONE, into=accumulator)
    assert first.outcome == "complete"
    assert accumulator.waiting

    accumulator.resume()
    assert not accumulator.finished
    assert not accumulator.waiting
    done = end_step("step_1", function('{"a": 1}', name="f", id="call_1", index=None, output="42"))
    second = fold(done, run("in_progress"), message_delta("m", text("42")), run("completed"), DONE, into=accumulator)

    assert second.outcome == "complete"
    assert second.calls[0]["output"] == "42"
    assert second.callbacks == [
        "run_step_done step_1",
        "message_created m",
        "text_created ''",
        "text_delta '42'",
        "message_delta m",
        "text_done '42'",
        "message_done m",
        "end",
    ]


def test_cut_second_answer_is_truncated_whatever_the_first_was():
    accumulator = AssistantAccumulator()
    fold(*WAITS, into=accumulator)
    accumulator.resume()

    assert fold(run("in_progress"), into=accumulator).outcome == "truncated"


def test_run_may_wait_again_for_other_calls():
    accumulator = AssistantAccumulator()
    fold(*WAITS, into=accumulator)
    accumulator.resume()
    found = fold(step_delta("step_2", function("{}", name="g", id="call_2")), run("requires_action"), into=accumulator)

    assert found.outcome == "complete"
    assert [said for said in found.callbacks if "done" in said] == ["tool_call_done call_2"]
    assert [change.ended for change in run_changes(found)] == [True]


def test_run_that_ends_in_the_answer_that_waited_has_ended():
    found = fold(*WAITS, run("completed"), DONE)

    assert not found.accumulator.waiting
    assert [change.ended for change in run_changes(found)][-2:] == [True, True]
    assert isinstance([c for c in found.changes if not isinstance(c, RunChanged)][-1], RunStepDone)


# Repairs.


def test_clean_stream_has_no_repairs():
    assert fold(*HELLO, DONE).accumulator.repairs == []


def test_repairs_of_events_and_of_folds_stand_in_one_list():
    found = fold(
        frame("thread.run.created", id="r", tools=None),
        step_delta("s", function("{}", name="f", id="a")),
        step_delta("s", function("{}", name="f", id="b")),
        frame("thread.run.step.created", id="s"),
        b'event: thread.message.delta\ndata: {"id":"m\xff"}\n\n',
    )

    assert found.repaired == ["6.4", "4.9", "5.2", "1.2"]
    assert found.accumulator.repairs[0] == Repair("6.4", "$.tools", b"null")
    assert found.accumulator.repairs[2].where == "s"


def test_mistake_that_every_event_makes_is_recorded_once():
    found = fold(*[message_delta("m", {"index": "0", "type": "text", "text": {"value": str(n)}}) for n in range(50)])

    assert found.repaired == ["6.4"]


# State.


def test_accumulator_pickled_between_two_answers_goes_on():
    accumulator = AssistantAccumulator()
    fold(*WAITS, into=accumulator)
    restored = pickle.loads(pickle.dumps(accumulator))
    restored.resume()
    found = fold(end_step("step_1"), run("completed"), into=restored)

    assert found.callbacks == ["run_step_done step_1", "end"]
    assert found.calls == [{"id": "call_1", "type": "function", "name": "f", "arguments": '{"a": 1}'}]
    assert accumulator.waiting


def test_pickled_accumulator_keeps_what_is_current_and_open():
    accumulator = AssistantAccumulator()
    fold(message_delta("m", text("a", 3)), step_delta("s", function("{", id="c")), into=accumulator)
    restored = pickle.loads(pickle.dumps(accumulator))
    found = fold(message_delta("m", text("b", None)), into=restored)

    assert found.content == [{"type": "text", "value": "ab", "annotations": 0}]
    assert restored.current_message is restored.messages[0]
    assert restored.current_run_step is restored.run_steps[0]


def test_snapshots_can_be_pickled_and_compared():
    found = fold(*HELLO)
    messages, steps = found.accumulator.messages, found.accumulator.run_steps

    assert pickle.loads(pickle.dumps([messages, steps, found.accumulator.run])) == [
        messages,
        steps,
        found.accumulator.run,
    ]


def test_deep_json_can_be_folded_shown_and_pickled():
    deep: object = 1
    for _ in range(55):
        deep = {"a": [deep]}
    found = fold(step_delta("s", {"index": 0, "id": "c", "type": "openapi", "openapi": deep}))

    assert found.calls[0]["openapi"] == deep
    restored = pickle.loads(pickle.dumps(found.accumulator))
    assert restored.run_steps == found.accumulator.run_steps


def test_event_made_by_hand_needs_no_bytes():
    accumulator = AssistantAccumulator()
    accumulator.push(ThreadRunCompleted(Run(id="r")))

    assert accumulator.run == Run(id="r", status="completed")
    assert accumulator.finish() == []
