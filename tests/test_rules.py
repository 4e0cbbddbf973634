"""What is mended, by the number of its rule: each number that a `Repair` carries, and a stream that shows it."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import assistant_folds as assistants
import chat_folds as chat
import pytest
import response_folds as responses
from assistant_folds import end_message, function, message_delta, step_delta, text
from assistants_wire import frame

PACKAGE = Path(__file__).parents[1] / "asyncstream"


class Rule(NamedTuple):
    """One rule, and a stream whose folding records it."""

    words: str
    body: bytes
    fold: Callable[..., assistants.Outcome | chat.Outcome | responses.Outcome] = assistants.fold


RULES = {
    "1.2": Rule("bad UTF-8 becomes U+FFFD", b'event: thread.created\ndata: {"id":"\xff"}\n\n'),
    "2.2": Rule("an array gives its objects one by one", b'event: thread.created\ndata: [{"id":"t"}]\n\n'),
    "2.3": Rule(
        "lines that parse alone are payloads of their own",
        b'event: thread.created\ndata: {"id":"t"}\ndata: {"id":"u"}\n\n',
    ),
    "3.5": Rule(
        "words of a failure after which the answer goes on all the same",
        b'data: {"message":"slow"}\n\n' + chat.delta("stop", content="a") + chat.DONE,
        chat.fold,
    ),
    "4.2": Rule(
        "a choice without an index takes its place in the list", chat.delta(index=None, content="a"), chat.fold
    ),
    "4.4": Rule(
        "a whole message stands for a delta; what it says replaces",
        chat.delta(content="a") + chat.chunk({"index": 0, "message": {"content": "b"}}),
        chat.fold,
    ),
    "4.6": Rule("what is no text is none", chat.delta(content=5), chat.fold),
    "4.9": Rule(
        "a tool call is re-keyed, or goes without an index",
        step_delta("s", function("{}", name="f", id="a")) + step_delta("s", function("{}", name="f", id="b")),
    ),
    "4.10": Rule(
        "a repeated name or value is dropped; arguments as JSON become text",
        step_delta("s", function("{}", name="f", id="a")) + step_delta("s", function("{}")),
    ),
    "4.12": Rule(
        "a call whose id never came gets a made-up one",
        chat.delta(tool_calls=[chat.call(0, "f", "{}")], finish="tool_calls") + chat.DONE,
        chat.fold,
    ),
    "4.13": Rule(
        "what comes after a finish reason is folded all the same",
        chat.delta(content="a", finish="stop") + chat.delta(content="b"),
        chat.fold,
    ),
    "4.14": Rule(
        "a usage of zeros never replaces one that has a number",
        chat.chunk(usage={"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2})
        + chat.chunk(usage={"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}),
        chat.fold,
    ),
    "5.2": Rule("a late `created` fires nothing", end_message("m") + frame("thread.message.created", id="m")),
    "5.4": Rule(
        "a part of another type at a known index is another part",
        message_delta("m", text("a")) + message_delta("m", {"index": 0, "type": "refusal", "refusal": "b"}),
    ),
    "5.5": Rule(
        "tool calls count under details of any type", step_delta("s", function("{}", name="f", id="a"), type="mcp")
    ),
    "6.3": Rule(
        "a member that is nested too deep is left out",
        chat.delta(content="a", deep=json.loads("[" * 200 + "]" * 200)),
        chat.fold,
    ),
    "6.2": Rule("half a surrogate pair waits for its partner", message_delta("m", text("\ud83d"))),
    "6.4": Rule("a value of the wrong kind is converted or left out", frame("thread.created", id=5)),
    "9.3": Rule(
        "what comes after the end of a response is left out",
        responses.life("completed") + responses.text("late"),
        responses.fold,
    ),
    "9.4": Rule(
        "an event whose response is none is itself the response",
        responses.event("created", response=5, id="r"),
        responses.fold,
    ),
    "9.8": Rule("an item that no event announced is opened", responses.text("a"), responses.fold),
    "9.12": Rule(
        "a part of another type at a known index is another part",
        responses.text("a", content_index=0)
        + responses.event("refusal.delta", item_id="m", output_index=0, content_index=0, delta="b"),
        responses.fold,
    ),
    "9.14": Rule(
        "a whole text that contradicts its deltas replaces them",
        responses.text("a") + responses.event("output_text.done", item_id="m", output_index=0, text="b"),
        responses.fold,
    ),
    "9.16": Rule(
        "a list that says the other list of a reasoning again adds nothing",
        responses.event("reasoning_summary_text.delta", item_id="r", output_index=0, summary_index=0, delta="a")
        + responses.done("reasoning", 0, id="r", content=["a"]),
        responses.fold,
    ),
    "9.18": Rule(
        "JSON in the middle of arguments is none of them",
        responses.event("function_call_arguments.delta", item_id="f", output_index=0, delta='{"a"')
        + responses.event("function_call_arguments.delta", item_id="f", output_index=0, delta={"a": 1}),
        responses.fold,
    ),
    "9.24": Rule(
        "a number that goes back is noted",
        responses.text("a", sequence_number=5) + responses.text("b", sequence_number=3),
        responses.fold,
    ),
}


@pytest.mark.parametrize("number", RULES)
def test_repair_carries_the_number_of_its_rule(number):
    found = RULES[number].fold(RULES[number].body)

    assert number in [repair.rule for repair in found.accumulator.repairs]


def test_every_number_in_the_code_is_a_rule_here():
    recorded = {
        number
        for path in PACKAGE.rglob("*.py")
        for number in re.findall(r'(?:Repair|repairs\.add)\(\s*"(\d\.\d+)"', path.read_text())
    }

    assert recorded <= set(RULES)
    assert len(recorded) >= 12
