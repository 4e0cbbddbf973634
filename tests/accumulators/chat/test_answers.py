"""A whole answer is read in whatever form it comes."""

import json

import pytest
from chat_folds import DONE, delta

from asyncstream.accumulators import fold_answer
from asyncstream.errors import APIResponseValidationError, StreamDecodeError, StreamEventError, StreamTruncatedError

WHOLE = json.dumps({"id": "c", "choices": [{"message": {"content": "whole"}}]}).encode()
PIECES = delta(content="who") + delta("stop", content="le")


def content(body: bytes) -> object:
    return fold_answer(body).choices[0].message.content


@pytest.mark.parametrize(
    "body",
    [
        WHOLE,
        b"\n " + WHOLE,
        WHOLE + b"\n\ndata: [DONE]\n\n",
        WHOLE + b"data: [DONE]",
        WHOLE + b"\n[DONE]\n",
        b"data: " + WHOLE + b"\n\ndata: [DONE]\n\n",
        b"event: completion\ndata: " + WHOLE + b"\n\n" + DONE,
        PIECES,
        PIECES + DONE,
        b"\xef\xbb\xbf: hello\n\n" + PIECES + DONE,
        b"\r\n\r\nid: 1\r\n" + PIECES + DONE,
        delta(content="whole") + DONE,
    ],
)
def test_what_was_paid_for_is_read(body):
    assert content(body) == "whole"


def test_nothing_behind_the_end_is_read():
    assert content(WHOLE + b"\ndata: [DONE]\n\n" + PIECES) == "whole"


def test_cut_event_stream_is_no_whole_answer():
    with pytest.raises(StreamTruncatedError) as caught:
        fold_answer(delta(content="who"))

    assert caught.value.partial.completion.choices[0].message.content == "who"


def test_event_stream_that_cannot_be_read_is_told():
    with pytest.raises(StreamDecodeError):
        fold_answer(delta(content="who") + b"data: {torn\n\n" + DONE)


@pytest.mark.parametrize(
    "body",
    [
        b'data: {"error":{"message":"m"}}\n\n',
        b'{"error":{"message":"m"}}\ndata: [DONE]\n\n',
        b'{"message":"m"}',
        b'{"detail":"m"}',
        b'{"code":500,"msg":"m"}',
        b'{"choices":null,"base_resp":{"status_code":1008,"status_msg":"m"}}',
    ],
)
def test_failure_is_no_answer(body):
    with pytest.raises(StreamEventError, match=r"\Am\Z"):
        fold_answer(body)


@pytest.mark.parametrize(
    "body", [b"<html>" + b"x" * 10_000, b"hello", WHOLE + b" and more", WHOLE + WHOLE, b"{", b"[DONE]", b"{}"]
)
def test_what_is_no_answer_is_told_in_few_words(body):
    with pytest.raises(APIResponseValidationError) as caught:
        fold_answer(body)

    assert caught.value.body == body
    assert len(str(caught.value)) < 500
