"""Calls, shells, pictures and sound: what of them grows, and what is told (rules 9.18 and 9.20)."""

import pytest
from response_folds import added, done, event, fold, life, text

from asyncstream.errors import ParseError

END = life("completed")


def args(delta: object, of: str = "function_call_arguments", **members: object) -> bytes:
    return event(f"{of}.delta", **{"item_id": "f", "delta": delta, **members})


def told(*frames: bytes) -> list[str]:
    return [line for line in fold(b"".join(frames) + END).lines if "tool_call" in line or "item" in line]


def item(*frames: bytes) -> dict[str, object]:
    (found,) = fold(b"".join(frames) + END).output
    return found


# 9.18: arguments.


@pytest.mark.parametrize("kind", ["function_call", "custom_tool_call", "mcp_call"])
@pytest.mark.parametrize("name", ["function_call_arguments", "custom_tool_call_input", "mcp_call_arguments"])
def test_the_events_of_arguments_fit_every_call(kind, name):
    member = "input" if kind == "custom_tool_call" else "arguments"
    whole = event(f"{name}.done", item_id="f", **{"input" if name.endswith("input") else "arguments": "ab!"})
    frames = [added(kind, 0, id="f"), args("a", name), args("b", name), whole]
    found = fold(b"".join(frames) + END)

    assert "ab!" == found.output[0][member]
    assert [f"changed tool_call f {piece!r}" for piece in ("a", "b", "!")] == found.lines[1:4]
    fields = {change.field for change in found.changes if type(change).__name__ == "ToolCallChanged"}
    assert {member} == fields


def test_a_done_is_read_under_either_name():
    whole = event("function_call_arguments.done", item_id="f", input="x")
    assert "x" == item(added("function_call", 0, id="f"), whole)["arguments"]
    whole = event("custom_tool_call_input.done", item_id="f", arguments="x")
    assert "x" == item(added("custom_tool_call", 0, id="f"), whole)["input"]
    assert "y" == item(done("custom_tool_call", 0, id="f", arguments="y"))["input"]
    assert "y" == item(done("function_call", 0, id="f", input="y"))["arguments"]


def test_name_and_call_id_beside_fill_what_is_absent():
    frames = [
        args("{", name="n", call_id=""),
        event("function_call_arguments.done", item_id="f", call_id="c", name="o"),
    ]
    call = item(*frames)
    assert ("n", "c", "{") == (call["name"], call["call_id"], call["arguments"])
    # From then on it names the call.
    found = fold(b"".join(frames) + args("}", item_id="c") + done("function_call", 9, call_id="c", status="s") + END)
    assert [("{}", "s")] == [(call["arguments"], call["status"]) for call in found.output]
    frames = [
        added("function_call", 0, id="f", call_id=""),
        args("x", call_id="c"),
        done("function_call", 5, call_id="c"),
    ]
    assert "c" == item(*frames)["call_id"]


def test_every_delta_fills_in_what_it_has_beside():
    frames = [added("function_call", 0, id="f"), args("a"), args("b"), args("c", name="n"), args("d", name="n")]

    assert ("abcd", "n") == tuple(item(*frames)[name] for name in ("arguments", "name"))


@pytest.mark.parametrize(
    ("value", "said"), [({"b": 1, "a": ["é"]}, '{"b":1,"a":["é"]}'), ([1, None], "[1,null]"), ({}, "{}"), ([], "[]")]
)
def test_arguments_that_came_as_json_are_its_text(value, said):
    assert said == item(args(value))["arguments"]
    assert said == item(event("function_call_arguments.done", item_id="f", arguments=value))["arguments"]
    assert said == item(done("function_call", 0, id="f", arguments=value))["arguments"]
    assert said == item(added("function_call", 0, id="f", arguments=value))["arguments"]
    assert [f"changed tool_call f {said!r}"] == told(args(value))[1:-1]


def test_json_in_the_middle_of_arguments_is_none_of_them():
    found = fold(args('{"a"') + args({"a": 1}) + args(":1}") + END)

    assert ('{"a":1}', True) == (found.output[0]["arguments"], "9.18" in found.rules)


@pytest.mark.parametrize("empty", [{}, []])
def test_an_empty_object_holds_a_place_and_erases_nothing(empty):
    frames = [added("function_call", 0, id="f", arguments=empty), args('{"a"'), args(":1}")]

    assert '{"a":1}' == item(*frames)["arguments"]
    assert [f"changed tool_call f {piece!r}" for piece in ('{"a"', ":1}")] == told(*frames)[1:-1]
    ending = [event("function_call_arguments.done", item_id="f", arguments=empty)]
    assert '{"a":1}' == item(*frames, *ending, done("function_call", 0, id="f", arguments=empty))["arguments"]


def test_arguments_that_are_cut_do_not_look_whole():
    def cuts(*frames: bytes) -> list[str | None]:
        return [call.cut for call in fold(b"".join(frames)).accumulator.output]

    open_call = added("function_call", 0, id="f", call_id="c", name="n")
    assert ["unfinished"] == cuts(open_call, args('{"a"'))
    assert ["incomplete"] == cuts(open_call, args('{"a"'), life("incomplete"))
    assert ["unfinished"] == cuts(open_call, args('{"a"'), END)
    assert [None] == cuts(open_call, args('{"a":1}'))
    assert [None] == cuts(open_call, args('{"a":1}'), life("cancelled"))
    assert [None] == cuts(open_call, END)
    assert ["unfinished"] == cuts(open_call)
    assert [None] == cuts(done("function_call", 0, id="f", arguments='{"a"'))
    assert ["incomplete"] == cuts(done("function_call", 0, id="f", arguments='{"a":1}', status="incomplete"), END)
    custom = event("custom_tool_call_input.delta", item_id="f", delta="{}")
    assert ["unfinished"] == cuts(custom)
    assert [None] == cuts(custom, END)
    assert ["cancelled"] == cuts(custom, life("cancelled"))
    cut = fold(open_call + args('{"a"') + life("incomplete")).accumulator.output[0]
    with pytest.raises(ParseError, match="was cut"):
        cut.parse()


def test_other_calls_have_nothing_made_up():
    (call,) = fold(added("mcp_call", 0, id="m", server_label="s") + END).accumulator.output

    assert {"type": "mcp_call", "id": "m", "server_label": "s", "arguments": "", "name": ""} == call.to_dict()


# 9.20: states.


def test_a_state_is_the_last_word_until_the_item_is_done():
    frames = [
        added("web_search_call", 0, id="w", status="in_progress"),
        *(
            event(f"web_search_call.{word}", item_id="w")
            for word in ("in_progress", "searching", "searching", "failed")
        ),
    ]
    late = [done("web_search_call", 0, id="w"), event("web_search_call.completed", item_id="w")]

    assert ["status=searching", "status=failed", "w"] == [line.split()[-1] for line in told(*frames, *late)[1:]]
    assert "failed" == item(*frames, *late)["status"]
    found = fold(b"".join(frames))
    changed = [change for change in found.changes if type(change).__name__ == "ToolCallChanged"]
    assert [("status", "searching", "", "w", 0)] * 1 == [
        (change.field, change.delta, change.piece, change.parent, change.index) for change in changed[:1]
    ]
    assert "failed" == changed[0].snapshot.status


def test_a_state_of_what_is_no_call_is_an_items():
    frames = [
        event("compaction.compacting", item_id="c", output_index=0),
        event("mcp_list_tools.completed", item_id="l"),
    ]
    found = fold(b"".join(frames) + END)

    assert ["changed item c status=compacting", "changed item l status=completed"] == found.lines[1:4:2]
    changed = [change for change in found.changes if type(change).__name__ == "OutputItemChanged"]
    assert [("status", "compacting", "", "c"), ("status", "completed", "", "l")] == [
        (change.field, change.delta, change.piece, change.parent) for change in changed
    ]


# Code and patches.


def test_code_is_a_text():
    frames = [
        added("code_interpreter_call", 0, id="i", code="x", container_id="k"),
        event("code_interpreter_call_code.delta", item_id="i", delta="x = "),
        event("code_interpreter_call_code.delta", item_id="i", delta="1"),
        event("code_interpreter_call_code.done", item_id="i", code="x = 1;"),
        done("code_interpreter_call", 0, id="i", code="x = 1;\n", outputs=[{"type": "logs", "logs": "l"}]),
    ]
    found = fold(b"".join(frames) + END)

    assert ("x = 1;\n", [{"type": "logs", "logs": "l"}]) == (found.output[0]["code"], found.output[0]["outputs"])
    assert [f"changed tool_call i {piece!r}" for piece in ("x = ", "1", ";", "\n")] == found.lines[1:5]
    assert {"code"} == {change.field for change in found.changes if type(change).__name__ == "ToolCallChanged"}


def test_the_diff_of_a_patch_is_a_text_in_its_operation():
    frames = [
        event("apply_patch_call_operation_diff.delta", item_id="p", output_index=0, delta="+a"),
        added("apply_patch_call", 0, id="p", call_id="c", operation={"type": "update_file", "path": "f", "diff": ""}),
        event("apply_patch_call_operation_diff.delta", item_id="p", delta="\n"),
        event("apply_patch_call_operation_diff.done", item_id="p", diff="+a\n+b"),
    ]
    found = fold(b"".join(frames) + END)

    assert {"type": "update_file", "path": "f", "diff": "+a\n+b"} == found.output[0]["operation"]
    assert [f"changed tool_call p {piece!r}" for piece in ("+a", "\n", "+b")] == found.lines[1:4]
    assert {"diff"} == {change.field for change in found.changes if type(change).__name__ == "ToolCallChanged"}
    closing = done("apply_patch_call", 0, id="p", operation={"path": "g", "diff": "other"})
    found = fold(b"".join(frames) + closing + END)
    assert {"type": "update_file", "path": "g", "diff": "other"} == found.output[0]["operation"]
    assert "9.14" in found.rules
    bare = fold(done("apply_patch_call", 0, id="p", operation={"type": "delete_file", "path": "f"}) + END)
    assert {"type": "delete_file", "path": "f"} == bare.output[0]["operation"]
    assert fold(done("apply_patch_call", 0, id="p") + END).output[0]["operation"] is None


def test_what_opens_alone_is_told_at_the_end():
    assert "x" == item(added("code_interpreter_call", 0, id="i", code="x"))["code"]
    patch = added("apply_patch_call", 0, id="p", operation={"type": "update_file", "path": "f", "diff": "+a"})
    assert ["created tool_call p", "changed tool_call p '+a'", "done tool_call p"] == told(patch)
    assert "+a" == item(patch)["operation"]["diff"]


# Shells.


def command(how: str, index: int | None = None, **members: object) -> bytes:
    return event(
        f"shell_call_command.{how}", item_id="s", **({} if index is None else {"command_index": index}), **members
    )


def test_commands_are_joined_by_their_index():
    frames = [
        command("added", 1, command="l"),
        command("delta", 1, delta="ls"),
        command("delta", delta=" -a"),
        command("added", 0, command="pw"),
        command("done", 0, command="pwd"),
        command("delta", delta="!"),
        command("delta", 1, delta=""),
    ]
    found = fold(b"".join(frames) + END)

    assert ["pwd!", "ls -a"] == found.output[0]["commands"]
    assert [
        "created tool_call s",
        "changed tool_call s command[1] 'ls'",
        "changed tool_call s command[1] ' -a'",
        "changed tool_call s command[0] 'pwd'",
        "changed tool_call s command[0] '!'",
        "done tool_call s",
    ] == found.lines[:-1]


def test_commands_of_an_item_are_those_that_were_streamed():
    opening = added("shell_call", 0, id="s", call_id="c", action={"commands": ["l"], "timeout_ms": 5})
    frames = [opening, command("delta", 0, delta="ls"), command("delta", 3, delta="pwd")]
    late = added("shell_call", 0, id="s", action={"commands": ["no"], "max_output_length": 7})
    closing = done("shell_call", 0, id="s", action={"commands": ["ls", "pwd -P", "id"], "timeout_ms": None})
    found = fold(b"".join(frames) + late + closing + command("delta", delta="!") + END)
    (call,) = found.accumulator.output

    assert (["ls", "pwd -P", "id!"], 5, 7) == (
        call.action.commands,
        call.action.timeout_ms,
        call.action.max_output_length,
    )
    assert [
        "changed tool_call s command[0] 'ls'",
        "changed tool_call s command[3] 'pwd'",
        "changed tool_call s command[3] ' -P'",
        "changed tool_call s command[2] 'id'",
        "done tool_call s",
        "changed tool_call s command[2] '!'",
    ] == found.lines[1:-1]
    told_last = fold(opening + END)
    assert ["changed tool_call s command[0] 'l'", "done tool_call s"] == told_last.lines[1:-1]
    kept = fold(frames[0] + done("shell_call", 0, id="s", action={"commands": []}) + END)
    assert ["l"] == kept.output[0]["commands"]


def test_a_command_that_was_never_streamed_takes_no_others_place():
    frames = [added("shell_call", 0, id="s"), command("delta", 0, delta="ls"), command("delta", 2, delta="pw")]
    closing = done("shell_call", 0, id="s", action={"commands": ["ls", "id", "pwd"]})
    found = fold(b"".join(frames) + closing + END)

    assert ["ls", "id", "pwd"] == found.output[0]["commands"]
    assert [
        "created tool_call s",
        "changed tool_call s command[0] 'ls'",
        "changed tool_call s command[2] 'pw'",
        "changed tool_call s command[1] 'id'",
        "changed tool_call s command[2] 'd'",
        "done tool_call s",
    ] == found.lines[:-1]
    assert [] == found.rules
    # One more than the list has: it counts from 1.
    frames = [command("delta", 1, delta="ls"), command("delta", 2, delta="id")]
    closing = done("shell_call", 0, id="s", action={"commands": ["ls", "id"]})
    told_of = fold(added("shell_call", 0, id="s") + b"".join(frames) + closing + END).lines
    assert ["command[1]", "command[2]"] == [line.split()[3] for line in told_of if "command[" in line]


def printed(index: int | None = None, **delta: object) -> bytes:
    place = {} if index is None else {"command_index": index}
    return event("shell_call_output_content.delta", item_id="o", **place, delta=delta)


def test_what_commands_print_is_joined_by_their_index():
    frames = [
        printed(0, stdout="a"),
        printed(stdout="b", stderr="w"),
        printed(2, stderr="x"),
        printed(0, stdout="c", stderr=5),
    ]
    found = fold(b"".join(frames) + END)

    assert [{"stdout": "abc", "stderr": "w"}, {"stdout": "", "stderr": "x"}] == [
        {"stdout": one.stdout, "stderr": one.stderr} for one in found.accumulator.output[0].output
    ]
    assert [
        "created item o",
        "changed item o stdout[0] 'a'",
        "changed item o stdout[0] 'b'",
        "changed item o stderr[0] 'w'",
        "changed item o stderr[2] 'x'",
        "changed item o stdout[0] 'c'",
        "done item o",
    ] == found.lines[:-1]


def test_the_output_of_a_done_replaces_what_was_printed_and_is_not_told():
    whole = [{"stdout": "all", "stderr": "", "outcome": {"type": "exit", "exit_code": 0}}]
    ended = event("shell_call_output_content.done", item_id="o", command_index=1, output=whole)
    found = fold(printed(0, stdout="a") + printed(1, stdout="b") + ended + printed(1, stdout="!") + END)
    first, second = found.accumulator.output[0].output

    assert ("a", "all!", 0) == (first.stdout, second.stdout, second.outcome.exit_code)
    assert ["changed item o stdout[1] '!'", "done item o"] == found.lines[3:5]
    nothing = event("shell_call_output_content.done", item_id="o", output=[])
    assert ["a"] == [one.stdout for one in fold(printed(0, stdout="a") + nothing + END).accumulator.output[0].output]
    closing = done("shell_call_output", 0, id="o", call_id="c", output=[*whole, {"stdout": "z"}, "odd"])
    found = fold(printed(0, stdout="a") + printed(5, stdout="b") + closing + printed(stdout="!") + END)
    assert ["all", "z!"] == [one.stdout for one in found.accumulator.output[0].output]
    opened = fold(added("shell_call_output", 0, id="o", output=whole) + printed(stdout="!") + END)
    assert ["all!"] == [one.stdout for one in opened.accumulator.output[0].output]
    late = fold(printed(stdout="a") + added("shell_call_output", 0, id="o", output=whole) + END)
    assert ["a"] == [one.stdout for one in late.accumulator.output[0].output]


# Pictures and sound.


def picture(data: object, index: object = None) -> bytes:
    place = {} if index is None else {"partial_image_index": index}
    return event("image_generation_call.partial_image", item_id="g", partial_image_b64=data, **place)


def test_pictures_are_kept_by_number():
    found = fold(picture("b", 1) + picture("a", "0") + picture("c") + picture("B", 1) + picture("") + END)

    assert ["a", "B", "c"] == found.output[0]["partial_images"]
    assert [f"changed tool_call g partial_image={place}" for place in (1, 0, 2, 1)] == found.lines[1:5]
    assert "done tool_call g" == found.lines[5]
    assert [("partial_image[1]", "", "")] == [
        (change.field, change.delta, change.piece)
        for change in found.changes
        if type(change).__name__ == "ToolCallChanged"
    ][:1]
    whole = done("image_generation_call", 0, id="g", result="R", status="completed")
    (call,) = fold(picture("a") + whole + life("completed", [{"type": "image_generation_call", "id": "g"}])).output
    assert ("R", ["a"], "completed") == (call["result"], call["partial_images"], call["status"])


def test_half_a_character_in_sound_can_be_encoded():
    found = fold(b'data: {"type":"response.audio.delta","delta":"A\\ud83d"}\n\n' + END)

    assert "A\ufffd" == found.accumulator.audio.data


def test_sound_stands_beside_the_output():
    def said(delta: object, name: str = "audio.transcript") -> bytes:
        return event(f"{name}.delta", delta=delta)

    frames = [
        said("Hel"),
        said("AA", "audio"),
        said(None),
        said("lo"),
        said("BB", "audio"),
        said(""),
        event("audio.done"),
    ]
    found = fold(b"".join(frames) + event("audio.transcript.done") + END)

    assert ("AABB", "Hello", True) == (
        found.accumulator.audio.data,
        found.accumulator.audio.transcript,
        bool(found.accumulator.audio),
    )
    assert ([], ["changed response completed"]) == (found.output, found.lines)
    alone = fold(said("Hi") + END).accumulator.audio
    assert (None, "Hi", True) == (alone.data, alone.transcript, bool(alone))
    sound = fold(said("AA", "audio") + event("audio.transcript.done", delta="no") + END).accumulator.audio
    assert ("AA", None, True) == (sound.data, sound.transcript, bool(sound))
    nothing = fold(text("a") + END).accumulator.audio
    assert (None, None, False) == (nothing.data, nothing.transcript, bool(nothing))
