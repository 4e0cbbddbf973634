"""Nothing that the wire said is lost: members that no field names, and reasoning in all its forms (6.3, 4.6 to 4.8)."""

import json
import pickle

import pytest
from chat_folds import DONE, call, chunk, cuts, delta, fold

from asyncstream.accumulators import ContentChanged, fold_answer
from asyncstream.events import decode_stream


def message_of(*frames):
    return fold(b"".join(frames) + DONE).completion.choices[0].message


def test_members_that_no_field_names_stand_where_they_came():
    beyond = {"index": 0, "token_ids": [1, 2], "delta": {"content": "a", "opaque": "zz"}}
    (found,) = decode_stream(chunk(beyond, timings={"n": 1}, none=None), "chat")

    assert found.extra == {"timings": {"n": 1}}
    assert found.choices[0].extra == {"token_ids": [1, 2]}
    assert found.choices[0].delta.extra == {"opaque": "zz"}


def test_plain_chunk_has_none():
    (found,) = decode_stream(delta(content="a"), "chat")

    assert (found.extra, found.choices[0].extra, found.choices[0].delta.extra) == ({}, {}, {})


@pytest.mark.parametrize("size", [1 << 20, 1])
def test_they_are_folded_objects_merged_all_else_replaced(size):
    first = {"index": 0, "delta": {"content": "a", "meta": {"x": {"p": 1}, "y": [1]}}, "stop_reason": 1}
    second = {"index": 0, "delta": {"content": "b", "meta": {"x": {"q": "é"}, "y": [2]}}, "stop_reason": None}
    third = {"index": 0, "delta": {"word": "last"}, "finish_reason": "stop", "stop_reason": "eos"}
    body = chunk(first, timings={"a": 1}) + chunk(second, timings={"b": 2}) + chunk(third, timings={"a": 3})
    found = fold(cuts(body + DONE, size))
    choice = found.completion.choices[0]

    assert found.completion.extra == {"timings": {"a": 3, "b": 2}}
    assert choice.extra == {"stop_reason": "eos"}
    assert choice.message.extra == {"meta": {"x": {"p": 1, "q": "é"}, "y": [2]}, "word": "last"}
    assert choice.message.content == "ab"
    assert found.rules == []


def test_those_of_a_message_go_back():
    message = message_of(delta(role="assistant", content="a", reasoning_opaque="zz"), delta("stop"))

    assert message.to_param() == {"role": "assistant", "content": "a", "reasoning_opaque": "zz"}
    assert message.to_param(reasoning=False) == {"role": "assistant", "content": "a"}


def test_those_of_a_call_and_of_its_function_go_back():
    first = call(0, "f", '{"a"', id="c", provider={"n": 1})
    first["function"] |= {"strict": True, "none": None}
    (made,) = message_of(
        delta(tool_calls=[first]), delta("tool_calls", tool_calls=[call(0, arguments=":1}", rank=2)])
    ).tool_calls

    assert made.extra == {"provider": {"n": 1}, "rank": 2, "function": {"strict": True}}
    assert made.parse() == {"a": 1}
    assert made.to_param() == {
        "id": "c",
        "type": "function",
        "function": {"name": "f", "arguments": '{"a":1}', "strict": True},
        "provider": {"n": 1},
        "rank": 2,
    }


def test_member_called_extra_is_one_like_others():
    message = message_of(delta("stop", content="a", extra={"x": 1}))

    assert message.extra == {"extra": {"x": 1}}
    assert message.to_param()["extra"] == {"x": 1}


def test_filler_is_not_kept():
    found = fold(chunk({"index": 0, "delta": {"content": "a"}}, p="abcdef", obfuscation="xyz") + delta("stop") + DONE)

    assert found.completion.extra == {}


def test_they_do_not_open_a_choice():
    assert fold(chunk({"index": 0, "content_filter_offsets": {"start": 0}}) + DONE).completion.choices == []


def test_whole_answer_has_them_too():
    message = {
        "content": "a",
        "images": [{"url": "u"}],
        "annotation": 1,
        "tool_calls": [call(None, "f", "{}", id="c", n=2)],
    }
    whole = {
        "id": "c",
        "choices": [{"index": 0, "message": message, "rank": 3, "finish_reason": "stop"}],
        "request": "r",
    }
    found = fold_answer(json.dumps(whole).encode())

    assert (found.extra, found.choices[0].extra) == ({"request": "r"}, {"rank": 3})
    assert found.choices[0].message.extra == {"annotation": 1}
    assert found.choices[0].message.tool_calls[0].extra == {"n": 2}


def test_half_a_character_in_one_is_mended():
    body = b'data: {"choices":[{"index":0,"delta":{"content":"a","odd":"\\ud83d"}}]}\n\n'
    message = message_of(body, delta("stop"))

    assert message.extra == {"odd": "\ufffd"}


def test_what_is_nested_too_deep_ends_the_stream_or_is_left_out():
    deep = b"[" * 100 + b"]" * 100
    found = fold(
        b'data: {"choices":[{"index":0,"delta":{"content":"a","odd":' + deep + b"}}]}\n\n" + delta("stop") + DONE
    )

    assert found.completion.choices[0].message.content == "a"
    pickle.loads(pickle.dumps(found.accumulator))


# Reasoning.


@pytest.mark.parametrize("key", ["reasoning_content", "reasoning", "reasoning_text"])
def test_key_of_the_wire_goes_back_once_any_string_came_under_it(key):
    empty = message_of(delta(content="a", **{key: ""}), delta("stop"))
    some = message_of(delta(**{key: "hm"}), delta("stop", content="a", **{key: None}))

    assert (empty.reasoning, empty.to_param()[key]) == (None, "")
    assert (some.reasoning, some.to_param()[key]) == ("hm", "hm")
    assert [name for name in some.to_param() if name.startswith("reasoning")] == [key]
    assert "reasoning" not in str(some.to_param(reasoning=False))


def test_empty_key_of_a_whole_message_goes_back():
    found = fold_answer(b'{"choices":[{"message":{"content":"a","reasoning_content":""}}]}')

    assert found.choices[0].message.to_param()["reasoning_content"] == ""


def test_thinking_blocks_are_one_until_their_signature():
    blocks = [
        {"type": "thinking", "thinking": "Add ", "signature": ""},
        {"type": "thinking", "thinking": "them."},
        {"type": "thinking", "thinking": "", "signature": "s1"},
        {"type": "thinking", "thinking": "Next."},
        {"type": "redacted_thinking", "data": "QUFB"},
        {"type": "redacted_thinking", "data": "QkJC"},
    ]
    message = message_of(*(delta(thinking_blocks=[block]) for block in blocks), delta("stop", content="a"))

    assert message.reasoning == "Add them.Next."
    assert message.thinking_blocks == message.to_param()["thinking_blocks"]
    assert message.thinking_blocks == [
        {"type": "thinking", "thinking": "Add them.", "signature": "s1"},
        {"type": "thinking", "thinking": "Next."},
        {"type": "redacted_thinking", "data": "QUFB"},
        {"type": "redacted_thinking", "data": "QkJC"},
    ]
    assert "thinking_blocks" not in message.to_param(reasoning=False)


def test_thinking_blocks_with_an_index_are_merged_by_it():
    message = message_of(
        delta(thinking_blocks=[{"index": 0, "type": "thinking", "thinking": "a"}]),
        delta(thinking_blocks=[{"index": 1, "type": "thinking", "thinking": "x"}]),
        delta("stop", thinking_blocks=[{"index": 0, "thinking": "b", "signature": "s"}]),
    )

    assert [block["thinking"] for block in message.thinking_blocks] == ["ab", "x"]


def test_blocks_say_again_what_a_key_has_said():
    message = message_of(
        delta(reasoning_content="a", thinking_blocks=[{"type": "thinking", "thinking": "a"}]),
        delta("stop", thinking_blocks=[{"type": "thinking", "thinking": "b"}]),
    )

    assert message.reasoning == "a"
    assert message.thinking_blocks == [{"type": "thinking", "thinking": "ab"}]


def test_parts_of_reasoning_are_reasoning_and_neighbours_are_one():
    def summary(text, **more):
        return {"type": "reasoning", "summary": [{"type": "summary_text", "text": text, **more}]}

    message = message_of(
        delta(content=[summary("Count ")]),
        delta(content=[summary("them.")]),
        delta(content=[summary("", signature="s")]),
        delta(content=[{"type": "text", "text": "Three."}]),
        delta("stop", content=[{"type": "reasoning", "text": "Hm"}, {"type": "text", "text": " Yes."}]),
    )

    assert (message.content, message.reasoning) == ("Three. Yes.", "Count them.Hm")
    assert message.to_param()["content"] == [
        summary("Count them.", signature="s"),
        {"type": "text", "text": "Three."},
        {"type": "reasoning", "text": "Hm"},
        {"type": "text", "text": " Yes."},
    ]
    assert message.to_param(reasoning=False) == {"role": "assistant", "content": "Three. Yes."}


def test_several_entries_of_one_part_stay_several():
    entries = [{"type": "summary_text", "text": "a"}, {"type": "summary_text", "text": "b"}]
    message = message_of(
        delta(content=[{"type": "reasoning", "summary": entries}]),
        delta("stop", content=[{"type": "reasoning", "summary": [{"text": "c"}]}, {"type": "image", "url": "u"}]),
    )

    assert message.reasoning == "abc"
    assert [entry["text"] for entry in message.to_param()["content"][0]["summary"]] == ["a", "bc"]
    assert message.to_param(reasoning=False)["content"] == [{"type": "image", "url": "u"}]


def test_entries_without_text_do_not_fail():
    message = message_of(
        delta(content=[{"type": "thinking", "thinking": "a"}]),
        delta("stop", content=[{"type": "thinking", "thinking": [5, {"text": "b"}, None], "signature": "s"}]),
    )

    assert message.reasoning == "ab"
    assert message.to_param()["content"] == [
        {"type": "thinking", "thinking": [{"type": "text", "text": "ab"}], "signature": "s"}
    ]


def test_details_with_other_ids_are_others_whatever_their_index():
    def encrypted(id, data, **more):
        return {"type": "reasoning.encrypted", "id": id, "data": data, **more}

    message = message_of(
        delta(reasoning_details=[encrypted("a", "QUFB")]),
        delta(reasoning_details=[encrypted("b", "Qk")]),
        delta(reasoning_details=[encrypted("a", "QQ=="), encrypted("b", "JC")]),
        delta("stop", reasoning_details=[encrypted("c", "x", index=0), encrypted("d", "y", index=0)]),
    )

    assert [(one["id"], one["data"]) for one in message.reasoning_details] == [
        ("a", "QUFBQQ=="),
        ("b", "QkJC"),
        ("c", "x"),
        ("d", "y"),
    ]


# Objects where a text belongs.


@pytest.mark.parametrize("key", ["reasoning_content", "reasoning", "reasoning_text", "refusal"])
def test_text_of_an_object_or_of_a_list_of_them(key):
    found = fold(
        delta(**{key: {"text": "a"}})
        + delta(**{key: [{"text": "b"}, "c", {"x": 1}]})
        + delta("stop", **{key: 5}, content="!")
        + DONE
    )
    message = found.completion.choices[0].message

    assert (message.refusal if key == "refusal" else message.reasoning) == "abc"
    assert found.rules.count("4.6") == 2


@pytest.mark.parametrize("content", [5, True, 1.5, {"x": 1}])
def test_what_is_no_text_never_becomes_one(content):
    found = fold(delta(content=content) + delta("stop") + DONE)

    assert found.completion.choices[0].message.content is None


@pytest.mark.parametrize("content", [{"text": "a"}, ["a"], [{"text": "a"}], {"type": "text", "text": {"text": "a"}}])
def test_content_without_a_type_is_its_text(content):
    found = fold(delta(content=content) + DONE)
    told = [change.delta for change in found.changes if isinstance(change, ContentChanged)]

    assert (found.completion.choices[0].message.content, told) == ("a", ["a"])


# Pictures.


def test_pictures_are_kept_by_index_or_appended():
    message = message_of(
        delta(content="Here:"),
        delta(images=[{"index": 0, "image_url": {"url": "a"}}, {"index": 1, "image_url": {"url": "b"}}]),
        delta(images=[{"index": 0, "image_url": {"url": "c"}}]),
        delta("stop", images=[{"image_url": {"url": "d"}}, "e"]),
    )

    assert [image if isinstance(image, str) else image["image_url"]["url"] for image in message.images] == list("cbde")
    assert message.to_param()["images"] == message.images


# What goes back.


def test_content_in_the_place_of_none():
    calls = {"tool_calls": [call(0, "f", "{}", id="c", type="function")]}
    message = message_of(delta(role="assistant", content=None, **calls), delta("tool_calls"))

    assert "content" not in message.to_param()
    assert message.to_param(content="")["content"] == ""
    assert message.to_param(content=None)["content"] is None


def test_content_that_has_a_text_stays():
    message = message_of(delta("stop", content="a"))

    assert message.to_param(content=None)["content"] == "a"


def test_content_of_nothing_but_thoughts_has_no_text_without_them():
    message = message_of(delta("stop", content=[{"type": "thinking", "thinking": "hm"}]))

    assert message.to_param(content="")["content"] == [{"type": "thinking", "thinking": "hm"}]
    assert "content" not in message.to_param(reasoning=False)
    assert message.to_param(reasoning=False, content="")["content"] == ""


def test_thoughts_in_members_that_no_field_names_are_left_out_too():
    fields = {"reasoning_content": "hm", "thinking_blocks": [{"thinking": "hm"}], "citations": [1]}
    message = message_of(delta("stop", content="a", reasoning_content="hm", provider_specific_fields=fields))

    assert message.to_param()["provider_specific_fields"] == fields
    assert message.to_param(reasoning=False)["provider_specific_fields"] == {"citations": [1]}


# Calls of types that are not known.


def test_call_of_an_unknown_type_that_has_a_function_is_one():
    made = call(0, "$web_search", '{"q":', id="c", type="builtin_function", rank=1)
    (found,) = message_of(
        delta(tool_calls=[made]), delta("tool_calls", tool_calls=[call(0, arguments=' "x"}')])
    ).tool_calls

    assert (found.wire_type, found.id, found.name, found.arguments) == (
        "builtin_function",
        "c",
        "$web_search",
        '{"q": "x"}',
    )
    assert found.function.name == "$web_search"
    assert found.parse() == {"q": "x"}
    assert found.arguments_as(dict) == {"q": "x"}
    assert (found.to_param()["rank"], found.cut) == (1, None)


def test_images_alone_in_a_chunk_after_others_are_kept():
    message = message_of(
        delta(role="assistant", content="a"),
        delta(content="b"),
        delta(images=[{"image_url": {"url": "u"}}]),
        delta("stop"),
    )

    assert ("ab", [{"image_url": {"url": "u"}}]) == (message.content, message.images)
