"""Which item a payload means, and what it is called (rules 9.8 to 9.11, 9.19, 9.21, 9.22)."""

import pytest
from response_folds import DONE, added, done, event, fold, life, text

END = life("completed")


def args(delta: object, **members: object) -> bytes:
    return event("function_call_arguments.delta", delta=delta, **members)


def ids(*frames: bytes) -> list[object]:
    return [item.get("id") for item in fold(b"".join(frames) + END).output]


def texts(*frames: bytes) -> dict[object, str]:
    """Give the text of each message of a stream, by id."""
    found = fold(b"".join(frames) + END).output
    return {
        item["id"]: "".join(part["text"] for part in item["content"]) for item in found if item["type"] == "message"
    }


# 9.8: events.


def test_a_known_id_beats_the_index():
    frames = [added("message", 0, id="a"), added("message", 1, id="b"), text("x", "a", 1), text("y", "b", 0)]

    assert {"a": "x", "b": "y"} == texts(*frames)


def test_the_index_beats_an_unknown_id_which_is_known_from_then_on():
    frames = [added("message", 0, id="a"), added("message", 1, id="b"), text("x", "other", 0), text("y", "other", 1)]

    assert {"a": "xy", "b": ""} == texts(*frames)


def test_at_an_index_the_newest_open_item_is_meant():
    frames = [added("message", 0, id="a"), added("message", 0, id="b"), text("x", None, 0)]

    assert {"a": "", "b": "x"} == texts(*frames)
    assert {"a": "x", "b": ""} == texts(*frames[:2], done("message", 0, id="b"), text("x", None, 0))
    # None is open: a new one, of the type that the event says.
    closed = [done("message", 0, id="a"), done("message", 0, id="b")]
    assert {"a": "", "b": "", None: "x"} == texts(*frames[:2], *closed, text("x", None, 0))


def test_without_index_and_id_the_last_open_item_that_fits_is_meant():
    frames = [added("message", 0, id="a"), added("message", 1, id="b"), added("reasoning", 2, id="r")]

    assert {"a": "", "b": "x"} == texts(*frames, text("x", None, None))
    assert {"a": "x", "b": ""} == texts(*frames, done("message", id="b"), text("x", None, None))


def test_with_an_unknown_id_alone_an_item_without_names_is_meant():
    named = [added("message", id="a"), text("x", "b", None)]
    assert {"a": "", "b": "x"} == texts(*named)

    nameless = [added("message"), added("message", id="a"), text("x", "b", None), text("y", "c", None)]
    # It takes the id, and so has a name.
    assert {"b": "x", "a": "", "c": "y"} == texts(*nameless)


def test_a_call_with_a_call_id_has_a_name():
    frames = [added("function_call", call_id="c1"), args("{", item_id="c1"), args("}", item_id="x")]
    found = fold(b"".join(frames) + END)

    assert [(None, "c1", "{"), ("x", "x", "}")] == [
        (call["id"], call["call_id"], call["arguments"]) for call in found.output
    ]


def test_an_item_without_id_takes_that_of_an_event():
    frames = [added("function_call", 0, call_id="c1"), args("{", item_id="f1", output_index=0), args("}", item_id="f1")]
    (call,) = fold(b"".join(frames) + END).output

    assert ("f1", "c1", "{}") == (call["id"], call["call_id"], call["arguments"])


def test_the_newest_item_of_a_name_is_meant():
    frames = [added("message", 0, id="a"), done("message", 0, id="b")]
    # The id that the first has lost names it still; of two that have one, the newer.
    assert {"b": "x"} == texts(*frames, text("x", "a", 7))
    frames = [added("reasoning", 0, id="a"), text("x", "a", 1), text("y", "a", 0)]
    assert {"a": "xy"} == texts(*frames)


@pytest.mark.parametrize(
    ("name", "members", "kind"),
    [
        ("output_text.delta", {"delta": "x"}, "message"),
        ("output_text.done", {"text": "x"}, "message"),
        ("refusal.delta", {"delta": "x"}, "message"),
        ("refusal.done", {"refusal": "x"}, "message"),
        ("output_text.annotation.added", {"annotation": {"type": "file_path"}}, "message"),
        ("content_part.added", {"part": {"type": "output_text"}}, "message"),
        ("content_part.done", {"part": {"type": "odd"}}, "message"),
        ("content_part.added", {"part": {"type": "reasoning_text"}}, "reasoning"),
        ("reasoning_part.added", {"part": {"type": "output_text"}}, "reasoning"),
        ("reasoning_part.done", {"part": {"text": "x"}}, "reasoning"),
        ("reasoning_text.delta", {"delta": "x"}, "reasoning"),
        ("reasoning_text.done", {"text": "x"}, "reasoning"),
        ("reasoning_summary_part.added", {"part": {}}, "reasoning"),
        ("reasoning_summary_part.done", {"part": {"text": "x"}}, "reasoning"),
        ("reasoning_summary_text.delta", {"delta": "x"}, "reasoning"),
        ("reasoning_summary_text.done", {"text": "x"}, "reasoning"),
        ("function_call_arguments.delta", {"delta": "x"}, "function_call"),
        ("function_call_arguments.done", {"arguments": "x"}, "function_call"),
        ("custom_tool_call_input.delta", {"delta": "x"}, "custom_tool_call"),
        ("custom_tool_call_input.done", {"input": "x"}, "custom_tool_call"),
        ("mcp_call_arguments.delta", {"delta": "x"}, "mcp_call"),
        ("mcp_call_arguments.done", {"arguments": "x"}, "mcp_call"),
        ("code_interpreter_call_code.delta", {"delta": "x"}, "code_interpreter_call"),
        ("code_interpreter_call_code.done", {"code": "x"}, "code_interpreter_call"),
        ("apply_patch_call_operation_diff.delta", {"delta": "x"}, "apply_patch_call"),
        ("apply_patch_call_operation_diff.done", {"diff": "x"}, "apply_patch_call"),
        ("shell_call_command.added", {"command": "x"}, "shell_call"),
        ("shell_call_command.delta", {"delta": "x"}, "shell_call"),
        ("shell_call_command.done", {"command": "x"}, "shell_call"),
        ("shell_call_output_content.delta", {"delta": {"stdout": "x"}}, "shell_call_output"),
        ("shell_call_output_content.done", {"output": [{"stdout": "x"}]}, "shell_call_output"),
        ("image_generation_call.partial_image", {"partial_image_b64": "x"}, "image_generation_call"),
        ("web_search_call.searching", {}, "web_search_call"),
        ("file_search_call.completed", {}, "file_search_call"),
        ("code_interpreter_call.interpreting", {}, "code_interpreter_call"),
        ("image_generation_call.generating", {}, "image_generation_call"),
        ("mcp_call.calling", {}, "mcp_call"),
        ("mcp_list_tools.failed", {}, "mcp_list_tools"),
        ("compaction.compacting", {}, "compaction"),
    ],
)
def test_an_event_of_an_item_that_nobody_knows_opens_one_and_means_it_next(name, members, kind):
    frame = event(name, item_id="i", output_index=3, **members)
    found = fold(frame + frame + END)
    (item,) = found.output
    noun = kind if kind in ("message", "reasoning") else "tool_call" if kind.endswith("_call") else "item"

    assert (kind, "i") == (item["type"], item["id"])
    assert f"created {noun} i" == found.lines[0]
    assert [f"done {noun} i", "changed response completed"] == found.lines[-2:]
    # An item of its type that is there is meant, whatever else is open.
    others = added("other", 3, id="o") + added("message" if kind != "message" else "reasoning", 3, id="p")
    found = fold(added(kind, 3, id="i") + others + event(name, output_index=3, **members) + END)
    assert ["i", "o", "p"] == [item["id"] for item in found.output]


@pytest.mark.parametrize(
    ("name", "members"),
    [
        *[("output_text.delta", {"delta": delta}) for delta in (None, 5, ["x"], {"text": "x"})],
        *[("function_call_arguments.delta", {"delta": delta}) for delta in (None, 5, True)],
        *[("shell_call_output_content.delta", {"delta": delta}) for delta in (None, "x", {}, {"stdout": 5}, ["x"])],
        *[("content_part.added", {"part": part}) for part in (None, "x", [])],
        *[("reasoning_summary_part.done", {"part": part}) for part in (None, "x")],
        *[("output_text.annotation.added", {"annotation": one}) for one in (None, "x")],
        *[("image_generation_call.partial_image", {"partial_image_b64": one}) for one in (None, 5)],
        *[("output_item.added", {"item": item}) for item in (None, "x", [])],
        *[("output_item.done", {"item": item}) for item in (None, "x")],
        *[(f"{name}.delta", {"delta": None}) for name in ("code_interpreter_call_code", "shell_call_command")],
    ],
)
def test_what_says_nothing_opens_nothing(name, members):
    found = fold(life("created") + event(name, item_id="i", output_index=0, **members) + END)

    assert ([], 3) == (found.output, found.accumulator.events_seen)


def test_an_event_fits_items_of_its_type_only():
    frames = [added("message", 0, id="a"), args("{}", item_id="a", output_index=0), text("x", "a", 0)]
    found = fold(b"".join(frames) + END)

    assert [("message", "a"), ("function_call", "a")] == [(item["type"], item["id"]) for item in found.output]
    # A state of an MCP call fits no other call, though its arguments do.
    frames = [added("function_call", 0, id="f"), event("mcp_call.completed", item_id="f", output_index=0)]
    assert ["function_call", "mcp_call"] == [item["type"] for item in fold(b"".join(frames) + END).output]
    frames = [added("function_call", 0, id="f"), event("mcp_call_arguments.delta", item_id="f", delta="x")]
    assert ["function_call"] == [item["type"] for item in fold(b"".join(frames) + END).output]


def test_a_part_fits_a_message_and_reasoning():
    part = event("content_part.added", output_index=0, part={"type": "output_text", "text": "x"})

    assert ["message", "reasoning"] == [
        item["type"] for item in fold(added("message", 0) + added("reasoning", 0) + part + END).output
    ]
    found = fold(added("message", 0, id="m") + added("reasoning", 0, id="r") + part + END)
    assert "created reasoning_text r[0]" in found.lines
    thought = event("content_part.added", output_index=0, part={"type": "reasoning_text", "text": "x"})
    found = fold(added("message", 0, id="m") + thought + END)
    assert ["message", "reasoning"] == [item["type"] for item in found.output]


@pytest.mark.parametrize("index", ["1", 1])
def test_an_index_is_an_integer_or_its_digits(index):
    second = event("output_item.added", output_index=index, item={"type": "message", "id": "b"})
    frames = [added("message", 0, id="a"), second]

    assert {"a": "", "b": "x"} == texts(*frames, event("output_text.delta", output_index="1", delta="x"))
    assert {"a": "x", "b": ""} == texts(*frames, event("output_text.delta", item_id="a", output_index=True, delta="x"))


# 9.9: added.


def test_a_late_added_fills_in_and_tells_nothing():
    late = added("message", 0, id="a", status="in_progress", phase="p", content=[{"type": "output_text", "text": "no"}])
    found = fold(text("x", "a", 0) + late + END)

    assert [{"id": "a", "status": "in_progress", "phase": "p"}] == [
        {name: item[name] for name in ("id", "status", "phase")} for item in found.output
    ]
    assert ["created message a", "created text a[0]", "changed text a[0] 'x'", "done text a[0]"] == found.lines[:4]


def test_what_a_late_added_brings_is_told_with_the_next_event():
    late = added("message", 0, id="a", content=[{"type": "output_text", "text": "So"}])
    found = fold(added("message", 0, id="a") + late + added("message", 1, id="b") + text(" far", "a", 0) + END)

    assert [
        "created message a",
        "created message b",
        "created text a[0]",
        "changed text a[0] 'So'",
        "changed text a[0] ' far'",
    ] == found.lines[:5]
    assert "So far" == found.output[0]["content"][0]["text"]


def test_an_added_belongs_to_an_open_item_of_its_type_that_none_announced():
    assert ["d"] == ids(text("x", "d", 0), added("message", 0, id="a"))
    # Announced, of another type, done, elsewhere: another item.
    assert ["d", "a"] == ids(added("message", 0, id="d"), added("message", 0, id="a"))
    assert ["d", "a"] == ids(text("x", "d", 0), added("reasoning", 0, id="a"))
    assert ["d", "a"] == ids(text("x", "d", 0), done("message", 0, id="d"), added("message", 0, id="a"))
    assert ["d", "a"] == ids(text("x", "d", 0), added("message", 1, id="a"))
    # Its own id names it from then on.
    assert {"d": "xy"} == texts(text("x", "d", 0), added("message", 0, id="a"), text("y", "a", 5))


def test_an_added_without_names_belongs_to_any_open_item_of_its_type_at_its_index():
    assert ["a"] == ids(added("message", 0, id="a"), added("message", 0, status="s"))
    assert ["a", None] == ids(added("message", 0, id="a"), added("message", 1, status="s"))
    assert ["a", None] == ids(added("message", 0, id="a"), added("reasoning", 0))
    assert ["a", None] == ids(done("message", 0, id="a"), added("message", 0))


def test_without_index_an_added_belongs_to_the_last_item_if_one_of_the_two_has_no_name():
    assert ["d"] == ids(text("x", "d", None), added("message", status="s"))
    assert ["a"] == ids(text("x", None, None), added("message", id="a"))
    assert ["d", "a"] == ids(text("x", "d", None), added("message", id="a"))
    # An announced one it is not.
    assert [None, None] == ids(added("message"), added("message"))


def test_a_late_attached_call_learns_its_type():
    stub = args("abc", item_id="i", output_index=0)
    for brings in (added, done):
        (call,) = fold(stub + brings("custom_tool_call", 0, id="i", call_id="c", name="n") + END).output
        learned = tuple(call[name] for name in ("type", "input", "call_id", "name"))
        assert ("custom_tool_call", "abc", "c", "n") == learned
        (call,) = fold(stub + brings("mcp_call", 0, id="other", server_label="s") + END).output
        assert ("mcp_call", "abc", "s") == tuple(call[name] for name in ("type", "arguments", "server_label"))
    # One that was announced is what it was announced as, until it is done.
    announced = added("function_call", 0, id="i", call_id="c", name="n")
    assert "function_call" == fold(announced + added("custom_tool_call", 0, id="i") + END).output[0]["type"]
    assert "custom_tool_call" == fold(announced + done("custom_tool_call", 0, id="i") + END).output[0]["type"]
    kinds = [item["type"] for item in fold(announced + done("custom_tool_call", 0, id="j") + END).output]
    assert ["function_call", "custom_tool_call"] == kinds


def test_a_call_that_changed_its_type_is_found_as_what_it_is():
    stub = event("function_call_arguments.delta", item_id="i", output_index=0, delta="{}")
    frames = [stub, added("mcp_call", 0, id="i"), event("mcp_call.completed", output_index=0)]
    assert [("mcp_call", "completed")] == [
        (item["type"], item["status"]) for item in fold(b"".join(frames) + END).output
    ]
    frames = [args("{}"), added("mcp_call", id="i"), event("mcp_call.completed"), done("mcp_call", output="o")]
    assert [("i", "o")] == [(item["id"], item["output"]) for item in fold(b"".join(frames) + END).output]


def test_a_call_that_changed_its_type_is_no_longer_what_it_seemed():
    seemed = event("mcp_call.in_progress", item_id="i", output_index=0)
    turned = done("custom_tool_call", 0, id="i", call_id="c")
    found = fold(seemed + turned + event("mcp_call.failed", item_id="i", output_index=0) + END)

    assert ["custom_tool_call", "mcp_call"] == [item["type"] for item in found.output]
    # It is what it turned out to be, by the names too that it had before.
    turned = added("mcp_call", 0, id="j", server_label="s")
    found = fold(args("{}", item_id="i", output_index=0) + turned + event("mcp_call.failed", item_id="i") + END)
    assert [("mcp_call", "failed")] == [(item["type"], item["status"]) for item in found.output]


def test_without_index_a_done_with_an_id_means_no_call_among_several_that_have_ids():
    two = args("1", item_id="a", output_index=0) + args("2", item_id="b", output_index=1)
    for kind in ("function_call", "custom_tool_call"):
        assert ["a", "b", "new"] == ids(two, done(kind, id="new", call_id="c"))
        # One is meant if it is the only one, or the only one without an id; without an id, the one that is open.
        assert ["new"] == ids(args("1", item_id="a"), done(kind, id="new", call_id="c"))
        assert ["a", "new"] == ids(args("1", item_id="a"), args("2", output_index=1), done(kind, id="new"))
        assert ["a"] == ids(args("1", item_id="a"), done(kind))
    # One that was announced as another type is none of them, and one that was announced as this type is.
    announced = added("function_call", 2, id="d", call_id="d")
    assert ["a", "new"] == ids(args("1", item_id="a"), done("function_call", 0, id="a"), done("mcp_call", id="new"))
    assert ["d", "new"] == ids(announced, done("mcp_call", id="new"))
    assert ["a", "d", "new"] == ids(args("1", item_id="a"), announced, done("function_call", id="new"))


# 9.10: done.


def test_a_done_belongs_to_the_item_that_its_names_or_its_index_say():
    two = [added("message", 0, id="a"), added("message", 1, id="b")]

    assert ["a", "b"] == ids(*two, done("message", 1, id="a"))
    assert ["c", "b"] == ids(*two, done("message", 0, id="c"))
    assert ["a", "b", "c"] == ids(*two, done("message", 2, id="c"))
    assert ["a", "b", "c"] == ids(*two, done("reasoning", 1, id="c"))
    call = added("function_call", 0, id="f", call_id="c")
    assert ["g"] == ids(call, done("function_call", 5, id="g", call_id="c"))
    assert ["f", None] == ids(call, done("function_call_output", 0, call_id="c"))


def test_a_done_without_index_belongs_to_an_item_without_id_or_to_the_only_one():
    assert ["n"] == ids(added("message", id="a"), done("message", id="n"))
    assert ["a", "b", "n"] == ids(added("message", id="a"), added("message", id="b"), done("message", id="n"))
    assert ["a", "n"] == ids(added("message", id="a"), added("message"), done("message", id="n"))
    assert ["a", "n"] == ids(added("message", id="a"), added("reasoning", id="n"), done("reasoning", id="n"))
    # Without an id, any open one will do: they end as they began.
    found = fold(added("message", id="a") + added("message", id="b") + done("message") + DONE)
    assert "done message a" == found.lines[-1]
    assert ["a", "n"] == ids(done("message", id="a"), done("message", id="n"))


def test_an_index_of_a_done_becomes_the_items():
    assert ["b", "a"] == ids(added("message", 0, id="a"), added("message", 1, id="b"), done("message", 2, id="a"))
    two = [added("message", 0, id="a"), added("message", 1, id="b")]
    assert ["a", "b", "c"] == ids(*two, done("message", "0", id="b"), added("message", id="c"))
    # One without index comes after the largest that was ever there.
    assert ["b", "a", "c"] == ids(*two, done("message", 6, id="a"), added("message", id="c"))


def test_a_payload_without_type_fits_any():
    assert ["a"] == ids(added("message", 0, id="a"), event("output_item.done", item={"id": "a", "status": "s"}))
    assert ["n"] == ids(added("message", 0, id="a"), event("output_item.done", output_index=0, item={"id": "n"}))
    assert ["n"] == ids(added("message", 0, id="a"), event("output_item.done", item={"id": "n"}))
    found = fold(event("output_item.added", item={"id": "x", "call_id": "c"}) + END)
    assert [{"id": "x", "call_id": "c", "type": ""}] == found.output
    assert ["created item x", "done item x"] == found.lines[:2]


# 9.11: the order.


def test_items_are_listed_by_index_and_age():
    assert ["a", "b", "c"] == ids(added("message", 4, id="c"), added("message", 0, id="a"), added("message", 0, id="b"))
    # One without index takes the next free one.
    assert ["a", "b", "c"] == ids(added("message", 5, id="a"), added("message", id="b"), added("message", 7, id="c"))
    assert ["a", "c", "b"] == ids(added("message", id="a"), added("message", 3, id="b"), added("message", 2, id="c"))


# 9.19: ids of calls.


def test_a_call_without_call_id_answers_to_its_id_or_to_one_that_is_made_up():
    frames = added("function_call", 0, id="f") + added("custom_tool_call", 1) + added("mcp_call", 2, id="m")
    found = fold(frames + END)
    function, custom, mcp = found.accumulator.output

    assert ("f", True, "call_", {}) == (function.call_id, custom.id == "", custom.call_id[:5], mcp.extra)
    assert custom.call_id == found.accumulator.response.output[1].call_id
    later = fold(added("function_call", 0) + added("function_call", 1) + done("function_call", 0, call_id="c") + END)
    assert ["c", 29] == [later.output[0]["call_id"], len(later.output[1]["call_id"])]


# 9.21: keys.


def test_the_key_is_the_name_under_which_it_was_created():
    frames = [added("message", 0), added("function_call", 1, call_id="c"), added("reasoning", 2, id="r"), added("x", 3)]
    renamed = [done("message", 0, id="m"), done("function_call", 1, id="f", call_id="c"), done("reasoning", 2, id="q")]
    found = fold(b"".join([*frames, *renamed]) + END)

    assert ["created message #0", "created tool_call c", "created reasoning r", "created item #3"] == found.lines[:4]
    assert ["done message #0", "done tool_call c", "done reasoning r", "done item #3"] == found.lines[4:8]
    assert ["m", "f", "q", None] == [item.get("id") for item in found.output]


def test_a_created_change_shows_what_the_item_is():
    frames = added("function_call", 0, id="f", call_id="c", name="n", arguments="{}", status="s")
    frames += added("message", 1, id="m", role="assistant", content=[{"type": "output_text", "text": "x"}])
    call, message, part = fold(frames).changes

    assert ("f", "c", "n", "", None) == tuple(
        getattr(call.snapshot, name) for name in ("id", "call_id", "name", "arguments", "status")
    )
    assert ("m", "assistant", []) == (message.snapshot.id, message.snapshot.role, message.snapshot.content)
    assert ("", 0, "m", 0) == (part.snapshot, part.index, part.parent, message.index)


def test_whatever_ends_in_call_is_a_tool_call():
    found = fold(done("x_search_call", 0, id="a") + done("call", 1, id="b") + done("compaction", 2, id="c") + END)

    assert ["tool_call a", "item b", "item c"] == [
        line.removeprefix("done ") for line in found.lines if line.startswith("done")
    ]
