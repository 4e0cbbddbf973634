"""A page of `useChat` is told each thing once, in order, to an end that says how it ended."""

from typing import Any

import assistants_wire as runs
import pytest
from chat_wire import CALLS, DONE, HELLO, call, piece
from hypothesis import given
from hypothesis import strategies as st
from page_rules import check_events, check_parts
from projected import TRANSCRIPTS, ag_ui_of, changes_of, told, ui_of

from asyncstream.accumulators import ToolCallCreated
from asyncstream.errors import AsyncStreamError, ConfigurationError
from asyncstream.looping.changes import RoundDone, ToolResultChanged, ToolResultCreated, ToolResultDone
from asyncstream.tools.rounds import ToolResult
from asyncstream.ui import AGUI, UIMessages

STEP = {"type": "start-step"}
STEP_DONE = {"type": "finish-step"}
START = {"type": "start", "messageId": "m1"}


def result(id: str, place: int, output: str = "sunny", status: Any = "returned", **more: Any) -> ToolResult:
    return ToolResult(round=1, place=place, id=id, name="get_current_weather", output=output, status=status, **more)


def types_of(parts: list[dict[str, Any]]) -> list[str]:
    return [part["type"] for part in parts]


def test_a_text_begins_grows_and_ends() -> None:
    assert [
        START,
        STEP,
        {"type": "text-start", "id": "1"},
        {"type": "text-delta", "id": "1", "delta": "Hel"},
        {"type": "text-delta", "id": "1", "delta": "lo"},
        {"type": "text-end", "id": "1"},
        STEP_DONE,
        {"type": "finish", "finishReason": "stop"},
    ] == ui_of(*HELLO, DONE)


def test_parallel_calls_stay_apart_and_their_input_is_decoded() -> None:
    parts = ui_of(*CALLS, DONE)

    available = [part for part in parts if part["type"] == "tool-input-available"]
    assert [("call_a", {"city": "Lisbon"}), ("call_b", {"city": "Oslo"})] == [
        (part["toolCallId"], part["input"]) for part in available
    ]
    usage = {"inputTokens": 5, "outputTokens": 7, "totalTokens": 12}
    assert {"type": "finish", "finishReason": "tool-calls", "messageMetadata": {"usage": usage}} == parts[-1]


def test_reasoning_ends_where_the_answer_begins_and_comes_back_under_another_id() -> None:
    frames = [
        piece({"reasoning": "hm"}),
        piece({"content": "A"}),
        piece({"reasoning": "oh"}),
        piece({"content": "B"}),
        piece(finish="stop"),
    ]

    told = [(part["type"], part["id"], part.get("delta")) for part in ui_of(*frames, DONE) if "id" in part]
    assert [
        ("reasoning-start", "1", None),
        ("reasoning-delta", "1", "hm"),
        ("reasoning-end", "1", None),
        ("text-start", "2", None),
        ("text-delta", "2", "A"),
        ("reasoning-start", "3", None),
        ("reasoning-delta", "3", "oh"),
        ("reasoning-end", "3", None),
        ("text-delta", "2", "B"),
        ("text-end", "2", None),
    ] == told


def test_a_refusal_is_a_text_and_the_reason_says_so() -> None:
    parts = ui_of(piece({"refusal": "No."}), piece(finish="stop"), DONE)

    assert {"type": "text-delta", "id": "1", "delta": "No."} in parts
    assert "content-filter" == parts[-1]["finishReason"]


@pytest.mark.parametrize(
    ("reason", "told"),
    [("stop", "stop"), ("length", "length"), ("content_filter", "content-filter"), ("whim", "other")],
)
def test_finish_reasons(reason: str, told: str) -> None:
    assert told == ui_of(piece({"content": "A"}), piece(finish=reason), DONE)[-1]["finishReason"]


def test_of_several_choices_the_first_is_shown() -> None:
    parts = ui_of(
        piece({"content": "one"}),
        piece({"content": "two"}, index=1),
        piece(finish="stop"),
        piece(finish="length", index=1),
    )

    assert ["one"] == [part["delta"] for part in parts if part["type"] == "text-delta"]
    assert "stop" == parts[-1]["finishReason"]


def test_a_call_that_is_cut_has_an_error_for_its_input() -> None:
    parts = ui_of(call(0, '{"city": "Ro', "f", "call_a"), piece(finish="length"), DONE)

    (error,) = [part for part in parts if part["type"] == "tool-input-error"]
    assert ("call_a", '{"city": "Ro') == (error["toolCallId"], error["input"])
    assert "length" in error["errorText"]
    assert "length" == parts[-1]["finishReason"]


def test_arguments_that_are_no_json_are_an_error() -> None:
    parts = ui_of(call(0, "Rome, please", "f", "call_a"), piece(finish="tool_calls"), DONE)

    assert "tool-input-error" in types_of(parts)
    assert "tool-input-available" not in types_of(parts)
    assert "finish" == check_parts(parts)


def test_a_stream_that_breaks_off_closes_what_is_open() -> None:
    parts = ui_of(piece({"content": "Half"}), call(0, '{"ci', "f", "call_a"))

    assert ["text-end", "tool-input-error", "finish-step", "error"] == types_of(parts)[-4:]
    assert "The answer broke off before its end." == parts[-1]["errorText"]


def test_an_abort_gives_each_pending_call_an_error() -> None:
    page = UIMessages(message_id="m1")
    parts = [part for change in changes_of(b"".join([*CALLS, DONE]), "chat") for part in page.push(change)]
    parts += page.abort("stopped")

    failed = [part["toolCallId"] for part in parts if part["type"] == "tool-output-error"]
    assert ["call_a", "call_b"] == failed
    assert {"type": "abort", "reason": "stopped"} == parts[-1]


def test_a_call_that_a_whole_message_leaves_out_has_an_end() -> None:
    left = {"id": "call_b", "type": "function", "function": {"name": "g", "arguments": '{"a": 1}'}}
    message = {"role": "assistant", "content": None, "tool_calls": [left]}
    whole = piece(choices=[{"index": 0, "message": message, "finish_reason": "tool_calls"}])
    frames = [call(0, "", "f", "call_a"), call(1, "", "g", "call_b"), call(1, '{"a"'), whole, DONE]

    assert "finish" == check_parts(ui_of(*frames))
    assert "RUN_FINISHED" == check_events(ag_ui_of(*frames))


def test_nothing_is_told_after_the_end() -> None:
    page = UIMessages()
    page.finish()

    (first, *_) = changes_of(b"".join([*HELLO, DONE]), "chat")
    assert [] == page.start() + page.push(first) + page.data("a", 1) + page.finish() + page.fail("x") + page.abort("y")


@pytest.mark.parametrize("end", [UIMessages.finish, lambda page: page.fail("x"), lambda page: page.abort("y")])
def test_nothing_grows_after_the_end(end: Any) -> None:
    page = UIMessages()
    changes = [*changes_of(b"".join([*HELLO, DONE]), "chat")]
    *before, last = (number for number, change in enumerate(changes) if getattr(change, "piece", ""))

    assert before
    assert any(page.push(change) for change in changes[:last])
    end(page)
    assert [] == page.push(changes[last])


def test_pieces_of_two_texts_stay_apart() -> None:
    frames = [
        runs.run("created"),
        *(runs.text(piece, id) for id, piece in [("msg_1", "a"), ("msg_1", "b"), ("msg_2", "C"), ("msg_1", "c")]),
        runs.run("completed"),
        runs.DONE,
    ]

    parts = ui_of(*frames, protocol="assistants")
    assert [("1", "a"), ("1", "b"), ("2", "C"), ("1", "c")] == [
        (part["id"], part["delta"]) for part in parts if part["type"] == "text-delta"
    ]


def test_of_a_call_in_many_pieces_nothing_is_told_twice() -> None:
    pieces = ['{"city"', ': "Lis', 'bon"', "}"]
    frames = [call(0, "", "f", "call_a"), *(call(0, one) for one in pieces), piece(finish="tool_calls")]

    parts = ui_of(*frames, DONE)
    assert pieces == [part["inputTextDelta"] for part in parts if part["type"] == "tool-input-delta"]
    assert {"city": "Lisbon"} in [part.get("input") for part in parts]


def test_an_exception_is_not_told_in_its_own_words() -> None:
    assert "secret" not in str(UIMessages().fail(ValueError("secret")))
    assert {"type": "error", "errorText": "Too busy."} == UIMessages().fail("Too busy.")[-1]


def test_what_the_application_says() -> None:
    page = UIMessages(message_id="m1")

    assert [START, {"type": "data-weather", "data": {"sky": "blue"}}] == page.data("weather", {"sky": "blue"})


def test_changes_that_nobody_knows_are_passed_over() -> None:
    assert [] == UIMessages().push(object())


def test_a_version_that_is_not_known_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="6 or 7, got 5"):
        UIMessages(version=5)  # type: ignore[arg-type]  # the mistake


# The tool loop.


def two_rounds(*loop: Any) -> list[dict[str, Any]]:
    """Return an answer with two calls, what a loop says of them, and a second answer."""
    changes = [*changes_of(b"".join([*CALLS, DONE]), "chat"), *loop]
    return told(UIMessages(message_id="m1"), [*changes, *changes_of(b"".join([*HELLO, DONE]), "chat")])


def test_results_go_to_their_calls_in_whatever_order_they_come() -> None:
    parts = two_rounds(
        ToolResultCreated(result("call_a", 0, status=None)),
        ToolResultDone(result("call_b", 1, output='{"t":3}', value={"t": 3})),
        ToolResultChanged(result("call_a", 0, status=None), {"percent": 50}),
        ToolResultDone(result("call_a", 0)),
        RoundDone(1, None),
    )

    outputs = [part for part in parts if part["type"] == "tool-output-available"]
    assert [("call_b", {"t": 3}, None), ("call_a", {"percent": 50}, True), ("call_a", "sunny", None)] == [
        (part["toolCallId"], part["output"], part.get("preliminary")) for part in outputs
    ]
    assert 2 == types_of(parts).count("start-step") == types_of(parts).count("finish-step")
    assert {"usage": {"inputTokens": 5, "outputTokens": 7, "totalTokens": 12}} == parts[-1]["messageMetadata"]
    assert "finish" == check_parts(parts)


@pytest.mark.parametrize(
    "status", ["failed", "invalid", "unknown", "timed_out", "cancelled", "lost", "unrun", "refused"]
)
def test_a_call_that_did_not_return_has_an_error(status: str) -> None:
    parts = two_rounds(
        ToolResultDone(result("call_a", 0, "why", status)), ToolResultDone(result("call_b", 1)), RoundDone(1, None)
    )

    assert [("call_a", "why")] == [
        (part["toolCallId"], part["errorText"]) for part in parts if part["type"] == "tool-output-error"
    ]


def test_of_a_private_tool_a_page_hears_only_that_it_ended() -> None:
    parts = two_rounds(
        ToolResultDone(result("call_a", 0, "secret"), private=True),
        ToolResultDone(result("call_b", 1, "secret", "failed"), private=True),
        RoundDone(1, None),
    )

    assert "secret" not in str(parts)
    assert {"tool-output-available", "tool-output-error"} <= {*types_of(parts)}


def test_two_calls_under_one_id_have_their_own_results() -> None:
    frames = [call(0, "{}", "f", "same"), call(1, "{}", "g", "same"), piece(finish="tool_calls"), DONE]
    loop = [ToolResultDone(result("same", 0, "one")), ToolResultDone(result("made-up", 1, "two")), RoundDone(1, None)]
    again = changes_of(b"".join(frames), "chat")
    parts = told(UIMessages(), [*changes_of(b"".join(frames), "chat"), *loop, *again])

    outputs = {part["toolCallId"]: part["output"] for part in parts if part["type"] == "tool-output-available"}
    assert {"same": "one", "same~2": "two"} == outputs
    assert "finish" == check_parts(parts)


def test_calls_that_wait_for_a_word_are_asked_for() -> None:
    changes = [
        *changes_of(b"".join([*CALLS, DONE]), "chat"),
        ToolResultDone(result("call_b", 1)),
        RoundDone(1, "later"),
    ]
    parts = told(UIMessages(message_id="m1"), changes)

    asked = [part for part in parts if part["type"] == "tool-approval-request"]
    assert [{"type": "tool-approval-request", "approvalId": "approve-call_a", "toolCallId": "call_a"}] == asked
    assert "tool-calls" == parts[-1]["finishReason"]


def test_a_loop_that_was_stopped_is_an_abort() -> None:
    changes = [*changes_of(b"".join([*HELLO, DONE]), "chat"), RoundDone(1, "stopped")]

    assert {"type": "abort", "reason": "stopped"} == told(UIMessages(), changes)[-1]


def test_results_of_a_loop_that_was_taken_up_again_go_to_the_calls_that_the_page_has() -> None:
    refused = result("call_b", 1, "Not allowed.", "refused")
    changes = [ToolResultDone(result("call_a", 0)), ToolResultDone(refused), RoundDone(1, None)]
    parts = told(UIMessages(message_id="m1"), [*changes, *changes_of(b"".join([*HELLO, DONE]), "chat")])

    assert [
        START,
        {"type": "tool-output-available", "toolCallId": "call_a", "output": "sunny", "dynamic": True},
        {"type": "tool-output-denied", "toolCallId": "call_b"},
        STEP,
    ] == parts[:4]


# All protocols, and all cuts.

NAMES = sorted(path.name for path in TRANSCRIPTS.glob("*.sse") if not path.stem.endswith("_2"))


@pytest.mark.parametrize("name", NAMES)
def test_every_transcript_has_one_end_on_the_page(name: str) -> None:
    protocol = name.partition("_")[0]
    body = (TRANSCRIPTS / name).read_bytes()

    assert check_parts(ui_of(body, protocol=protocol)) in ("finish", "error", "abort")
    assert check_events(ag_ui_of(body, protocol=protocol)) in ("RUN_FINISHED", "RUN_ERROR")


@given(name=st.sampled_from(NAMES), part=st.floats(0, 1), end=st.sampled_from(["finish", "fail", "abort"]))
def test_wherever_an_answer_is_left_what_is_open_is_closed(name: str, part: float, end: str) -> None:
    body = (TRANSCRIPTS / name).read_bytes()
    changes = []
    try:
        changes.extend(changes_of(body, name.partition("_")[0]))
    except AsyncStreamError:
        assert changes  # what came before is what is looked at
    pages: list[Any] = [UIMessages(), AGUI()]
    for page, check in zip(pages, (check_parts, check_events), strict=True):
        parts = [part for change in changes[: int(part * len(changes))] for part in page.push(change)]
        if end == "finish" and any(part["type"] in ("tool-input-start", "TOOL_CALL_START") for part in parts):
            # A clean end has no call that is half there: the fold closes them.
            end = "fail"
        parts += page.finish() if end == "finish" else getattr(page, end)("why")
        check(parts)


PIECES = st.one_of(
    st.text(max_size=3).map(lambda text: piece({"content": text})),
    st.text(max_size=3).map(lambda text: piece({"reasoning": text})),
    st.text(max_size=3).map(lambda text: piece({"refusal": text})),
    st.tuples(st.integers(0, 2), st.sampled_from(["", "{", "}", '"a":1', "{}"]), st.sampled_from([None, "f", "g"])).map(
        lambda told: call(told[0], told[1], told[2], None if told[2] is None else f"call_{told[0]}")
    ),
    st.sampled_from(["stop", "length", "tool_calls"]).map(lambda reason: piece(finish=reason)),
)


@given(frames=st.lists(PIECES, max_size=12), whole=st.booleans(), rounds=st.integers(1, 3))
def test_whatever_a_model_says_in_whatever_order(frames: list[bytes], whole: bool, rounds: int) -> None:
    body = b"".join([*frames, *([DONE] if whole else [])])
    pages: list[Any] = [UIMessages(), AGUI()]
    for page, check in zip(pages, (check_parts, check_events), strict=True):
        changes: list[Any] = []
        try:
            for number in range(1, rounds + 1):
                made = 0
                for change in changes_of(body, "chat"):
                    changes.append(change)
                    made += isinstance(change, ToolCallCreated)
                changes += [ToolResultDone(result("other", place)) for place in range(made)]
                changes.append(RoundDone(number, None if number < rounds else "answered"))
            parts = told(page, changes)
        except AsyncStreamError as error:
            parts = [part for change in changes for part in page.push(change)] + page.fail(error)
        check(parts)
