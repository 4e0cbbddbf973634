"""The dialects: each says the same in another shape, and the pure fold finds it again; and what a shape looks like."""

import dataclasses
import json
from typing import get_args, get_type_hints

import pytest
from chat_api import PATH, request

from asyncstream.accumulators import ChatAccumulator
from asyncstream.errors import StreamError, StreamEventError
from asyncstream.events import decode_stream
from asyncstream.server import DIALECTS, CallFunction, ChatDialect, ErrorEvent, Say, Scenario, Think, Turn

TURN = Turn(
    Think("Both at once."),
    Say("I will look."),
    CallFunction("get_current_weather", {"city": "Lisbon", "unit": "c"}, id="call_a"),
    CallFunction("get_current_weather", {"city": "Oslo", "unit": "c"}, id="call_b"),
)
CALLS = [
    ("get_current_weather", '{"city":"Lisbon","unit":"c"}'),
    ("get_current_weather", '{"city":"Oslo","unit":"c"}'),
]
FORMS = {
    name: get_args(hint)
    for name, hint in get_type_hints(ChatDialect).items()
    if name != "order" and get_args(hint) and isinstance(get_args(hint)[0], str)
}
SINGLE = [(name, value) for name, values in FORMS.items() for value in values]


async def _body(talk, dialect: ChatDialect, *turns: Turn, **members: object) -> bytes:
    async with talk(Scenario(turns or (TURN,), dialect=dialect)) as api:
        options = {"include_usage": True}
        came, error = await api.raw(PATH, request(stream_options=options, **members))
    assert error is None
    return came


def _fold(body: bytes) -> ChatAccumulator:
    accumulator = ChatAccumulator()
    for event in decode_stream(body, "chat"):
        accumulator.push(event)
    accumulator.finish()
    return accumulator


def test_every_form_is_in_these_tests():
    fields = {field.name for field in dataclasses.fields(ChatDialect)}

    assert fields - set(FORMS) == {"order", "space", "event", "noise", "bom", "done", "content_filter", "any_parameter"}


@pytest.mark.parametrize(("name", "value"), SINGLE, ids=[f"{name}={value!r}" for name, value in SINGLE])
async def test_each_form_says_the_same(talk, name, value):
    folded = _fold(await _body(talk, ChatDialect(**{name: value})))

    [choice] = folded.completion.choices
    assert choice.message.content == "I will look."
    assert choice.message.reasoning == "Both at once."
    assert [(call.function.name, call.function.arguments) for call in choice.message.tool_calls] == CALLS
    if value != "absent":
        assert [call.id for call in choice.message.tool_calls] == ["call_a", "call_b"]
    if name == "finish":
        assert choice.finish_reason == {"absent": None, "stop": "stop"}.get(value, "tool_calls")
    usage = folded.completion.usage
    assert (usage and usage.total_tokens) == (None if value == "never" else 28)


@pytest.mark.parametrize("name", DIALECTS)
async def test_each_named_dialect_says_the_same(talk, name):
    folded = _fold(await _body(talk, DIALECTS[name]))

    [choice] = folded.completion.choices
    assert (choice.message.content, choice.message.reasoning) == ("I will look.", "Both at once.")
    assert [call.id for call in choice.message.tool_calls] == ["call_a", "call_b"]
    assert [(call.function.name, call.function.arguments) for call in choice.message.tool_calls] == CALLS
    assert choice.finish_reason == "tool_calls"
    assert folded.completion.usage.total_tokens == 28


@pytest.mark.parametrize("form", FORMS["choice_index"])
async def test_several_choices_are_told_apart(talk, form):
    turns = [Turn(Say("a b")), Turn(Say("c d e f")), Turn(Say("g"))]
    completion = _fold(await _body(talk, ChatDialect(choice_index=form), *turns, n=3)).completion

    assert ["a b", "c d e f", "g"] == [choice.message.content for choice in completion.choices]
    assert [0, 1, 2] == [choice.index for choice in completion.choices]


async def test_all_quirks_together_still_say_the_same(talk):
    dialect = ChatDialect(
        arguments="repeated",
        call_index="reused",
        call_id="empty",
        names="empty",
        role="empty",
        reasoning="details",
        choice_index="text",
        envelope="first",
        finish="null_text",
        usage="every",
        frame="glued",
        newline="\r\n",
        space=False,
        event="completion",
        noise=b": keep-alive\n\nevent: ping\ndata: {}\n\n",
        bom=True,
        done=False,
        content_filter=True,
    )
    [choice] = _fold(await _body(talk, dialect)).completion.choices

    assert (choice.message.content, choice.message.reasoning) == ("I will look.", "Both at once.")
    assert [(call.function.name, call.function.arguments) for call in choice.message.tool_calls] == CALLS
    assert choice.finish_reason == "tool_calls"


@pytest.mark.parametrize("form", FORMS["errors"])
@pytest.mark.parametrize("quirks", [{}, {"newline": "\r\n", "space": False}], ids=["plain", "crlf"])
async def test_each_error_form_is_found(talk, form, quirks):
    turn = Turn(Say("Half"), ErrorEvent("Out of\nroom", code="c"))
    body = await _body(talk, ChatDialect(errors=form, **quirks), turn)

    with pytest.raises(StreamEventError) as failure:
        _fold(body)
    assert failure.value.partial.completion.choices[0].message.content == "Half"
    if form != "finish":
        assert failure.value.message.split() == ["Out", "of", "room"]
    if form not in ("finish", "text", "plain"):
        assert failure.value.code == "c"


# What it looks like.


async def _entries(talk, **forms: str) -> list[dict]:
    turn = Turn(CallFunction("ab", pieces=["{", "}"], id="x"), CallFunction("cd", pieces=["{}"], id="y"))
    body = await _body(talk, ChatDialect(**forms), turn)
    chunks = [json.loads(frame[6:]) for frame in body.decode().split("\n\n")[:-2]]
    return [
        entry for chunk in chunks for choice in chunk["choices"] for entry in choice["delta"].get("tool_calls") or ()
    ]


@pytest.mark.parametrize(
    ("forms", "indexes"),
    [
        ({"call_index": "absent"}, ["none"] * 5),
        ({"call_index": "null"}, [None] * 5),
        ({"call_index": "reused"}, [0] * 5),
        ({"call_index": "from_one"}, [1, 2, 1, 2, 1]),
        ({"call_index": "text"}, ["0", "1", "0", "1", "0"]),
        ({"order": "sequence"}, [0, 0, 0, 1, 1]),
        ({"call_index": "absent", "call_id": "every"}, ["none"] * 5),
    ],
)
async def test_indexes_of_calls(talk, forms, indexes):
    entries = await _entries(talk, **forms)

    assert [entry.get("index", "none") for entry in entries] == indexes


@pytest.mark.parametrize(
    ("form", "ids"),
    [
        ("every", ["x", "y", "x", "y", "x"]),
        ("empty", ["x", "y", "", "", ""]),
        ("late", [None, None, None, "y", "x"]),
        ("absent", [None] * 5),
    ],
)
async def test_ids_of_calls(talk, form, ids):
    assert [entry.get("id") for entry in await _entries(talk, call_id=form)] == ids


@pytest.mark.parametrize(
    ("form", "names"),
    [
        ("every", ["ab", "cd", "ab", "cd", "ab"]),
        ("empty", ["ab", "cd", "", "", ""]),
        ("split", ["a", "c", "b", "d", None, None, None]),
    ],
)
async def test_names_of_calls(talk, form, names):
    assert [entry["function"].get("name") for entry in await _entries(talk, names=form)] == names


@pytest.mark.parametrize(
    ("form", "arguments"),
    [
        ("whole", ["{}", "{}"]),
        ("object", [{}, {}]),
        ("repeated", ["", "", "{", "{}", "}", "{}", "{}"]),
        ("null_first", [None, None, "{", "{}", "}"]),
    ],
)
async def test_arguments_of_calls(talk, form, arguments):
    assert [entry["function"]["arguments"] for entry in await _entries(talk, arguments=form)] == arguments


async def test_arguments_that_are_no_object_stay_text(talk):
    body = await _body(talk, ChatDialect(arguments="object"), Turn(CallFunction("f", '{"broken')))

    assert rb'"arguments":"{\"broken"' in body


@pytest.mark.parametrize("forms", [{"call_index": "reused"}, {"call_index": "absent", "call_id": "first"}])
def test_calls_by_turns_must_say_whose_an_entry_is(forms):
    with pytest.raises(ValueError, match="cannot stream by turns"):
        ChatDialect(order="turns", **forms)


@pytest.mark.parametrize(
    ("dialect", "piece"),
    [
        (ChatDialect(newline="\r\n"), b'"finish_reason":"stop"}],"usage":null}\r\n\r\ndata: '),
        (ChatDialect(newline="\r"), b"\r\rdata: [DONE]\r\r"),
        (ChatDialect(space=False), b"data:[DONE]\n\n"),
        (ChatDialect(event="chunk"), b"event: chunk\ndata: {"),
        (ChatDialect(noise=b": wait\n\n"), b": wait\n\ndata: [DONE]"),
        (ChatDialect(bom=True), b"\xef\xbb\xbfdata: {"),
        (ChatDialect(frame="array"), b"data: [{"),
        (ChatDialect(frame="lines"), b'data: {\ndata:  "id"'),
        (ChatDialect(frame="glued"), b'}\ndata: {"id"'),
        (ChatDialect(usage="x_groq"), b'"x_groq":{"id":"chatcmpl-'),
        (ChatDialect(content="parts"), b'"content":[{"type":"text","text":"Hi"}]'),
        (ChatDialect(content="message"), b'"message":{"role":"assistant","content":"Hi"'),
        (ChatDialect(content_filter=True), b'"choices":[],"prompt_filter_results":[{"prompt_index":0'),
        (ChatDialect(finish="no_delta"), b'"delta":null,"logprobs":null,"finish_reason":"stop"'),
        (ChatDialect(finish="merged"), b'"delta":{"content":"Hi"},"logprobs":null,"finish_reason":"stop"'),
        (ChatDialect(finish="empty"), b'"delta":{"content":"Hi"},"logprobs":null,"finish_reason":""'),
    ],
)
async def test_shape_of_the_bytes(talk, dialect, piece):
    assert piece in await _body(talk, dialect, Turn(Say("Hi")))


async def test_without_evidence_the_end_is_no_end(talk):
    body = await _body(talk, ChatDialect(done=False, finish="absent"), Turn(Say("Hi")))

    with pytest.raises(StreamError, match="stream ended after"):
        _fold(body)


async def test_whole_answers_have_one_shape(talk):
    async with talk(Scenario([TURN], dialect=ChatDialect(arguments="object", call_id="absent"))) as api:
        whole = await api.post(PATH, request())

    assert [call["id"] for call in whole["choices"][0]["message"]["tool_calls"]] == ["call_a", "call_b"]
