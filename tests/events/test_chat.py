"""What the frames of a chat stream are: chunks, errors, the end, or nothing. Rules 2, 3, 4.1 and 4.7."""

import json
import pickle

import msgspec
import pytest
from chat_folds import chunk, delta

from asyncstream.decoding import Repair
from asyncstream.errors import StreamDecodeError
from asyncstream.events import DoneEvent, ErrorEvent, MendedChunk, decode_stream
from asyncstream.events.chat import WIRE, decode_data, decode_frame, read_usage
from asyncstream.types import ChatCompletionChunk, CompletionUsage, PromptTokensDetails


def frame(body: object, event: str = "") -> bytes:
    named = f"event: {event}\n".encode() if event else b""
    return named + b"data: " + json.dumps(body).encode()


def only(body: object, event: str = "") -> object:
    (event_,) = decode_frame(frame(body, event))
    return event_


# Chunks.


def test_chunk_is_the_struct_itself():
    found = only({"id": "c", "model": "m", "choices": [{"index": 0, "delta": {"content": "Hi"}}]})

    assert type(found) is ChatCompletionChunk
    assert found.choices[0].delta.content == "Hi"


@pytest.mark.parametrize(
    "raw",
    [
        b'data:{"choices":[{"delta":{"content":"x"}}]}',
        b'id: 7\ndata: {"choices":[{"delta":{"content":"x"}}]}',
        b'event: completion.chunk\ndata: {"choices":[{"delta":{"content":"x"}}]}',
        b': comment\ndata: {"choices":[{"delta":{"content":"x"}}]}',
        b'data: {"choices":\ndata: [{"delta":{"content":"x"}}]}',
        b'data: [{"choices":[{"delta":{"content":"x"}}]}]',
    ],
)
def test_chunk_is_found_in_any_frame(raw):
    (found,) = decode_frame(raw)

    assert isinstance(found, ChatCompletionChunk)
    assert [choice.delta.content for choice in found.choices] == ["x"]


def test_chunk_under_the_name_error_is_an_error_after_it():
    found = decode_frame(frame({"choices": [{"delta": {"content": "x"}}], "message": "boom"}, "error"))

    assert [type(event) for event in found] == [MendedChunk, ErrorEvent]


@pytest.mark.parametrize("body", [{}, {"type": "ping"}, {"id": "c", "model": "m"}, {"usage": None}, {"usage": {}}])
@pytest.mark.parametrize("event", ["", "ping"])
def test_object_of_unknown_kind_is_ignored(body, event):
    assert decode_frame(frame(body, event)) == []


def test_chunk_without_choices_keeps_what_stands_beside_them():
    found = only({"choices": [], "prompt_filter_results": [{"prompt_index": 0}]})

    assert found.prompt_filter_results[0].prompt_index == 0


def test_comment_that_was_sent_again_as_data_is_skipped():
    assert decode_frame(b"data: : OPENROUTER PROCESSING") == []


@pytest.mark.parametrize("data", [b"data: ", b"data:   ", b"data: null", b"data: 3", b'data: "text"'])
def test_data_without_an_object_is_skipped(data):
    assert decode_frame(data) == []


@pytest.mark.parametrize("raw", [b"data: [DONE]", b"data:[DONE]", b"data:  [DONE] ", b"event: x\ndata: [DONE]"])
def test_done_ends_the_stream(raw):
    (found,) = decode_frame(raw)

    assert isinstance(found, DoneEvent)


def test_nothing_is_decoded_after_done():
    body = delta(content="a") + b"data: [DONE]\n\n" + delta(content="b")

    assert [type(event) for event in decode_stream(body, "chat")] == [ChatCompletionChunk, DoneEvent]


# Errors.


@pytest.mark.parametrize(
    ("body", "event", "message", "code", "kind"),
    [
        ({"error": {"message": "m", "code": 502}}, "", "m", 502, None),
        ({"error": "text"}, "", "text", None, None),
        ({"error": "text", "code": 429, "type": "t"}, "", "text", 429, "t"),
        ({"type": "error", "message": "m", "code": "400"}, "", "m", "400", None),
        ({"object": "error", "message": "m", "type": "T", "code": 503}, "", "m", 503, "T"),
        ({"message": "m", "code": "c", "type": "t"}, "error", "m", "c", "t"),
        ({"x_groq": {"error": "m"}}, "", "m", None, None),
        ({"x_groq": {"error": {"message": "m", "code": "400", "type": "t"}}}, "", "m", "400", "t"),
    ],
)
def test_error_in_all_its_shapes(body, event, message, code, kind):
    found = only(body, event)

    assert isinstance(found, ErrorEvent)
    assert (found.data.message, found.data.code, found.data.type) == (message, code, kind)
    assert json.loads(found.raw) == body


@pytest.mark.parametrize("marker", [{"error": {"message": "m"}}, {"type": "error"}, {"object": "error"}])
def test_chunk_that_carries_an_error_comes_before_it(marker):
    found = decode_frame(frame({"choices": [{"delta": {"content": "x"}}], "message": "m", **marker}))

    assert [type(event) for event in found] == [MendedChunk, ErrorEvent]


@pytest.mark.parametrize("falsy", [None, "", {}, False, 0, []])
def test_falsy_error_is_none(falsy):
    (found,) = decode_frame(
        frame({"choices": [{"delta": {"content": "x"}}], "error": falsy, "x_groq": {"error": falsy}})
    )

    assert isinstance(found, ChatCompletionChunk)


def test_error_with_empty_choices_is_no_chunk():
    assert isinstance(only({"choices": [], "error": {"message": "m"}}), ErrorEvent)


def test_text_is_an_error():
    (found,) = decode_frame(b"data: Internal Server Error ")

    assert isinstance(found, ErrorEvent)
    assert found.data.message == "Internal Server Error"


def test_nothing_of_a_frame_is_decoded_after_an_error_in_it():
    found = decode_frame(b'data: {"error":"x"}\ndata: {"choices":[]}')

    assert [type(event) for event in found] == [ErrorEvent]


@pytest.mark.parametrize("raw", [b'data: {"choices":', b"data: [{", b'data: {"choices":[{"index":NAN}]}'])
def test_torn_json_is_an_error_because_it_may_have_held_text(raw):
    (found,) = decode_frame(raw)

    assert isinstance(found, StreamDecodeError)
    assert found.raw == raw[6:]


def test_json_nested_without_end_is_our_error():
    (found,) = decode_frame(b"data: " + b'{"choices":' + b"[" * 100_000 + b"]" * 100_000 + b"}")

    assert isinstance(found, StreamDecodeError)


def test_whole_lines_of_a_torn_frame_are_decoded():
    body = chunk({"delta": {"content": "a"}})[:-1] + chunk({"delta": {"content": "b"}})[:-1] + b'data: {"id":"c'

    found = list(decode_stream(body, "chat"))

    assert [event.choices[0].delta.content for event in found] == ["a", "b"]


# What does not fit is mended.


def test_mended_chunk_says_what_was_wrong():
    found = only({"choices": [{"index": "1", "delta": {"content": "x"}}], "created": "yesterday"})

    assert isinstance(found, MendedChunk)
    assert (found.choices[0].index, found.created) == (1, 0)
    assert set(found.repairs) == {
        Repair("6.4", "$.created", b'"yesterday"'),
        Repair("6.4", "$.choices[0].index", b'"1"'),
    }


def test_mended_chunk_survives_pickling():
    found = only({"choices": [{"index": "1", "delta": {"content": "x"}}]})

    assert pickle.loads(pickle.dumps(found)) == found


def test_several_payloads_in_a_frame_are_recorded():
    found = decode_frame(
        b'data: {"choices":[{"delta":{"content":"a"}}]}\ndata: {"choices":[{"delta":{"content":"b"}}]}'
    )

    assert [[repair.rule for repair in chunk_.repairs] for chunk_ in found] == [["2.3"], ["2.3"]]


def test_array_of_chunks_is_recorded():
    found = decode_frame(b'data: [{"choices":[{"delta":{"content":"a"}}]},{"choices":[{"delta":{"content":"b"}}]}]')

    assert [[repair.rule for repair in chunk_.repairs] for chunk_ in found] == [["2.2"], ["2.2"]]


def test_bad_utf8_is_read_and_recorded():
    (found,) = decode_frame(b'data: {"choices":[{"delta":{"content":"a\xffb"}}]}')

    assert found.choices[0].delta.content == "a\ufffdb"
    assert [repair.rule for repair in found.repairs] == ["1.2"]


def test_half_pair_is_kept_as_sent_and_recorded():
    (found,) = decode_frame(rb'data: {"choices":[{"delta":{"content":"\ud83d"}}]}')

    assert found.choices[0].delta.content == "\ud83d"
    assert [repair.rule for repair in found.repairs] == ["6.2"]


@pytest.mark.parametrize("choices", [None, {}])
def test_choices_that_are_no_list_are_empty(choices):
    found = only({"choices": choices, "usage": {"total_tokens": 2}})

    assert found.usage.total_tokens == 2
    assert all(choice.delta.content is None for choice in found.choices)


def test_delta_that_is_no_object_is_absent():
    found = only({"choices": [{"delta": "x", "message": {"content": "y"}}]})

    assert found.choices[0].message.content == "y"


# Content in parts.


def test_content_in_parts_is_text_with_the_parts_beside_it():
    parts = [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    found = only({"choices": [{"delta": {"content": parts}}]})

    assert found.repairs == ()
    assert found.choices[0].delta.content == "ab"
    assert found.choices[0].delta.content_parts == parts


def test_one_part_without_a_list_counts():
    found = only({"choices": [{"delta": {"content": {"type": "text", "text": "a"}}}]})

    assert found.choices[0].delta.content == "a"


def test_parts_without_text_are_no_content():
    found = only({"choices": [{"delta": {"content": [{"type": "reference", "reference_ids": [1]}, 5]}}]})

    assert found.choices[0].delta.content is None


def test_refusal_in_a_part_joins_the_refusal_beside_it():
    found = only({"choices": [{"delta": {"refusal": "I ", "content": [{"type": "refusal", "refusal": "won't"}]}}]})

    assert found.choices[0].delta.refusal == "I won't"


# Usage.


def test_usage_keeps_what_the_provider_adds():
    usage = only(
        {
            "choices": [],
            "usage": {
                "prompt_tokens": 1,
                "cost": 0.5,
                "prompt_tokens_details": {"cached_tokens": 1, "video_tokens": 2},
                "completion_tokens_details": None,
            },
        }
    ).usage

    assert usage == CompletionUsage(
        prompt_tokens=1,
        prompt_tokens_details=PromptTokensDetails(cached_tokens=1),
        extra={"cost": 0.5, "prompt_tokens_details": {"video_tokens": 2}},
    )


def test_empty_usage_is_none():
    assert read_usage({}) is None
    assert only({"choices": [], "usage": {}}).usage is None


def test_usage_alone_is_a_chunk():
    assert only({"usage": {"total_tokens": 1}}).usage.total_tokens == 1
    assert only({"x_groq": {"usage": {"total_tokens": 1}}}).x_groq.usage == {"total_tokens": 1}


def test_usage_of_the_wrong_kind_is_absent():
    assert only({"choices": [{"delta": {}}], "usage": "none"}).usage is None


def test_decoding_the_data_equals_decoding_the_frame():
    bodies = [{"choices": [{"delta": {"content": "x"}}]}, {"error": "m"}, {"choices": None, "usage": {"cost": 1}}]

    for body in bodies:
        data = json.dumps(body).encode()
        decoded = [event for event in decode_data("", [data]) if event is not None]
        assert msgspec.to_builtins(decoded) == msgspec.to_builtins(decode_frame(b"data: " + data))


@pytest.mark.parametrize("constant", [b"NaN", b"-Infinity"])
def test_what_is_no_number_is_relayed_as_null(constant):
    raw = b'data: {"choices":[{"delta":{"content":"x"},"score":' + constant + b"}]}"
    (found,) = decode_frame(raw)

    assert (found.choices[0].delta.content, found.choices[0].extra) == ("x", {})
    assert WIRE.relayed(found, raw) == ("", b'{"choices":[{"delta":{"content":"x"},"score":null}]}')


def test_chunk_with_members_that_no_field_names_is_relayed_as_it_came():
    raw = b'data: {"choices":[{"delta":{"content":"x"},"score":1}]}'
    (found,) = decode_frame(raw)

    assert WIRE.relayed(found, raw) == ("", raw[6:])


def test_a_member_that_is_too_deep_is_left_out_and_the_rest_is_kept():
    deep = "[" * 200 + "]" * 200
    frame = (
        '{"id":"c","object":"chat.completion.chunk","created":1,"model":"m","beside":1,"choices":'
        f'[{{"index":0,"delta":{{"content":"a","deep":{deep},"shallow":[2]}},"finish_reason":null}}],"more":{deep}}}'
    )

    (event,) = decode_stream(b"data: " + frame.encode() + b"\n\n", "chat")

    assert isinstance(event, MendedChunk)
    assert "a" == event.choices[0].delta.content
    assert {"shallow": [2]} == event.choices[0].delta.extra
    assert {"beside": 1} == event.extra
    assert ["6.3"] == [repair.rule for repair in event.repairs]


@pytest.mark.parametrize("field", ["content", "refusal", "role"])
def test_what_a_field_names_is_never_left_out_for_its_depth(field):
    deep = "[" * 200 + "]" * 200
    frame = f'{{"id":"c","choices":[{{"index":0,"delta":{{"{field}":{deep},"odd":1}}}}]}}'

    with pytest.raises(StreamDecodeError):
        list(decode_stream(b"data: " + frame.encode() + b"\n\n", "chat"))
