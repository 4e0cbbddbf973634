"""Message deltas and payloads folded into a Message: rules 5.1 to 5.4, 5.8 to 5.10, 5.12."""

import json

import pytest
from assistant_folds import end_message, fold, message_delta, text
from assistants_wire import frame, run

from asyncstream.accumulators import (
    AssistantAccumulator,
    ImageFileChanged,
    ImageFileCreated,
    ImageFileDone,
    MessageChanged,
    MessageCreated,
    TextChanged,
    TextCreated,
    TextDone,
)
from asyncstream.types import (
    FileCitation,
    FileCitationAnnotation,
    FilePath,
    FilePathAnnotation,
    ImageFile,
    ImageFileContentBlock,
    ImageURLContentBlock,
    Message,
    Text,
    TextContentBlock,
    TextDelta,
    UnknownAnnotation,
    UnknownContentBlock,
    URLCitation,
    URLCitationAnnotation,
)

END = run("completed")


def image(file_id: str, index: int | None = 0, **fields: str) -> dict[str, object]:
    at = {} if index is None else {"index": index}
    return {**at, "type": "image_file", "image_file": {"file_id": file_id} | fields}


def refusal(words: str | None, index: int | None = 0) -> dict[str, object]:
    at = {} if index is None else {"index": index}
    return {**at, "type": "refusal", "refusal": words}


def created(id: str = "m", word: str = "created", **fields: object) -> bytes:
    return frame(f"thread.message.{word}", id=id, **fields)


# Created and routing.


def test_created_fires_before_the_first_fold_with_an_empty_snapshot():
    found = fold(
        created(status="in_progress", role="user", thread_id="t", run_id="r", content=[text("early", None)]),
        message_delta("m", text("!")),
    )

    (first, *_) = found.changes
    assert isinstance(first, MessageCreated)
    assert first.snapshot == Message(id="m", status="in_progress", role="user", thread_id="t", run_id="r")
    assert found.callbacks[:2] == ["message_created m", "text_created ''"]


def test_first_delta_fires_its_own_delta_after_created():
    assert fold(message_delta("m", text("a"))).callbacks[:4] == [
        "message_created m",
        "text_created ''",
        "text_delta 'a'",
        "message_delta m",
    ]


@pytest.mark.parametrize("word", ["created", "in_progress", "completed", "incomplete"])
def test_unknown_id_makes_a_stub_whatever_event_brings_it(word):
    found = fold(created(word=word))

    assert found.callbacks[0] == "message_created m"
    assert [message["id"] for message in found.messages] == ["m"]


def test_messages_are_routed_by_id_and_listed_first_seen_first():
    found = fold(
        created("b"),
        created("a"),
        message_delta("a", text("A")),
        message_delta("b", text("B")),
        message_delta("c", text("C")),
        message_delta("a", text("A")),
    )

    assert [(m["id"], m["content"][0]["value"]) for m in found.messages] == [("b", "B"), ("a", "AA"), ("c", "C")]


def test_current_message_is_that_of_the_last_message_event():
    accumulator = AssistantAccumulator()
    assert accumulator.current_message is None
    fold(message_delta("a", text("A")), message_delta("b", text("B")), run("queued"), into=accumulator)

    assert accumulator.current_message is accumulator.messages[1]
    fold(end_message("a"), into=accumulator)
    assert accumulator.current_message is accumulator.messages[0]


def test_late_or_second_created_fires_nothing_and_erases_nothing():
    found = fold(
        message_delta("m", text("a")), created(content=[text("x", None)], metadata={"k": "v"}), created(content=[])
    )

    assert found.callbacks.count("message_created m") == 1
    assert found.content == [{"type": "text", "value": "a", "annotations": 0}]
    assert found.accumulator.messages[0].metadata == {"k": "v"}
    assert found.repaired == ["5.2", "5.2"]


# Statuses.


@pytest.mark.parametrize(
    ("frames", "status"),
    [
        ([created()], "in_progress"),
        ([created(status="queued")], "queued"),
        ([created(word="in_progress")], "in_progress"),
        ([created(word="completed")], "completed"),
        ([created(word="incomplete")], "incomplete"),
        ([created(word="incomplete", status=None)], "incomplete"),
        ([created(word="completed", status="incomplete")], "incomplete"),
        ([message_delta("m", text("a"))], "in_progress"),
        ([created(word="completed"), message_delta("m", text("a"))], "completed"),
        ([created(word="completed"), created()], "completed"),
        ([created(word="completed"), created(status="")], "completed"),
    ],
)
def test_status_is_kept_as_sent_else_the_last_word_of_the_event(frames, status):
    assert fold(*frames).messages[0]["status"] == status


# Payloads.


def test_payloads_replace_field_by_field_and_absent_erases_nothing():
    found = fold(
        created(role="user", thread_id="t", metadata={"k": "v"}, created_at=5),
        created(word="in_progress", metadata=None, thread_id="", assistant_id="a"),
        created(word="completed", metadata={}, completed_at=9, attachments=[]),
    )
    (message,) = found.accumulator.messages

    assert message == Message(
        id="m",
        role="user",
        thread_id="t",
        metadata={"k": "v"},
        created_at=5,
        assistant_id="a",
        completed_at=9,
        status="completed",
    )


@pytest.mark.parametrize("word", ["created", "in_progress"])
def test_early_list_counts_while_nothing_was_streamed(word):
    found = fold(created(word=word, content=[text("a", None)]), message_delta("m", text("b")))

    assert found.content == [{"type": "text", "value": "ab", "annotations": 0}]
    assert found.callbacks[1:4] == ["text_created ''", "text_delta 'b'", "message_delta m"]


@pytest.mark.parametrize("word", ["created", "in_progress"])
def test_early_list_does_not_count_once_something_was_streamed(word):
    assert fold(message_delta("m", text("a")), created(word=word, content=[text("b", None)])).content == [
        {"type": "text", "value": "a", "annotations": 0}
    ]


@pytest.mark.parametrize("word", ["created", "in_progress"])
def test_early_list_does_not_replace_what_is_authoritative(word):
    assert fold(end_message("m", text("whole", None)), created(word=word, content=[text("who", None)])).content == [
        {"type": "text", "value": "whole", "annotations": 0}
    ]


@pytest.mark.parametrize("word", ["completed", "incomplete"])
def test_list_of_an_ending_payload_is_authoritative(word):
    found = fold(message_delta("m", text("Hel")), end_message("m", text("Hello", None), word=word))

    assert found.content == [{"type": "text", "value": "Hello", "annotations": 0}]
    assert found.callbacks[4:] == ["text_done 'Hello'", "message_done m", "exception", "end"]


@pytest.mark.parametrize("content", [[], None])
def test_empty_list_of_an_ending_payload_erases_nothing(content):
    assert fold(message_delta("m", text("a")), created(word="completed", content=content)).content == [
        {"type": "text", "value": "a", "annotations": 0}
    ]


def test_annotations_of_an_authoritative_part_replace_and_empty_ones_erase_nothing():
    cited = text("a", annotations=[{"index": 0, "type": "file_path", "text": "p"}])
    streamed = message_delta("m", cited)

    assert fold(streamed, end_message("m", text("a", None, annotations=[]))).content[0]["annotations"] == 1
    two = [{"type": "file_path"}, {"type": "file_citation"}]
    assert fold(streamed, end_message("m", text("a", None, annotations=two))).content[0]["annotations"] == 2


# Parts.


def test_texts_and_refusals_are_joined():
    found = fold(
        message_delta("m", text("a"), refusal("x", 1)),
        message_delta("m", text("b"), refusal(None, 1), text(""), text(None)),
        message_delta("m", refusal("y", 1)),
    )

    assert found.content == [
        {"type": "text", "value": "ab", "annotations": 0},
        {"type": "refusal", "refusal": "xy"},
    ]


def test_files_urls_and_details_replace():
    found = fold(
        message_delta("m", image("f"), {"index": 1, "type": "image_url", "image_url": {"url": "u", "detail": "low"}}),
        message_delta("m", image("g", detail="high"), {"index": 1, "type": "image_url", "image_url": {"url": "v"}}),
        message_delta("m", {"index": 0, "type": "image_file", "image_file": {"file_id": None}}),
    )

    first, second = found.accumulator.messages[0].content
    assert isinstance(first, ImageFileContentBlock)
    assert isinstance(second, ImageURLContentBlock)
    assert (first.image_file.file_id, first.image_file.detail) == ("g", "high")
    assert (second.image_url.url, second.image_url.detail) == ("v", "low")


def test_parts_are_listed_by_index_and_gaps_are_left_out():
    found = fold(message_delta("m", text("d", 7)), message_delta("m", text("a", 2)), message_delta("m", text("b", 5)))

    assert [part["value"] for part in found.content] == ["a", "b", "d"]


def test_part_without_index_goes_on_with_the_last_opened_of_its_type():
    found = fold(message_delta("m", text("a", 3)), message_delta("m", text("b", None)))

    assert [part["value"] for part in found.content] == ["ab"]


def test_part_without_index_of_another_type_is_a_new_one_after_all_others():
    found = fold(
        message_delta("m", text("a", 3)), message_delta("m", refusal("x", None)), message_delta("m", text("b", None))
    )

    assert found.content == [
        {"type": "text", "value": "a", "annotations": 0},
        {"type": "refusal", "refusal": "x"},
        {"type": "text", "value": "b", "annotations": 0},
    ]


def test_part_without_index_does_not_go_on_with_one_that_only_a_payload_brought():
    found = fold(created(content=[text("a", None)]), message_delta("m", text("b", None)))

    assert [part["value"] for part in found.content] == ["a", "b"]


def test_index_may_be_a_digit_string():
    found = fold(
        message_delta("m", text("a")), message_delta("m", {"index": "0", "type": "text", "text": {"value": "b"}})
    )

    assert [part["value"] for part in found.content] == ["ab"]
    assert found.repaired == ["6.4"]


@pytest.mark.parametrize("type_", [{}, {"type": None}, {"type": ""}])
def test_part_without_a_type_goes_on_as_it_is(type_):
    found = fold(message_delta("m", text("a")), message_delta("m", {"index": 0, "text": {"value": "b"}} | type_))

    assert found.content == [{"type": "text", "value": "ab", "annotations": 0}]
    assert found.callbacks[4:6] == ["text_delta 'b'", "message_delta m"]
    assert found.repaired == ["6.4"]


def test_part_that_says_nothing_of_itself_goes_on_as_it_is():
    found = fold(message_delta("m", text("a")), message_delta("m", {"index": 0}), message_delta("m", {}))

    assert found.content == [{"type": "text", "value": "a", "annotations": 0}]
    assert found.callbacks.count("text_delta ''") == 2
    assert found.repaired == ["5.4", "5.4"]


def test_type_of_a_part_stays_and_nothing_of_another_type_is_lost():
    found = fold(message_delta("m", text("a")), message_delta("m", refusal("x")), message_delta("m", text("b")))

    assert found.content == [
        {"type": "text", "value": "ab", "annotations": 0},
        {"type": "refusal", "refusal": "x"},
    ]
    assert found.repaired == ["5.4"]


def test_one_object_for_a_list_of_parts_is_one_part():
    found = fold(frame("thread.message.delta", id="m", delta={"content": text("a")}))

    assert found.content == [{"type": "text", "value": "a", "annotations": 0}]


@pytest.mark.parametrize("delta", [{}, {"content": None}, {"content": []}, None, {"role": "assistant"}])
def test_delta_without_parts_is_a_delta_of_the_message(delta):
    found = fold(frame("thread.message.delta", id="m", delta=delta))

    assert found.callbacks[:2] == ["message_created m", "message_delta m"]
    assert found.content == []


def test_role_of_a_delta_counts():
    assert fold(frame("thread.message.delta", id="m", delta={"role": "user"})).accumulator.messages[0].role == "user"


# Unknown parts.


def test_unknown_part_is_kept_with_all_that_was_folded():
    found = fold(
        message_delta("m", {"index": 0, "type": "hologram", "hologram": {"input": "a", "size": 1}}),
        message_delta("m", {"index": 0, "type": "hologram", "hologram": {"input": "b", "size": 2}}),
        message_delta("m", {"index": 0, "x": 1}),
    )
    (part,) = found.accumulator.messages[0].content

    assert isinstance(part, UnknownContentBlock)
    assert part.wire_type == "hologram"
    assert json.loads(part.raw) == {"type": "hologram", "hologram": {"input": "ab", "size": 2}, "x": 1}
    assert found.callbacks.count("message_delta m") == 3


def test_unknown_parts_of_two_types_are_two_parts():
    found = fold(message_delta("m", {"type": "hologram", "x": 1}), message_delta("m", {"type": "video", "x": 2}))

    assert found.content == [{"type": "hologram"}, {"type": "video"}]


def test_unknown_parts_grow_beside_each_other_by_index():
    found = fold(
        message_delta("m", {"index": 1, "type": "hologram", "x": 1}, {"index": 0, "type": "hologram", "x": 2}),
        message_delta("m", {"index": 1, "type": "hologram", "y": 3}, {"index": 4, "type": "hologram", "y": 4}),
    )
    parts = found.accumulator.messages[0].content

    assert [json.loads(part.raw) for part in parts] == [  # type: ignore[union-attr]
        {"type": "hologram", "x": 2},
        {"type": "hologram", "x": 1, "y": 3},
        {"type": "hologram", "y": 4},
    ]


def test_unknown_part_of_an_ending_payload_replaces():
    found = fold(
        message_delta("m", {"index": 0, "type": "hologram", "x": 1}), end_message("m", {"type": "hologram", "y": 2})
    )
    (part,) = found.accumulator.messages[0].content

    assert isinstance(part, UnknownContentBlock)
    assert json.loads(part.raw) == {"type": "hologram", "y": 2}


def test_opening_an_unknown_part_closes_the_open_one():
    found = fold(message_delta("m", text("a")), message_delta("m", {"index": 1, "type": "hologram"}))

    assert found.callbacks[4:6] == ["text_done 'a'", "message_delta m"]


# Annotations.


def annotated(*annotations: dict[str, object]) -> bytes:
    return message_delta("m", {"index": 0, "type": "text", "text": {"annotations": list(annotations)}})


def test_annotations_merge_by_index():
    found = fold(
        annotated({"index": 1, "type": "file_citation", "text": "[1]", "file_citation": {"file_id": "f"}}),
        annotated({"index": 0, "type": "file_path", "text": "p", "file_path": {"file_id": "g"}, "start_index": 0}),
        annotated({"index": 1, "type": "file_citation", "start_index": 3, "file_citation": {"quote": "q"}}),
        annotated({"index": 0, "type": "file_path", "end_index": 4}),
    )
    (part,) = found.accumulator.messages[0].content

    assert isinstance(part, TextContentBlock)
    assert part.text.annotations == [
        FilePathAnnotation(text="p", file_path=FilePath(file_id="g"), start_index=0, end_index=4),
        FileCitationAnnotation(text="[1]", file_citation=FileCitation(file_id="f", quote="q"), start_index=3),
    ]


def test_annotation_without_index_is_appended():
    found = fold(
        annotated({"index": 4, "type": "file_path", "text": "a"}),
        annotated({"type": "url_citation", "text": "b", "url_citation": {"url": "u", "title": "t"}}),
        annotated({"type": "url_citation", "text": "c"}),
    )
    (part,) = found.accumulator.messages[0].content

    assert isinstance(part, TextContentBlock)
    assert part.text.annotations[1:] == [
        URLCitationAnnotation(text="b", url_citation=URLCitation(url="u", title="t")),
        URLCitationAnnotation(text="c"),
    ]


def test_unknown_annotations_merge_by_index_too():
    found = fold(
        annotated({"index": 0, "type": "footnote", "a": 1}, {"type": "footnote", "b": 2}),
        annotated({"index": 0, "type": "footnote", "c": 3}, {"index": "0", "d": 4}),
    )
    (part,) = found.accumulator.messages[0].content

    assert isinstance(part, TextContentBlock)
    first, second = part.text.annotations
    assert isinstance(first, UnknownAnnotation)
    assert isinstance(second, UnknownAnnotation)
    assert (first.wire_type, json.loads(first.raw)) == ("footnote", {"type": "footnote", "a": 1, "c": 3, "d": 4})
    assert (second.wire_type, json.loads(second.raw)) == ("footnote", {"type": "footnote", "b": 2})


def test_annotation_without_a_type_goes_on_as_it_is():
    found = fold(
        annotated({"index": 0, "type": "file_citation", "text": "[0]"}), annotated({"index": 0, "start_index": 5})
    )
    (part,) = found.accumulator.messages[0].content

    assert isinstance(part, TextContentBlock)
    assert part.text.annotations == [FileCitationAnnotation(text="[0]", start_index=5)]


def test_delta_with_annotations_only_is_a_text_delta_without_text():
    found = fold(message_delta("m", text("x")), annotated({"index": 0, "type": "file_path"}))

    assert found.callbacks[4:6] == ["text_delta ''", "message_delta m"]


# What opens and what closes.


def test_opening_a_part_closes_the_open_one_of_the_same_message_before_its_own_created():
    found = fold(
        message_delta("a", text("1")),
        message_delta("b", text("2")),
        message_delta("a", image("f", 1)),
        message_delta("a", text("3", 2)),
    )

    assert found.callbacks[8:-2] == [
        "text_done '1'",
        "message_delta a",
        "image_file_done f",
        "text_created ''",
        "text_delta '3'",
        "message_delta a",
    ]


def test_parts_that_open_in_one_delta_close_one_another():
    assert fold(message_delta("m", text("a"), text("b", 1))).callbacks[1:7] == [
        "text_created ''",
        "text_delta 'a'",
        "text_done 'a'",
        "text_created ''",
        "text_delta 'b'",
        "message_delta m",
    ]


def test_late_delta_to_a_closed_part_is_folded_and_never_closes_it_again():
    found = fold(
        message_delta("m", text("a")),
        message_delta("m", text("x", 1)),
        message_delta("m", text("b")),
        end_message("m"),
        message_delta("m", text("c")),
        END,
    )

    assert [part["value"] for part in found.content] == ["abc", "x"]
    assert [said for said in found.callbacks if "done" in said] == ["text_done 'a'", "text_done 'x'", "message_done m"]
    assert found.callbacks[-4:] == ["message_done m", "text_delta 'c'", "message_delta m", "end"]


def test_ending_closes_what_is_open_in_list_order():
    found = fold(message_delta("m", text("b", 1)), end_message("m", text("a", None), text("b", None), image("f", None)))

    # The streamed part is the first of the list by position, whatever its index was.
    assert found.callbacks[4:-2] == [
        "text_done 'a'",
        "text_created ''",
        "text_done 'b'",
        "image_file_done f",
        "message_done m",
    ]


def test_part_that_no_delta_opened_is_created_and_done_without_an_invented_delta():
    found = fold(end_message("m", text("a", None), image("f", None), refusal("r", None)))

    assert found.callbacks[:-2] == [
        "message_created m",
        "text_created ''",
        "text_done 'a'",
        "image_file_done f",
        "message_done m",
    ]
    assert [type(change) for change in found.changes if "Changed" in type(change).__name__] == []


def test_created_part_that_the_list_lacks_is_done_after_the_others():
    found = fold(message_delta("m", text("gone")), end_message("m", image("f", None), text("new", None)))

    assert found.content == [
        {"type": "image_file", "file_id": "f"},
        {"type": "text", "value": "new", "annotations": 0},
    ]
    assert found.callbacks[4:-2] == [
        "image_file_done f",
        "text_created ''",
        "text_done 'new'",
        "text_done 'gone'",
        "message_done m",
    ]


def test_text_after_a_part_that_the_list_lacks_is_not_lost():
    found = fold(
        message_delta("m", text("gone", None)),
        end_message("m", image("f", None)),
        message_delta("m", text("late", None)),
    )

    assert found.content[-1] == {"type": "text", "value": "late", "annotations": 0}


def test_second_ending_tells_nothing_again():
    found = fold(end_message("m", text("a", None)), end_message("m", text("b", None), word="incomplete"), END)

    assert found.content[0]["value"] == "b"
    assert [said for said in found.callbacks if "done" in said] == ["text_done 'a'", "message_done m"]


def test_images_have_no_callback_but_done_and_their_changes_tell_all():
    found = fold(message_delta("m", image("f")), message_delta("m", image("g")), end_message("m"))
    changes = [change for change in found.changes if "Image" in type(change).__name__]

    assert [type(change) for change in changes] == [ImageFileCreated, ImageFileChanged, ImageFileChanged, ImageFileDone]
    assert changes[0].snapshot == ImageFile()
    assert changes[-1].snapshot == ImageFile(file_id="g")
    assert [said for said in found.callbacks if "image" in said] == ["image_file_done g"]


# Snapshots.


def changes_of(*frames: bytes) -> list[object]:
    return [*fold(*frames).changes]


def test_changes_of_a_part_name_their_message_and_place():
    found = [
        change for change in changes_of(message_delta("m", text("a", 3)), end_message("m")) if "Text" in repr(change)
    ]

    created, changed, _, done = found
    assert isinstance(created, TextCreated)
    assert isinstance(changed, TextChanged)
    assert isinstance(done, TextDone)
    assert {(change.message_id, change.index) for change in (created, changed, done)} == {("m", 3)}
    assert created.snapshot == Text()
    assert changed.delta == TextDelta(value="a")
    assert done.snapshot == Text(value="a")


def test_snapshot_of_a_change_includes_its_event():
    accumulator = AssistantAccumulator()
    first = fold(message_delta("m", text("a")), into=accumulator).changes
    seen = first[2].snapshot
    fold(message_delta("m", text("b")), into=accumulator)

    assert seen == Text(value="a")
    assert first[2].snapshot == Text(value="ab")


def test_held_snapshot_does_not_change_with_later_folds():
    accumulator = AssistantAccumulator()
    fold(message_delta("m", text("a")), annotated({"index": 0, "type": "file_path", "text": "p"}), into=accumulator)
    held = accumulator.messages[0]
    copy = Message(id="m", status="in_progress", content=held.content)
    fold(
        message_delta("m", text("b"), image("f", 1)),
        annotated({"index": 0, "type": "file_path", "text": "q"}, {"index": 1, "type": "file_path"}),
        end_message("m", text("whole", None), metadata={"k": "v"}),
        into=accumulator,
    )

    assert held == copy
    assert held.content == [TextContentBlock(text=Text(value="a", annotations=[FilePathAnnotation(text="p")]))]
    assert accumulator.messages[0] != held


def test_snapshot_is_built_once_until_the_next_fold():
    accumulator = AssistantAccumulator()
    fold(message_delta("m", text("a")), message_delta("n", text("b")), into=accumulator)
    first, other = accumulator.messages

    assert accumulator.messages[0] is first
    fold(message_delta("m", text("c")), into=accumulator)
    assert accumulator.messages[0] is not first
    assert accumulator.messages[1] is other


def test_changed_message_has_the_delta_of_its_event():
    (change,) = [change for change in changes_of(message_delta("m", text("a"))) if isinstance(change, MessageChanged)]

    assert change.delta.content is not None
    assert change.snapshot.content == [TextContentBlock(text=Text(value="a"))]
    assert repr(change).startswith("MessageChanged(delta=")


# Half surrogate pairs.


def test_half_pair_is_as_sent_in_the_delta_and_held_back_in_snapshots():
    first = message_delta("m", text("a\ud83d"))
    found = fold(first)

    assert found.callbacks[2] == "text_delta 'a\\ud83d'"
    assert found.content[0]["value"] == "a"
    assert found.repaired == ["6.2"]
    assert fold(first, message_delta("m", text("\ude00b"))).content[0]["value"] == "a\U0001f600b"


@pytest.mark.parametrize("part", [text("a\ud83d"), refusal("a\ud83d")])
def test_half_pair_without_partner_is_replaced_when_its_part_ends(part):
    for frames in ([end_message("m")], [message_delta("m", image("f", 1))], [END]):
        said = fold(message_delta("m", part), *frames).content[0]

        assert said.get("value", said.get("refusal")) == "a\ufffd"


def test_half_pairs_anywhere_else_are_replaced_so_that_snapshots_can_be_encoded():
    found = fold(
        created(metadata={"k": "v\ud83d"}, thread_id="t\ud83d"),
        annotated({"index": 0, "type": "file_citation", "file_citation": {"quote": "q\ud83d"}}),
        message_delta("m", {"index": 1, "type": "hologram", "x": "x\ud83d", "input": "y\ud83d"}),
        END,
    )
    (message,) = found.accumulator.messages
    cited, unknown = message.content

    assert message.metadata == {"k": "v\ufffd"}
    assert isinstance(cited, TextContentBlock)
    assert cited.text.annotations == [FileCitationAnnotation(file_citation=FileCitation(quote="q\ufffd"))]
    assert isinstance(unknown, UnknownContentBlock)
    assert json.loads(unknown.raw) == {"type": "hologram", "x": "x\ufffd", "input": "y\ufffd"}


# Hostile.


def test_our_own_tag_on_the_wire_can_do_no_harm():
    body = b'{"index":0,"type":"unknown","wire_type":"x","raw":"////"}'
    data = b'{"id":"m","delta":{"content":[%s]}}' % body
    found = fold(b"event: thread.message.delta\ndata: " + data + b"\n\n")

    assert found.content == [{"type": "x"}]


def test_a_part_of_another_kind_in_the_authoritative_list_takes_the_next_free_index():
    image = {"type": "image_file", "image_file": {"file_id": "f"}}

    found = fold(message_delta("m", text("a"), text("b", 1)), end_message("m", image, image), END)

    done = [change.index for change in found.changes if isinstance(change, ImageFileDone)]
    assert [2, 3] == done


def test_a_part_without_an_index_comes_behind_the_authoritative_list():
    found = fold(
        message_delta("m", text("a")),
        end_message("m", {"type": "text", "text": {"value": "a", "annotations": []}}),
        message_delta("m", {"type": "image_file", "image_file": {"file_id": "f"}}),
        END,
    )

    assert [1] == [change.index for change in found.changes if isinstance(change, ImageFileCreated)]
