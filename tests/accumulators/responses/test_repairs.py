"""What the wire got wrong is told of: by which rule it was mended, where, and what came."""

import json

import pytest
from response_folds import added, done, event, fold, life, text

from asyncstream.decoding import Repair

END = life("completed")


def args(delta: object, **members: object) -> bytes:
    return event("function_call_arguments.delta", delta=delta, **members)


@pytest.mark.parametrize(
    ("frames", "rule", "where", "came"),
    [
        ([END, text("a", sequence_number=None)], "9.3", "stream", "response.output_text.delta"),
        (
            [life("created", usage={"input_tokens": 1}), life("queued", usage={"input_tokens": 0})],
            "4.14",
            "usage",
            None,
        ),
        ([text("a", None, None)], "9.8", "item", None),
        ([text("a", "x", 3)], "9.8", "x", 3),
        ([args("a", item_id="f"), added("mcp_call", 0, id="f")], "9.18", "f", "mcp_call"),
        ([args("a", item_id="f"), args({"b": 1}, item_id="f")], "9.18", "f", {"b": 1}),
        ([text("a"), event("refusal.delta", item_id="m", content_index=0, delta="b")], "9.12", "m", 0),
        ([done("message", 0, id="m", content="Hi")], "9.12", "m content", {"type": "output_text", "text": "Hi"}),
        ([done("reasoning", 0, id="r", summary="Hm")], "9.12", "r summary", {"type": "summary_text", "text": "Hm"}),
        ([text("a"), event("output_text.done", item_id="m", content_index=0, text="b")], "9.14", "m[0]", "b"),
        ([args("a", item_id="f"), done("function_call", 0, id="f", arguments="b")], "9.14", "f arguments", "b"),
        (
            [event("reasoning_text.delta", item_id="r", delta="a"), done("reasoning", 0, id="r", summary=["a"])],
            "9.16",
            "r",
            None,
        ),
        ([text("a", sequence_number=1), text("a", sequence_number=1)], "9.24", "sequence_number", 1),
        ([text("a", sequence_number=1), text("a", sequence_number=5)], "9.24", "sequence_number", 5),
    ],
)
def test_what_was_mended_is_told_of(frames, rule, where, came):
    (found,) = [repair for repair in fold(b"".join(frames)).accumulator.repairs if repair.rule == rule]

    raw = json.dumps(came, separators=(",", ":")).encode()
    assert Repair(rule, where, b'{"input_tokens":0}' if rule == "4.14" else raw) == found


@pytest.mark.parametrize(
    "frames",
    [
        [added("message", 0, id="m"), text("a"), text("b"), text("c", "m", None), text("d", None, 0)],
        [added("function_call", 0, id="f", call_id="c"), args("a", item_id="c"), args("b", output_index=0)],
        [added("reasoning", 0, id="r"), event("reasoning_summary_text.delta", item_id="r", delta="a")],
        [life("created", usage={"input_tokens": 0}), life("queued", usage={"input_tokens": 1})],
        [text("a", sequence_number=number) for number in (4, 5, 6)],
    ],
)
def test_what_is_right_is_not_mended(frames):
    assert {"9.8"} >= set(fold(b"".join(frames) + END).rules)
    assert [] == fold(added("message", 0, id="m") + b"".join(frames) + END).rules


def test_what_was_mended_too_often_is_counted():
    frames = [text("a", f"id{number}", 0) for number in range(1002)]
    accumulator = fold(added("message", 0, id="m") + b"".join(frames)).accumulator

    assert (1000, 2) == (len(accumulator.repairs), accumulator.repairs_omitted)


def test_what_the_decoder_mended_is_told_of():
    (repair,) = fold(life("created") + event("mcp_call.failed", item_id=5, output_index="0")).accumulator.repairs[:1]

    assert ("6.4", "$.item_id") == (repair.rule, repair.where)
