"""What an item is said to be, more than once and in other words than those of its type."""

from typing import Any

import pytest
from response_folds import DONE, added, done, event, fold, life

from asyncstream.events import decode_stream

CREATED = life("created")


def item_of(*frames: bytes) -> dict[str, Any]:
    (item,) = fold(b"".join([CREATED, *frames])).accumulator.response.output
    return item.to_dict()


@pytest.mark.parametrize("make", [added, done])
@pytest.mark.parametrize(
    ("type", "said", "kept"),
    [("custom_tool_call", "arguments", "input"), ("function_call", "input", "arguments")],
)
def test_arguments_under_the_name_of_the_other_kind_are_those_of_the_call(make, type, said, kept):
    item = item_of(make(type, 0, id="i", name="f", **{said: "{}"}))

    assert (type, "{}", None) == (item["type"], item[kept], item.get(said))


def test_the_type_of_a_call_stays_when_it_is_announced_once_more():
    assert (
        "custom_tool_call" == item_of(added("custom_tool_call", 0, id="i"), added("function_call", 0, id="i"))["type"]
    )


def test_a_made_up_call_id_stays_while_the_call_grows():
    accumulator = fold(CREATED + added("function_call", 0, name="f")).accumulator
    (before,) = accumulator.response.output
    for one in decode_stream(event("function_call_arguments.delta", output_index=0, delta="{}"), "responses"):
        accumulator.fold(one)
    (after,) = accumulator.response.output

    assert before.call_id.startswith("call_")
    assert ("{}", before.call_id) == (after.arguments, after.call_id)


def thought(*summary: str, content: tuple[str, ...] = ()) -> dict[str, Any]:
    return {
        "summary": [{"type": "summary_text", "text": text} for text in summary],
        "content": [{"type": "reasoning_text", "text": text} for text in content],
    }


@pytest.mark.parametrize("make", [added, done])
def test_a_thought_may_come_whole(make):
    found = fold(CREATED + make("reasoning", 0, id="i", **thought("a", "b", content=("c",))))
    item = found.accumulator.response.output[0].to_dict()

    assert thought("a", "b", content=("c",)) == {name: item[name] for name in ("summary", "content")}


@pytest.mark.parametrize("first", [thought("a"), thought(content=("a",))])
def test_a_second_announcement_of_a_thought_takes_nothing_away(first):
    frames = [added("reasoning", 0, id="i", **first), added("reasoning", 0, id="i", **thought("x", content=("y",)))]
    item = item_of(*frames)

    assert first == {name: item.get(name, []) for name in ("summary", "content")}


def test_a_thought_that_came_whole_is_told_part_by_part():
    frames = CREATED + added("reasoning", 0, id="i", **thought("a", content=("b",))) + life("completed") + DONE

    assert [
        "created summary i[0]",
        "created reasoning_text i[0]",
    ] == [line for line in fold(frames).lines if line.startswith(("created summary", "created reasoning_text"))]


@pytest.mark.parametrize(
    ("part", "kind"),
    [({"refusal": "no"}, "refusal"), ({"text": "a"}, "output_text"), ({"text": "a", "refusal": "no"}, "refusal")],
)
def test_a_part_without_a_type_is_what_it_says(part, kind):
    (made,) = item_of(done("message", 0, id="m", content=[part]))["content"]

    assert kind == made["type"]


def test_a_response_that_says_why_it_is_not_whole_cuts_its_calls():
    frames = [
        added("function_call", 0, id="i", name="f"),
        event("function_call_arguments.delta", item_id="i", output_index=0, delta='{"a'),
        life("completed", status="completed", incomplete_details={"reason": "max_output_tokens"}),
    ]
    (call,) = fold(CREATED + b"".join(frames) + DONE).accumulator.response.output

    assert "incomplete" == call.cut  # type: ignore[union-attr]  # a call


@pytest.mark.parametrize("name", ["refusal", "function_call_arguments", "custom_tool_call_input"])
def test_halves_of_a_character_meet_in_every_text_that_grows(name):
    kind = {"refusal": "message", "function_call_arguments": "function_call"}.get(name, "custom_tool_call")
    place = {"item_id": "i", "output_index": 0, "content_index": 0}
    pieces = b"".join(event(f"{name}.delta", **place, delta=half) for half in ("a\ud83d", "\ude00b"))
    found = fold(CREATED + added(kind, 0, id="i") + pieces)

    assert "a\N{GRINNING FACE}b" in str(found.accumulator.response.output[0].to_dict())


HALVES = ("a\ud83d", "\ude00b")
AT = {"item_id": "i", "output_index": 0}


def command(word: str, **said: str) -> bytes:
    return event(f"shell_call_command.{word}", **AT, command_index=0, **said)


def printed(**streams: str) -> bytes:
    return event("shell_call_output_content.delta", **AT, command_index=0, delta=streams)


@pytest.mark.parametrize(
    ("opening", "rest"),
    [
        (added("function_call", 0, id="i", arguments=HALVES[0]), "function_call_arguments.delta"),
        (added("custom_tool_call", 0, id="i", input=HALVES[0]), "custom_tool_call_input.delta"),
        (added("code_interpreter_call", 0, id="i", code=HALVES[0]), "code_interpreter_call_code.delta"),
        (
            added("apply_patch_call", 0, id="i", operation={"type": "update_file", "path": "p", "diff": HALVES[0]}),
            "apply_patch_call_operation_diff.delta",
        ),
        (added("message", 0, id="i", content=[{"type": "refusal", "refusal": HALVES[0]}]), "refusal.delta"),
        (command("added", command=HALVES[0]), command("delta", delta=HALVES[1])),
        (printed(stdout=HALVES[0]), printed(stdout=HALVES[1])),
        (printed(stderr=HALVES[0]), printed(stderr=HALVES[1])),
    ],
)
def test_what_an_item_begins_with_may_end_in_half_a_character(opening, rest):
    more = rest if isinstance(rest, bytes) else event(rest, **AT, content_index=0, delta=HALVES[1])

    assert "a\N{GRINNING FACE}b" in str(item_of(opening, more))


@pytest.mark.parametrize(
    ("name", "place", "member"),
    [("reasoning_text", "content_index", "content"), ("reasoning_summary_text", "summary_index", "summary")],
)
def test_thoughts_stand_in_their_places_and_are_what_is_said_at_their_end(name, place, member):
    frames = [
        added("reasoning", 0, id="i"),
        *(event(f"{name}.delta", **AT, **{place: index}, delta=text) for index, text in ((0, "a"), (1, "b"), (0, "c"))),
        event(f"{name}.done", **AT, **{place: 0}, text="acd"),
    ]

    assert ["acd", "b"] == [part["text"] for part in item_of(*frames)[member]]


def test_a_command_may_come_whole_at_its_beginning_or_at_its_end():
    assert ["ls"] == item_of(command("added", command="ls"))["action"]["commands"]
    assert ["ls -l"] == item_of(command("added", command="ls"), command("done", command="ls -l"))["action"]["commands"]
