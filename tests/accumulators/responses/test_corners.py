"""Corners of the fold: names that change hands, indexes that move, parts that come back, texts looked at early."""

from response_folds import added, done, event, fold, life, text

from asyncstream.accumulators import ResponseAccumulator
from asyncstream.events import decode_stream

END = life("completed")


def args(delta: object, **members: object) -> bytes:
    return event("function_call_arguments.delta", delta=delta, **members)


def output(*frames: bytes) -> list[dict[str, object]]:
    return fold(b"".join(frames) + END).output


def ids(*frames: bytes) -> list[object]:
    return [item.get("id") for item in output(*frames)]


# Names and indexes.


def test_a_name_that_a_newer_call_gets_means_that_call():
    frames = [added("function_call", 0, id="a"), added("function_call", 1, id="b")]
    deltas = [args("1", item_id="c", output_index=0), args("2", item_id="b", call_id="c")]
    found = output(*frames, *deltas, args("3", item_id="c", output_index=0))

    assert ["1", "23"] == [call["arguments"] for call in found]


def test_a_call_that_learns_its_type_stays_older_than_what_came_after_it():
    newer = event("mcp_call.calling", item_id="g", output_index=0)
    frames = [args("{", item_id="f", output_index=0), newer, added("mcp_call", 0, id="f")]
    found = output(*frames, event("mcp_call.completed", output_index=0))

    assert [("f", None), ("g", "completed")] == [(call["id"], call["status"]) for call in found]


def test_a_done_moves_an_item_of_an_earlier_response():
    first = life("created", id="a") + added("message", 0, id="x") + added("message", 1, id="y")
    second = life("created", id="b") + done("message", 5, id="x") + added("message", 0, id="z")

    assert ["y", "x", "z"] == [item["id"] for item in fold(first + second + life("completed", id="b")).output]


def test_every_payload_of_a_call_brings_its_names():
    known = added("function_call", 0, id="f")

    assert ["f"] == ids(known, added("function_call", 0, id="f", call_id="c"), args("x", item_id="c"))
    assert ["f"] == ids(known, done("function_call", 0, id="f", call_id="c"), args("x", item_id="c"))
    assert ["f", "m"] == ids(known, added("x", 1, id="m", call_id="c"), done("x", 5, id="m", call_id="c"))
    assert ["f", None] == ids(known, done("x", 1, call_id="f"))


def test_a_call_id_is_a_name_where_an_added_has_no_index():
    assert ["d", None] == ids(args("x", item_id="d"), added("function_call", call_id="c"))
    assert [None] == ids(args("x"), added("function_call", call_id="c"))


def test_a_late_attached_call_is_done_as_whatever_call_it_is():
    (call,) = output(args("x"), done("custom_tool_call", id="i"))
    assert ("custom_tool_call", "i", "x") == (call["type"], call["id"], call["input"])
    assert 2 == len(output(added("function_call"), done("custom_tool_call", id="i")))


def test_an_item_is_one_entry_of_an_ending_list_only():
    ending = [{"type": "custom_tool_call", "input": "a"}, {"type": "function_call", "arguments": "b"}]
    found = fold(args("a") + life("completed", ending)).output

    assert [("custom_tool_call", "a"), ("function_call", "b")] == [
        (call["type"], call.get("input") or call.get("arguments")) for call in found
    ]


def test_what_a_list_opened_is_announced_and_keeps_its_index():
    listed = life("in_progress", [{"type": "message", "id": "a"}])

    assert ["a", "b"] == ids(listed, added("message", 0, id="b"))
    assert ["b", "a"] == ids(added("message", 3, id="a"), listed, added("message", 1, id="b"))


# Parts.


def test_what_opens_empty_grows():
    part = {"type": "refusal", "refusal": ""}
    opened = event("content_part.added", item_id="m", content_index=0, part=part)
    (item,) = output(opened, event("refusal.delta", item_id="m", content_index=0, delta="no"))
    assert [{"type": "refusal", "refusal": "no"}] == item["content"]

    part = {"type": "output_text", "text": "", "logprobs": [], "annotations": []}
    opened = event("content_part.added", item_id="m", content_index=0, part=part)
    likely = [{"token": "a", "logprob": -0.5}]
    (item,) = output(opened, text("a", content_index=0, logprobs=likely))
    assert [{"type": "output_text", "text": "a", "annotations": [], "logprobs": likely}] == item["content"]


def test_members_that_nothing_names_stay_with_their_part():
    listed = [{"type": "output_text", "text": "a", "vendor": 1}]
    assert [{**listed[0], "annotations": []}] == output(done("message", 0, id="m", content=listed))[0]["content"]

    marked = [{"type": "output_text", "text": "a", "annotations": [{"type": "x"}]}]
    (item,) = fold(done("reasoning", 0, id="r", content=marked) + END).accumulator.output
    assert {"annotations": [{"type": "x"}]} == item.content[0].extra


def test_a_part_that_came_late_is_created_before_it_is_told():
    late = added("message", 0, id="m", content=[{"type": "output_text", "text": "So"}])

    assert ["created text m[0]", "changed text m[0] 'So'", "done text m[0]"] == fold(
        added("message", 0, id="m") + late + END
    ).lines[1:4]


def test_an_annotation_opens_its_part():
    found = fold(event("output_text.annotation.added", item_id="m", annotation={"type": "x"}) + END)

    assert ["created message m", "created text m[0]", "changed text m[0] annotation=0"] == found.lines[:3]


def test_after_a_list_its_parts_are_those_that_events_mean():
    frames = [text("a", content_index=0), text("b", content_index=1), text("c", content_index=2)]
    listed = done("message", 0, id="m", content=[{"type": "output_text", "text": "a"}])
    marked = event("output_text.annotation.added", item_id="m", annotation={"type": "x"})
    found = fold(b"".join([*frames, listed, marked, text("n"), text("o", content_index=1)]) + END)

    assert [("a", 1), ("no", 0)] == [(one["text"], len(one["annotations"])) for one in found.output[0]["content"]]
    assert "created text m[3]" in found.lines


def test_created_changes_of_texts_are_empty():
    frames = event("refusal.delta", item_id="m", delta="no") + event("reasoning_text.delta", item_id="r", delta="hm")
    shown = [change.snapshot for change in fold(frames).changes if type(change).__name__.endswith("Created")]

    assert ["", ""] == shown[1::2]


# Looked at early.


def test_half_a_character_is_shown_when_its_part_or_item_is_done():
    def shown(*frames: bytes) -> str:
        accumulator = ResponseAccumulator()
        for one in decode_stream(b"".join(frames), "responses"):
            accumulator.push(one)
        (item,) = accumulator.output
        return getattr(item, "arguments", "") or getattr(item, "code", "") or accumulator.response.output_text

    half = text("a\ud83d", content_index=0)
    assert "a" == shown(half)
    assert "a\ufffd" == shown(half, event("output_text.done", item_id="m", content_index=0, text=""))
    assert "a\ufffd" == shown(half, done("message", 0, id="m"))
    assert "{" == shown(args("{\ud83d", item_id="f"))
    assert "{\ufffd" == shown(args("{\ud83d", item_id="f"), done("function_call", 0, id="f"))
    code = event("code_interpreter_call_code.delta", item_id="i", delta="x\ud83d")
    assert ["x", "x\ufffd"] == [shown(code), shown(code, done("code_interpreter_call", 0, id="i"))]


def test_a_change_of_an_annotation_knows_the_type_that_was_asked_for():
    frames = text("1") + event("output_text.annotation.added", item_id="m", annotation={"type": "x"})
    change = fold(frames, text_format=int).changes[-1]

    assert (int, "1") == (change.source.response_format, change.source.snapshot())


# What is told once, and where what has no index goes.


def test_an_equal_status_is_told_once():
    found = fold(life("created", status="a") + life("queued", status="a") + life("in_progress", status="b") + END)

    assert ["changed response a", "changed response b", "changed response completed"] == found.lines


def test_the_first_command_and_its_output_need_no_index():
    command = event("shell_call_command.delta", item_id="s", delta="ls")
    assert ["changed tool_call s command[0] 'ls'"] == fold(command).lines[1:]
    printed = event("shell_call_output_content.delta", item_id="o", delta={"stdout": "a"})
    assert ["changed item o stdout[0] 'a'"] == fold(printed).lines[1:]
    whole = event("shell_call_output_content.done", item_id="o", command_index=2, output=[{"stdout": "b"}])
    assert ["changed item o stdout[2] 'a'"] == fold(whole + printed).lines[1:]
    far = event("shell_call_output_content.delta", item_id="o", command_index=3, delta={"stdout": "c"})
    assert ["changed item o stdout[3] 'c'", "changed item o stdout[3] 'a'"] == fold(far + printed).lines[1:]


def test_a_done_shell_call_brings_its_other_settings():
    action = {"commands": ["ls"], "timeout_ms": 5}
    (call,) = fold(
        added("shell_call", 0, id="s") + done("shell_call", 0, id="s", action=action) + END
    ).accumulator.output

    assert (["ls"], 5, {}) == (call.action.commands, call.action.timeout_ms, call.extra)
