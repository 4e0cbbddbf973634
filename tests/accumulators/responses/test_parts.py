"""How parts are found, opened, grown, replaced and done (rules 9.12 to 9.17)."""

import pytest
from response_folds import added, done, event, fold, life, text

END = life("completed")


def refusal(delta: str, **members: object) -> bytes:
    return event("refusal.delta", item_id="m", delta=delta, **members)


def thought(delta: str, **members: object) -> bytes:
    return event("reasoning_text.delta", item_id="r", delta=delta, **members)


def summary(delta: str, **members: object) -> bytes:
    return event("reasoning_summary_text.delta", item_id="r", delta=delta, **members)


def part(how: str, type: str | None, **members: object) -> bytes:
    place = {"content_index": members.pop("at")} if "at" in members else {}
    said = members if type is None else {"type": type, **members}
    return event(f"content_part.{how}", item_id="m", **place, part=said)


def out(said: str, **members: object) -> dict[str, object]:
    return {"type": "output_text", "text": said, **members}


def content(*frames: bytes) -> list[object]:
    """Give the texts and types of the parts of the only item."""
    (item,) = fold(b"".join(frames) + END).output
    return [one.get("text", one.get("refusal", one.get("type"))) for one in item["content"]]


def told(*frames: bytes) -> list[str]:
    return [line for line in fold(b"".join(frames) + END).lines if "[" in line]


# 9.12: which part.


def test_an_index_names_a_part_and_gaps_are_left_out():
    frames = [
        text("c", content_index=7),
        text("a", content_index=0),
        text("C", content_index=7),
        text("b", content_index="3"),
    ]

    assert ["a", "b", "cC"] == content(*frames)
    assert ["done text m[0]", "done text m[3]", "done text m[7]"] == told(*frames)[-3:]


def test_without_index_the_last_open_part_of_its_kind_is_meant():
    frames = [text("a", content_index=0), text("b", content_index=1), refusal("no")]

    assert ["a", "bB", "no"] == content(*frames, text("B"))
    assert ["aA", "b", "no"] == content(*frames, part("done", "output_text", at=1, text="b"), text("A"))
    closed = [part("done", "output_text", at=at, text=said) for at, said in ((0, "a"), (1, "b"))]
    assert ["a", "b", "no", "N"] == content(*frames, *closed, text("N"))
    # What only settles a part finds one that is done.
    assert ["a", "b!", "no"] == content(*frames, *closed, event("output_text.done", item_id="m", text="b!"))
    assert ["a", "b", "no!"] == content(*frames, *closed, event("refusal.done", item_id="m", refusal="no!"))


def test_a_place_that_another_kind_has_means_the_last_of_the_kind():
    frames = [text("a", content_index=0), refusal("no", content_index=0), refusal("!", content_index=0)]
    found = fold(b"".join(frames) + END)

    assert ["a", "no!"] == content(*frames)
    assert "created refusal m[1]" in found.lines
    assert "9.12" in found.rules
    # There is a text already, which the place of the refusal means.
    assert ["ax", "no"] == content(*frames[:2], text("x", content_index=1))


def test_parts_of_reasoning_are_told_apart_by_their_list():
    frames = [thought("t", content_index=0), summary("s", summary_index=0), summary("S", summary_index=1)]
    found = fold(b"".join(frames) + END)

    assert (["s", "S"], ["t"]) == (found.output[0]["summary"], found.output[0]["content"])
    assert [
        "created reasoning r",
        "created reasoning_text r[0]",
        "changed reasoning_text r[0] 't'",
        "created summary r[0]",
        "changed summary r[0] 's'",
        "created summary r[1]",
        "changed summary r[1] 'S'",
        "done summary r[0]",
        "done summary r[1]",
        "done reasoning_text r[0]",
        "done reasoning r",
    ] == found.lines[:-1]
    fields = {change.field for change in found.changes if type(change).__name__ == "ReasoningChanged"}
    assert {"text"} == fields


def test_in_reasoning_every_part_of_the_content_is_what_the_model_thought():
    odd = [{"type": "output_text", "text": "a", "annotations": []}, {"type": "odd", "text": "b"}, {"text": "c"}, "d"]
    found = fold(done("reasoning", 0, id="r", content=odd, summary=["s", None]) + END)

    assert (["a", "b", "c", "d"], ["s"]) == (found.output[0]["content"], found.output[0]["summary"])
    assert "9.12" in found.rules


def test_unknown_parts_are_kept_as_sent():
    frames = [part("added", "summary_text", at=0, text="x", n=1), part("done", "summary_text", at=0, text="y", k=2)]
    found = fold(b"".join(frames) + part("done", "odd", at=1, text="z", extra=None) + END)

    assert ["created message m", "done message m", "changed response completed"] == found.lines
    assert [
        {"type": "summary_text", "text": "y", "n": 1, "k": 2},
        {"type": "odd", "text": "z", "extra": None},
    ] == found.output[0]["content"]


def test_a_part_without_type_is_what_stands_at_its_place_or_what_its_text_says():
    assert ["no!"] == content(refusal("no", content_index=0), part("done", None, at=0, refusal="no!"))
    assert ["a!"] == content(text("a", content_index=0), part("done", None, at=0, text="a!"))
    assert ["no"] == content(part("done", None, at=0, refusal="no"))
    assert ["a"] == content(part("done", None, text="a"))
    assert [None] == content(part("done", None, k=1))


def test_a_type_counts_more_than_the_place():
    assert ["a", "no"] == content(text("a", content_index=0), part("done", "refusal", at=0, refusal="no"))
    # Without one the place says what it is.
    assert ["no"] == content(refusal("no", content_index=0), part("done", None, at=0, text="x"))


def test_parts_of_summaries_open_and_end():
    def piece(how: str, index: object, said: str) -> bytes:
        place = {} if index is None else {"summary_index": index}
        return event(f"reasoning_summary_part.{how}", item_id="r", **place, part={"type": "summary_text", "text": said})

    frames = [piece("added", 0, ""), piece("added", 1, "S"), piece("done", 0, "s"), piece("done", None, "S!")]
    found = fold(b"".join(frames) + END)

    assert ["s", "S!"] == found.output[0]["summary"]
    assert [
        "created reasoning r",
        "created summary r[0]",
        "created summary r[1]",
        "changed summary r[0] 's'",
        "done summary r[0]",
        "changed summary r[1] 'S!'",
        "done summary r[1]",
        "done reasoning r",
    ] == found.lines[:-1]
    kinds = {change.kind for change in found.changes if type(change).__name__.startswith("Reasoning")}
    assert {"summary"} == kinds


def test_a_part_is_told_of_when_it_is_announced():
    found = fold(part("added", "output_text", at=0, text="a") + added("reasoning", 5, id="r") + END)

    assert ["created message m", "created text m[0]", "created reasoning r"] == found.lines[:3]


def test_an_annotation_is_of_the_part_that_it_names_or_of_the_last():
    frames = [text("a", content_index=0), text("b", content_index=1), annotate(type="x")]
    closed = [event("output_text.done", item_id="m", content_index=place, text="") for place in (0, 1)]
    last = event("output_text.annotation.added", item_id="m", annotation={"type": "y"})
    (item,) = fold(b"".join([*frames, *closed, last]) + END).output

    assert [[{"type": "x"}], [{"type": "y"}]] == [one["annotations"] for one in item["content"]]


def test_a_content_that_is_a_text_is_one_part():
    found = fold(done("message", 0, id="m", content="Hi") + END)

    assert "Hi" == found.accumulator.response.output_text
    assert "9.12" in found.rules


# 9.13: what opens with a text.


def opening(said: str) -> bytes:
    return added("message", 0, id="m", content=[out(said)])


@pytest.mark.parametrize(
    ("deltas", "whole", "pieces"),
    [
        (["Good", " day"], "Good day", ["Good", " day"]),
        (["Go", "od"], "Good", ["Go", "od"]),
        (["Good day"], "Good day", ["Good day"]),
        ([" day"], "Good day", ["Good", " day"]),
        (["", "Good"], "Good", ["Good"]),
        ([], "Good", ["Good"]),
    ],
)
def test_the_first_delta_takes_the_place_of_an_opening_text_that_it_repeats(deltas, whole, pieces):
    frames = [opening("Good"), *(text(delta, content_index=0) for delta in deltas)]

    assert [whole] == content(*frames)
    assert [f"changed text m[0] {piece!r}" for piece in pieces] == told(*frames)[1:-1]


@pytest.mark.parametrize(
    ("said", "whole", "pieces"),
    [("Good day", "Good day", ["Good day"]), ("Bad", "Bad", ["Bad"]), ("", "Good", ["Good"])],
)
def test_a_done_payload_supersedes_an_opening_text(said, whole, pieces):
    frames = [opening("Good"), event("output_text.done", item_id="m", content_index=0, text=said)]
    found = fold(b"".join(frames) + END)

    assert [whole] == content(*frames)
    assert [f"changed text m[0] {piece!r}" for piece in pieces] == told(*frames)[1:-1]
    assert "9.14" not in found.rules


def test_an_opening_part_has_its_text_and_lists():
    marks = [{"type": "file_path", "file_id": "f"}]
    frames = [
        part("added", "output_text", at=0, text="a", annotations=marks, logprobs=[{"token": "a", "logprob": 0.0}])
    ]
    (item,) = fold(b"".join(frames) + END).output

    assert {**out("a"), "annotations": marks, "logprobs": [{"token": "a", "logprob": 0.0}]} == item["content"][0]
    assert ["created text m[0]", "changed text m[0] 'a'", "done text m[0]"] == told(*frames)
    # A second one erases nothing, and brings no second text.
    again = part("added", "output_text", at=0, text="b", annotations=[{"type": "x"}], more=1)
    (item,) = fold(frames[0] + again + END).output
    assert (marks, "a", 1) == (
        item["content"][0]["annotations"],
        item["content"][0]["text"],
        item["content"][0]["more"],
    )
    marked = event("output_text.annotation.added", item_id="m", content_index=0, annotation=marks[0])
    (item,) = fold(text("a", content_index=0) + marked + again + END).output
    assert marks == item["content"][0]["annotations"]


# 9.14: deltas and done payloads.


def test_the_rest_of_a_done_payload_is_told_and_a_contradiction_is_not():
    frames = [text("The", content_index=0), event("output_text.done", item_id="m", content_index=0, text="The end")]
    more = done("message", 0, id="m", content=[out("The end.")])
    found = fold(
        b"".join(frames) + more + life("completed", [{"type": "message", "id": "m", "content": [out("An end")]}])
    )

    assert [
        "changed text m[0] 'The'",
        "changed text m[0] ' end'",
        "done text m[0]",
        "changed text m[0] '.'",
        "done message m",
        "changed response completed",
    ] == found.lines[2:]
    assert ("An end", ["9.14"]) == (found.output[0]["content"][0]["text"], found.rules[1:])


def test_what_replaced_a_text_is_what_the_next_payload_is_compared_with():
    frames = [text("colour", content_index=0), event("output_text.done", item_id="m", content_index=0, text="color")]
    found = fold(b"".join(frames) + done("message", 0, id="m", content=[out("color!")]) + END)

    assert "changed text m[0] '!'" in found.lines
    assert ["9.8", "9.14"] == found.rules


@pytest.mark.parametrize("said", [None, "", 5, ["x"]])
def test_a_done_payload_without_text_leaves_the_text(said):
    frames = [text("kept", content_index=0), event("output_text.done", item_id="m", content_index=0, text=said)]

    assert ["kept"] == content(*frames)
    assert "done text m[0]" in told(*frames)
    assert [""] == content(event("output_text.done", item_id="m", content_index=0, text=said))


def test_a_delta_that_comes_late_is_told_and_nothing_is_done_twice():
    frames = [text("a"), event("output_text.done", item_id="m", text="a"), text("b", content_index=0)]

    assert ["ab"] == content(*frames, event("content_part.done", item_id="m", content_index=0, part=out("ab")))
    assert [
        "created text m[0]",
        "changed text m[0] 'a'",
        "done text m[0]",
        "changed text m[0] 'b'",
    ] == told(*frames)
    # A part that opens in an item that is done is done at the end.
    late = [done("message", 0, id="m", content=[out("a")]), text("n", content_index=4)]
    assert ["done message m", "created text m[4]", "changed text m[4] 'n'", "done text m[4]"] == fold(
        b"".join(late) + END
    ).lines[4:-1]


# 9.15: members.


def test_what_is_absent_erases_nothing():
    first = done("web_search_call", 0, id="w", action={"type": "search"}, queries=["q"], note="n", empty=[], none=None)
    again = done("web_search_call", 0, id="w", action={}, queries=[], note="", empty={"x": 1}, none=[], status=None)
    (item,) = fold(first + again + END).accumulator.output

    said = {"type": "web_search_call", "id": "w", "action": {"type": "search"}, "queries": ["q"], "note": "n"}
    assert {**said, "empty": {"x": 1}, "none": []} == item.to_dict()


def test_a_done_payload_replaces_member_by_member():
    frames = added("file_search_call", 0, id="a", queries=["x"], status="in_progress", mine={"deep": {"a": 1}})
    (item,) = fold(frames + done("file_search_call", 0, id="b", queries=["y"], mine={"deep": {"b": 2}}) + END).output

    assert {"id": "b", "queries": ["y"], "status": "in_progress", "mine": {"deep": {"b": 2}}} == {
        name: item[name] for name in ("id", "queries", "status", "mine")
    }


def test_an_item_that_nobody_knows_is_its_members():
    (item,) = fold(done("odd", 0, id="x", status="s", a=None, b=[None]) + END).accumulator.output

    assert (b'{"type":"odd","id":"x","status":"s","b":[null]}', "odd") == (item.raw, item.wire_type)


# 9.16: lists of parts.


def test_entries_are_the_parts_at_their_place_or_the_first_of_their_kind():
    frames = [part("added", "odd", at=0), text("a", content_index=1), text("b", content_index=2), refusal("no")]
    listed = done("message", 0, id="m", content=[out("a!"), out("b!"), {"type": "refusal", "refusal": "no"}, out("c")])
    found = fold(b"".join(frames) + listed + text("x", content_index=1) + text("y") + END)

    # The number stays, the place is what events name.
    assert [
        "changed text m[1] '!'",
        "done text m[1]",
        "changed text m[2] '!'",
        "done text m[2]",
        "done refusal m[3]",
        "created text m[4]",
        "changed text m[4] 'c'",
        "done text m[4]",
        "done message m",
        "changed text m[2] 'x'",
        "created text m[5]",
        "changed text m[5] 'y'",
        "done text m[5]",
    ] == found.lines[7:-1]
    assert ["a!", "b!x", "no", "c", "y"] == content(*frames, listed, text("x", content_index=1), text("y"))


def test_a_number_that_a_streamed_part_has_is_given_to_no_other():
    frames = [refusal("no", content_index=0), done("message", 0, id="m", content=[out("a"), out("b")])]

    assert [
        "created text m[1]",
        "changed text m[1] 'a'",
        "done text m[1]",
        "created text m[2]",
        "changed text m[2] 'b'",
        "done text m[2]",
        "done refusal m[0]",
    ] == told(*frames)[2:]
    assert ["a", "b"] == content(*frames)
    frames = [
        refusal("no", content_index=5),
        refusal("x", content_index=9),
        done("message", 0, id="m", content=[out("a")]),
    ]
    assert "created text m[0]" in told(*frames)


def test_a_part_that_a_list_leaves_out_leaves_the_snapshot():
    frames = [text("a", content_index=0), text("b", content_index=1), done("message", 0, id="m", content=[out("a")])]

    assert ["a"] == content(*frames)
    assert ["done text m[0]", "done text m[1]"] == told(*frames)[-2:]
    # At its place a new one opens.
    assert ["a", "n"] == content(*frames, text("n", content_index=1))
    assert "created text m[2]" in told(*frames, text("n", content_index=1))


def test_summaries_are_through_before_the_content():
    listed = {"summary": [{"text": "s!"}, {"text": "S"}], "content": [{"type": "reasoning_text", "text": "t!"}]}
    frames = [thought("t", content_index=0), summary("s", summary_index=0), done("reasoning", 0, id="r", **listed)]

    assert [
        "changed summary r[0] '!'",
        "done summary r[0]",
        "created summary r[1]",
        "changed summary r[1] 'S'",
        "done summary r[1]",
        "changed reasoning_text r[0] '!'",
        "done reasoning_text r[0]",
    ] == told(*frames)[4:]
    frames[2] = done("reasoning", 0, id="r", content=listed["content"])
    assert ["done summary r[0]", "changed reasoning_text r[0] '!'", "done reasoning_text r[0]"] == told(*frames)[4:]


def test_what_says_again_the_other_list_adds_nothing():
    frames = [summary("a", summary_index=0), summary("b", summary_index=1)]
    repeated = done("reasoning", 0, id="r", content=[{"type": "reasoning_text", "text": "ab"}])
    (item,) = fold(b"".join(frames) + repeated + END).output
    assert (["a", "b"], []) == (item["summary"], item["content"])
    assert ["9.8", "9.16"] == fold(b"".join(frames) + repeated + END).rules

    (item,) = fold(thought("t") + done("reasoning", 0, id="r", summary=["t"]) + END).output
    assert ([], ["t"]) == (item["summary"], item["content"])
    # Other words, or both lists, count.
    (item,) = fold(thought("t") + done("reasoning", 0, id="r", summary=["u"]) + END).output
    assert (["u"], ["t"]) == (item["summary"], item["content"])
    both = done("reasoning", 0, id="r", summary=["a"], content=["a"])
    (item,) = fold(summary("a") + both + END).output
    assert (["a"], ["a"]) == (item["summary"], item["content"])
    (item,) = fold(done("reasoning", 0, id="r", content=[{"text": ""}]) + END).output
    assert ([], [""]) == (item["summary"], item["content"])


def test_halves_of_a_character_are_the_character_when_they_are_said_again():
    frames = [summary("\ud83d", summary_index=0), summary("\ude42", summary_index=1)]
    (item,) = fold(b"".join(frames) + done("reasoning", 0, id="r", content=["\U0001f642"]) + END).output

    assert [] == item["content"]


# 9.17: annotations and log probabilities.


def annotate(index: object = None, **annotation: object) -> bytes:
    place = {} if index is None else {"annotation_index": index}
    return event("output_text.annotation.added", item_id="m", content_index=0, **place, annotation=annotation)


def test_annotations_have_their_place():
    frames = [
        text("a", content_index=0),
        annotate(4, type="x", n=1),
        annotate(2, type="x", n=2),
        annotate(type="x", n=3),
    ]
    found = fold(b"".join(frames) + annotate("4", type="x", n=5) + annotate(2, type="y") + END)

    assert [{"type": "y"}, {"type": "x", "n": 5}, {"type": "x", "n": 3}] == found.output[0]["content"][0]["annotations"]
    marks = [4, 2, 5, 4, 2]
    assert [f"changed text m[0] annotation={place}" for place in marks] == [
        line for line in found.lines if "ann" in line
    ]


def test_an_annotation_fills_in_what_is_there():
    found = fold(
        text("a", content_index=0) + annotate(0, type="x", a=1, b="c") + annotate(0, type="x", a=2, b="") + END
    )

    assert [{"type": "x", "a": 2, "b": "c"}] == found.output[0]["content"][0]["annotations"]


def test_a_list_in_a_done_payload_replaces_them():
    frames = [text("a", content_index=0), annotate(0, type="x"), annotate(1, type="y")]
    closing = part("done", "output_text", at=0, text="a", annotations=[{"type": "z"}])

    assert [{"type": "z"}] == fold(b"".join(frames) + closing + END).output[0]["content"][0]["annotations"]
    closing = part("done", "output_text", at=0, text="a", annotations=[])
    found = fold(b"".join(frames) + closing + annotate(type="q") + END)
    assert [{"type": "x"}, {"type": "y"}, {"type": "q"}] == found.output[0]["content"][0]["annotations"]
    assert {"annotation[0]", "annotation[1]", "annotation[2]"} == {
        change.field for change in found.changes if getattr(change, "delta", None) == ""
    }


def test_log_probabilities_are_joined_and_replaced():
    one, two, three = ({"token": token, "logprob": -0.5} for token in "abc")
    frames = [text("a", logprobs=[one]), text("b", logprobs=[]), text("c", logprobs=[two]), text("", logprobs=[three])]

    assert [one, two, three] == fold(b"".join(frames) + END).output[0]["content"][0]["logprobs"]
    closing = event("output_text.done", item_id="m", text="abc", logprobs=[three])
    assert [three] == fold(b"".join(frames) + closing + END).output[0]["content"][0]["logprobs"]
    assert "logprobs" not in fold(text("a", logprobs="x") + END).output[0]["content"][0]


def test_a_change_shows_its_text():
    found = fold(text("a") + text("b") + annotate(type="x") + refusal("no", content_index=4) + thought("t") + END)
    shown = [change.snapshot for change in found.changes if type(change).__name__.endswith("Changed")]

    assert ["ab", "ab", "ab", "no", "t"] == shown[:5]
    kinds = {change.kind for change in found.changes if type(change).__name__.startswith("Reasoning")}
    assert {"text"} == kinds
