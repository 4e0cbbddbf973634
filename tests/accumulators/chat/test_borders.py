"""The borders of what chat folds do: what comes beside a piece of text, at the edge of a range, in a whole message."""

import pytest
from chat_folds import DONE, call, chunk, delta, fold

from asyncstream.accumulators import ContentCreated, ToolCallDone
from asyncstream.nesting import MAX_DEPTH

HELLO = delta(role="assistant", content="Hel")
CALL = {"index": 0, "id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}


def whole(finish: str | None = "stop", **message: object) -> bytes:
    """Make the frame of a chunk with a whole message instead of a delta."""
    return chunk({"index": 0, "message": {"role": "assistant", **message}, "finish_reason": finish})


def message_of(*frames: bytes):
    (choice,) = fold(b"".join(frames)).completion.choices
    return choice.message


def nested(depth: int) -> dict[str, object]:
    value: dict[str, object] = {}
    for _ in range(depth):
        value = {"x": value}
    return value


# What comes beside a piece of text.


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("logprobs", {"content": [{"token": "lo", "logprob": -0.5, "bytes": None, "top_logprobs": []}]}),
        ("content_filter_results", {"hate": {"filtered": False}}),
        ("native_finish_reason", "STOP"),
    ],
)
def test_member_of_a_choice_beside_a_piece_of_text_is_kept(name, value):
    beside = chunk({"index": 0, "delta": {"content": "lo"}, "finish_reason": None, name: value})
    (choice,) = fold(HELLO + beside + delta(content="!") + DONE).completion.choices

    assert choice.message.content == "Hello!"
    assert getattr(choice, name)


def test_usage_in_a_choice_beside_a_piece_of_text_is_kept():
    usage = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
    beside = chunk({"index": 0, "delta": {"content": "lo"}, "usage": usage})

    assert 3 == fold(HELLO + beside + DONE).completion.usage.total_tokens


@pytest.mark.parametrize(
    ("name", "value", "kept"),
    [
        ("refusal", "no", "refusal"),
        ("reasoning", "why", "reasoning"),
        ("reasoning_content", "why", "reasoning"),
        ("reasoning_details", [{"type": "reasoning.text", "text": "why"}], "reasoning_details"),
        ("function_call", {"name": "f", "arguments": "{}"}, "function_call"),
        ("annotations", [{"type": "url_citation", "url_citation": {"url": "u", "title": "t"}}], "annotations"),
        ("audio", {"id": "a", "data": "AA=="}, "audio"),
        ("extra_content", {"k": "v"}, "extra_content"),
    ],
)
def test_member_of_a_delta_beside_a_piece_of_text_is_kept(name, value, kept):
    message = message_of(HELLO, delta(content="lo", **{name: value}), delta(content="!"), DONE)

    assert message.content == "Hello!"
    assert getattr(message, kept)


def test_role_is_the_first_that_comes_however_late():
    late = message_of(delta(content="a"), delta(role="tool", content="b"), delta(role="user", content="c"), DONE)

    assert ("tool", "abc") == (late.role, late.content)


def test_text_and_a_piece_of_a_call_in_one_delta_are_both_kept():
    message = message_of(
        HELLO, delta(tool_calls=[call(0, "f", "{", id="c")]), delta(content="lo", tool_calls=[call(0, None, "}")]), DONE
    )

    assert ("Hello", "{}") == (message.content, message.tool_calls[0].function.arguments)


def test_pieces_of_two_calls_in_one_delta_are_both_kept():
    both = [call(0, "f", "{", id="c"), call(1, "g", "[", id="d")]
    message = message_of(delta(tool_calls=both), delta(tool_calls=[call(0, None, "}"), call(1, None, "]")]), DONE)

    assert ["{}", "[]"] == [made.function.arguments for made in message.tool_calls]


@pytest.mark.parametrize("late", [{"id": "c"}, {"type": "custom"}, {"extra_content": {"k": "v"}}])
def test_what_comes_late_of_a_call_is_kept_with_its_piece(late):
    first = {"index": 0, "function": {"name": "f", "arguments": "{"}}
    piece = {"index": 0, "function": {"arguments": "}"}, **late}
    (made,) = message_of(delta(tool_calls=[first]), delta(tool_calls=[piece]), DONE).tool_calls

    assert made.to_param().items() >= late.items()
    again = {"index": 0, "id": "x", "type": "function", "function": {"arguments": "}"}}
    (same,) = message_of(delta(tool_calls=[{**first, "id": "c"}]), delta(tool_calls=[again]), DONE).tool_calls
    assert ("c", "{}") == (same.id, same.function.arguments)


# Edges of ranges.


@pytest.mark.parametrize(
    ("sent", "kept"), [(-1, 0), (0, 0), (1, 1), (2**63 - 1, 2**63 - 1), (2**63, 0), (2**63 + 5, 0)]
)
def test_time_is_a_positive_number_of_64_bits(sent, kept):
    assert kept == fold(chunk({"index": 0, "delta": {"content": "a"}}, created=sent) + DONE).completion.created


@pytest.mark.parametrize(
    ("sent", "kept", "rules"),
    [
        *((-(2**63), -(2**63), []), (2**63 - 1, 2**63 - 1, [])),
        *((-(2**63) - 1, 0, ["4.2"]), (2**63, 0, ["4.2"]), (3**63, 0, ["4.2"]), (2**64 - 1, 0, ["4.2"])),
    ],
)
def test_index_of_a_choice_is_a_number_of_64_bits(sent, kept, rules):
    found = fold(delta(index=sent, content="a") + DONE)

    assert ([kept], rules) == ([choice.index for choice in found.completion.choices], found.rules)


@pytest.mark.parametrize(
    ("depth", "kept"), [(MAX_DEPTH - 1, True), (MAX_DEPTH, True), (MAX_DEPTH + 1, False), (MAX_DEPTH + 2, False)]
)
def test_json_of_no_shape_is_kept_to_a_depth(depth, kept):
    found = fold(delta(content="a", extra_content=nested(depth)) + DONE)

    assert kept is (found.completion.choices[0].message.extra_content is not None)
    assert ([] if kept else [("6.4", "choice 0 extra_content", b"")]) == [
        (repair.rule, repair.where, repair.raw) for repair in found.accumulator.repairs
    ]


@pytest.mark.parametrize("reason", ["length", "max_tokens", "max_output_tokens", "model_length", "MAX_TOKENS"])
def test_answer_that_was_cut_for_its_length_says_so(reason):
    message = message_of(delta(tool_calls=[call(0, "f", "{", id="c")], content="a"), delta(reason), DONE)

    assert (reason, reason) == (message.cut, message.tool_calls[0].cut)


@pytest.mark.parametrize("reason", ["content_filter", "safety", "recitation", "SAFETY"])
def test_answer_that_was_cut_for_its_content_says_so(reason):
    assert reason == message_of(HELLO, delta(reason), DONE).cut


@pytest.mark.parametrize("reason", ["stop", "tool_calls", "function_call", "eos"])
def test_answer_that_came_to_its_end_is_not_cut(reason):
    message = message_of(delta(tool_calls=[call(0, "f", "{}", id="c")], content="a"), delta(reason), DONE)

    assert (None, None) == (message.cut, message.tool_calls[0].cut)


# Calls.


@pytest.mark.parametrize(
    ("said", "kind", "name"),
    [
        ({"id": "c", "custom": {"name": "n", "input": "x"}}, "custom", "n"),
        ({"id": "c", "type": "custom", "custom": {"name": "n", "input": "x"}}, "custom", "n"),
        ({"id": "c", "type": "custom", "custom": {"name": "n"}, "function": {"name": "f"}}, "custom", "n"),
        ({"id": "c", "type": "function", "custom": {"name": "n"}, "function": {"name": "f"}}, "function", "f"),
        ({"id": "c", "custom": {"name": "n"}, "function": {"name": "f"}}, "function", "f"),
    ],
)
def test_call_is_of_the_kind_that_it_says(said, kind, name):
    (made,) = message_of(delta(tool_calls=[{"index": 0, **said}]), DONE).tool_calls

    assert ("c", kind, name) == (made.id, made.type, getattr(made, kind).name)


def test_call_may_begin_with_neither_name_nor_arguments():
    begin = {"index": 0, "id": "c", "type": "custom"}
    (made,) = message_of(
        delta(tool_calls=[begin]), delta(tool_calls=[{"index": 0, "custom": {"name": "n", "input": "x"}}]), DONE
    ).tool_calls
    (bare,) = message_of(delta(tool_calls=[{"index": 0}]), delta(tool_calls=[call(0, "f", "{}")]), DONE).tool_calls

    assert ("c", "custom", "n", "x") == (made.id, made.type, made.custom.name, made.custom.input)
    assert ("function", "f", "{}") == (bare.type, bare.function.name, bare.function.arguments)


@pytest.mark.parametrize("end", [b"", b'data: {"error": {"message": "no"}}\n\n', delta("error")])
def test_made_up_id_of_a_failed_answer_is_recorded(end):
    assert "4.12" in fold(delta(tool_calls=[call(0, "f", "{")]) + end).rules


def test_call_of_a_whole_message_replaces_the_one_with_its_id():
    streamed = delta(tool_calls=[call(0, "f", "{", id="a"), call(1, "g", "{", id="b")])
    listed = [{**CALL, "id": "b", "function": {"name": "g", "arguments": '{"y":1}'}}, {**CALL, "id": "a"}]
    found = fold(streamed + whole("tool_calls", tool_calls=listed) + DONE)

    assert [("b", '{"y":1}'), ("a", "{}")] == [
        (made.id, made.function.arguments) for made in found.completion.choices[0].message.tool_calls
    ]


def test_call_without_id_of_a_whole_message_replaces_the_one_in_its_place():
    streamed = delta(tool_calls=[call(0, "f", "{", id="a"), call(1, "g", "{")])
    listed = [{"function": {"name": "f", "arguments": "{}"}}, {**CALL, "id": "b", "type": "function"}]
    found = fold(streamed + whole("tool_calls", tool_calls=listed) + DONE)

    assert [("a", "f", "{}"), ("b", "f", "{}")] == [
        (made.id, made.function.name, made.function.arguments)
        for made in found.completion.choices[0].message.tool_calls
    ]


def test_call_that_a_whole_message_leaves_out_is_done_all_the_same():
    streamed = delta(tool_calls=[call(0, "f", "{}", id="a"), call(1, "g", "{}", id="b")])
    found = fold(streamed + whole("tool_calls", tool_calls=[{**CALL, "id": "x"}]) + DONE)

    assert ["x"] == [made.id for made in found.completion.choices[0].message.tool_calls]
    done = [change.snapshot.id for change in found.changes if isinstance(change, ToolCallDone)]
    assert ["x", "a", "b"] == done


def test_call_of_the_older_form_keeps_its_place_in_a_whole_message():
    older = {"name": "f", "arguments": "{"}
    replaced = {"name": "f", "arguments": '{"z":1}'}
    message = message_of(delta(function_call=older), whole("function_call", function_call=replaced), DONE)
    new = message_of(whole("function_call", function_call=replaced), DONE)
    beside = message_of(
        delta(function_call=older), whole("tool_calls", tool_calls=[{**CALL, "id": "x"}], function_call=replaced), DONE
    )

    assert '{"z":1}' == message.function_call.arguments == new.function_call.arguments
    assert ["{}", '{"z":1}'] == [made.function.arguments for made in beside.tool_calls]


# Whole messages, audio, log probabilities, usage.


def test_other_text_of_a_whole_message_is_recorded():
    found = fold(HELLO + whole(content="Bye") + DONE)

    assert "Bye" == found.completion.choices[0].message.content
    assert [("4.4", "choice 0", b'"Hel"')] == [(one.rule, one.where, one.raw) for one in found.accumulator.repairs]


def test_role_and_reasoning_of_a_whole_message_are_taken():
    message = message_of(
        delta(reasoning_content="a", content="b"),
        whole(content="b", role="tool", reasoning_content="ac"),
        DONE,
    )
    without = message_of(delta(role="tool", content="b"), chunk({"index": 0, "message": {"content": "b"}}), DONE)

    assert ("tool", "ac", "ac") == (message.role, message.reasoning, message.to_param()["reasoning_content"])
    assert "tool" == without.role


def test_audio_is_joined_piece_by_piece():
    pieces = [{"data": "YQ==", "transcript": "a"}, {"data": "Yg==", "transcript": "b"}]
    audio = message_of(*(delta(audio=piece) for piece in pieces), DONE).audio
    torn = message_of(delta(audio={"data": "YW", "id": "x"}), delta(audio={"data": "I=", "expires_at": 7}), DONE).audio
    odd = message_of(delta(audio={"data": "Y=="}), delta(audio={"data": "!"}), DONE).audio

    assert ("", "YWI=", 0, "ab") == (audio.id, audio.data, audio.expires_at, audio.transcript)
    assert ("x", "YWI=", 7) == (torn.id, torn.data, torn.expires_at)
    assert "Y==!" == odd.data
    for pieces, joined in ((("YR==",), "YR=="), (("YQ==", "YQ!=="), "YQ==YQ!==")):
        assert joined == message_of(*(delta(audio={"data": piece}) for piece in pieces), DONE).audio.data


def test_log_probabilities_of_a_refusal_are_joined():
    token = {"token": "no", "logprob": -0.5, "bytes": None, "top_logprobs": []}
    chunks = [chunk({"index": 0, "delta": {"refusal": "no"}, "logprobs": {"content": None, "refusal": [token]}})] * 2
    (choice,) = fold(b"".join(chunks) + DONE).completion.choices

    assert (None, ["no", "no"]) == (choice.logprobs.content, [one.token for one in choice.logprobs.refusal])


def test_empty_log_probabilities_are_none():
    (choice,) = fold(chunk({"index": 0, "delta": {"content": "a"}, "logprobs": {}}) + DONE).completion.choices

    assert choice.logprobs is None


def test_usage_of_zeros_after_another_is_recorded():
    zeros = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}
    found = fold(HELLO + chunk(usage=zeros | {"total_tokens": 3}) + chunk(usage=zeros) + DONE)

    assert [("4.14", "usage")] == [(repair.rule, repair.where) for repair in found.accumulator.repairs]


def test_text_is_created_empty():
    (created,) = [change for change in fold(HELLO + DONE).changes if isinstance(change, ContentCreated)]

    assert "" == created.snapshot


@pytest.mark.parametrize(
    ("name", "streamed", "sent", "kept", "read"),
    [
        ("refusal", "no", "never", "never", lambda message: message.refusal),
        ("reasoning", "a", "b", "b", lambda message: message.to_param()["reasoning"]),
        ("reasoning_content", "a", "b", "b", lambda message: message.to_param()["reasoning_content"]),
        (
            "annotations",
            [{"type": "url_citation", "url_citation": {"url": "u", "title": "t"}}],
            [{"type": "url_citation", "url_citation": {"url": "v", "title": "t"}}],
            ["v"],
            lambda message: [annotation.url_citation.url for annotation in message.annotations],
        ),
        (
            "audio",
            {"id": "a", "data": "AA=="},
            {"id": "b", "data": "AQ=="},
            ("b", "AQ=="),
            lambda m: (m.audio.id, m.audio.data),
        ),
        ("extra_content", {"k": "v"}, {"l": "w"}, {"l": "w"}, lambda message: message.extra_content),
        (
            "reasoning_details",
            [{"type": "reasoning.text", "text": "a"}],
            [{"type": "reasoning.text", "text": "b"}],
            ["b"],
            lambda message: [detail["text"] for detail in message.reasoning_details],
        ),
        (
            "thinking_blocks",
            [{"type": "thinking", "thinking": "a", "signature": "s"}],
            [{"type": "thinking", "thinking": "b", "signature": "t"}],
            [("b", "t")],
            lambda message: [(block["thinking"], block["signature"]) for block in message.thinking_blocks],
        ),
        (
            "images",
            [{"index": 0, "image_url": {"url": "u"}}, {"index": 1, "image_url": {"url": "w"}}],
            [{"index": 0, "image_url": {"url": "v"}}],
            ["v"],
            lambda message: [image["image_url"]["url"] for image in message.images],
        ),
        (
            "content",
            [{"type": "image", "id": "a"}],
            [{"type": "image", "id": "b"}, {"type": "text", "text": "c"}],
            [{"type": "image", "id": "b"}, {"type": "text", "text": "c"}],
            lambda message: message.to_param()["content"],
        ),
    ],
)
def test_member_of_a_whole_message_replaces_what_was_streamed(name, streamed, sent, kept, read):
    message = message_of(delta(**{name: streamed}), whole(**{name: sent}), DONE)
    silent = message_of(delta(**{name: streamed}), whole(**{name: None}), DONE)
    again = message_of(delta(**{name: sent}), DONE)

    assert kept == read(message) == read(again)
    assert read(silent) == read(message_of(delta(**{name: streamed}), DONE))
