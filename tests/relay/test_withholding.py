"""What a relay leaves out of a payload, and that it leaves the rest as it came: bytes, order, and what nobody knows."""

import json
import random

import pytest

from asyncstream.errors import ConfigurationError
from asyncstream.events import ThreadMessageCompleted, decode_stream
from asyncstream.events.decode import wire_of
from asyncstream.relay.withholding import Withholding, _Alike
from asyncstream.types import Message, TextContentBlock, UnknownContentBlock

ASSISTANTS, CHAT, RESPONSES = wire_of("assistants"), wire_of("chat"), wire_of("responses")

RUN = "thread.run.created"


def assistants(**options: object) -> Withholding:
    return Withholding(ASSISTANTS.withheld, ASSISTANTS.understood, **options)  # type: ignore[arg-type]


def chat(**options: object) -> Withholding:
    return Withholding(CHAT.withheld, CHAT.understood, **options)  # type: ignore[arg-type]


def responses(**options: object) -> Withholding:
    return Withholding(RESPONSES.withheld, RESPONSES.understood, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("payload", "left"),
    [
        (b'{"id":"r","instructions":"x","model":"m"}', b'{"id":"r","model":"m"}'),
        (b'{"instructions":"x"}', b"{}"),
        (rb'{"id":"r","instr\u0075ctions":"x"}', b'{"id":"r"}'),
        (rb'{"id":"r","\u0069\u006E\u0073tructions":"x"}', b'{"id":"r"}'),
        (b'{"tools":[1],"id":"r","tools":[2]}', b'{"id":"r"}'),
        (b'{ "id" : "r" ,\n\t"metadata" : { "a" : "b" } }', b'{"id":"r"}'),
        (b'{"id":"r","vendor":{"deep":[{"metadata":1,"x":2}]}}', b'{"id":"r","vendor":{"deep":[{"x":2}]}}'),
        (b'{"id":"r","metadata":null}', b'{"id":"r"}'),
        (rb'{"id":"\ud83d","metadata":{}}', rb'{"id":"\ud83d"}'),
        (rb'{"\ud83d":1,"metadata":{}}', rb'{"\ud83d":1}'),
    ],
)
def test_a_member_is_left_out_however_it_is_written(payload, left):
    assert left == assistants().of_event(RUN, payload, None)


@pytest.mark.parametrize(
    "payload",
    [
        b'{ "id" : "r",  "x": 1.50, "y": 1e2, "z": 123456789012345678901234567890 }',
        b'{"id":"r","content":[{"text":{"value":"my \\"metadata\\": none","tools":[]}}]}',
        b'{"id":"r","step_details":{"tool_calls":[{"function":{"arguments":{"instructions":"go"},"output":{"tools":1}}}]}}',
    ],
)
def test_what_holds_nothing_of_it_keeps_its_bytes(payload):
    assert payload == assistants().of_event(RUN, payload, None)


def test_the_other_members_keep_their_bytes_and_their_order():
    payload = b'{"z": 1.50 ,"metadata":{},"a":{ "b" : 1e2 },"big":123456789012345678901234567890}'

    assert b'{"z":1.50,"a":{ "b" : 1e2 },"big":123456789012345678901234567890}' == (
        assistants().of_event(RUN, payload, None)
    )


def test_an_event_that_is_not_in_the_table_is_not_looked_into():
    payload = b'{"metadata": not even JSON'

    assert payload is assistants().of_event("thread.of_another_kind", payload, None)


def test_what_is_exposed_goes_out():
    payload = b'{"metadata":{"a":"b"},"tools":[1],"instructions":"x"}'

    assert b'{"metadata":{"a":"b"},"instructions":"x"}' == (
        assistants(expose=["metadata", "instructions"]).of_event(RUN, payload, None)
    )


def test_for_readers_that_want_it_a_member_is_there_and_empty_of_its_kind():
    payload = b'{"instructions":"x","tools":[{"a":1}],"metadata":{"a":"b"},"tool_resources":null,"json_schema":5}'

    assert {"instructions": "", "tools": [], "metadata": {}, "tool_resources": None, "json_schema": None} == (
        json.loads(assistants(compatible=True).of_event(RUN, payload, None))
    )


@pytest.mark.parametrize("make", [assistants, chat])
@pytest.mark.parametrize(
    ("expose", "message"),
    [
        (["metadata", "nonsense"], "nothing called 'nonsense' is left out: expose takes .*instructions, .*metadata, "),
        ([1], "nothing called 1 is left out"),
        (["id"], "nothing called 'id' is left out"),
        ("metadata", r"expected expose to be names of members, as \('metadata',\), got 'metadata'"),
        (None, "expected expose to be names of members"),
    ],
)
def test_what_cannot_be_exposed_is_said(make, expose, message):
    with pytest.raises(ConfigurationError, match=message):
        make(expose=expose)


def test_words_of_a_server_inside_an_event_are_as_those_of_an_error():
    payload = (
        b'{"id":"r","last_error":{"code":"server_error","message":"no route to 10.0.0.1","more":["a.corp.example"]}}'
    )

    assert {"code": "server_error", "message": "no route to ***", "more": ["***"]} == (
        json.loads(assistants().of_event(RUN, payload, None))["last_error"]
    )


def test_a_payload_too_deep_to_be_read_again_is_sent_as_it_was_understood():
    payload = b'{"id":"m","metadata":{"a":"b"},"deep":' + b"[" * 1_000 + b"]" * 1_000 + b"}"
    message = Message(
        id="m",
        metadata={"a": "b"},
        content=[TextContentBlock(), UnknownContentBlock(wire_type="x", raw=b'{"type":"x","metadata":1}')],
    )
    sent = json.loads(assistants().of_event("thread.message.completed", payload, ThreadMessageCompleted(message)))

    assert ("m", False) == (sent["id"], "metadata" in sent or "deep" in sent)
    assert ["text", "unknown"] == [part["type"] for part in sent["content"]]


@pytest.mark.parametrize(
    ("data", "left"),
    [
        (b"just words, no metadata", b"just words, no metadata"),
        (b"[DONE]", b"[DONE]"),
        (b'{"a": 1.50}', b'{"a": 1.50}'),
        (b'{"a":{"instructions":"x","b":1}}', b'{"a":{"b":1}}'),
        (b'[{"tools":[1]},2]', b"[{},2]"),
        (b'{"tools":1}\n{"a":2}\nwords', b'{}\n{"a":2}\nwords'),
        (b'{"tools":1, "score": NaN}', b"{}"),
        (b'{"tools":[1', b"{}"),
        (b'{"message":"see http://10.0.0.1/","code":"x"}', b'{"message":"see ***","code":"x"}'),
        (b'{"message":{"content":"see http://a.example/"}}', b'{"message":{"content":"see http://a.example/"}}'),
        (b'{"error":{"10.0.0.1":"10.0.0.2"},"error2":1.50}', b'{"error":{"***":"***"},"error2":1.5}'),
        (b'{"message":"x","code":{"a":["10.0.0.1"]}}', b'{"message":"x","code":{"a":["***"]}}'),
        (b'{"code":"import http://10.0.0.1"}', b'{"code":"import http://10.0.0.1"}'),
        (b'{"detail":[{"input":{"x":"y"},"msg":"10.0.0.1"}]}', b'{"detail":[{"msg":"***"}]}'),
        (b'{"type":"error","why":"10.0.0.1"}', b'{"type":"error","why":"***"}'),
    ],
)
def test_of_an_event_that_nobody_knows_all_is_left_out_that_is_left_out_of_any(data, left):
    assert left == assistants().of_unknown(data)


# Payloads that are like the one before.


def chunk(text: str, **more: object) -> bytes:
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": None}
    return json.dumps({"id": "c", "choices": [choice], **more}, separators=(",", ":"), ensure_ascii=False).encode()


def alike(*payloads: bytes) -> list[bool]:
    """Learn the first, and tell which of the others are like it."""
    shape = _Alike(CHAT.withheld.texts[""])
    shape.learn(payloads[0])
    return [shape.is_like(payload) for payload in payloads[1:]]


def test_a_chunk_is_like_another_if_only_its_text_differs():
    for more in ({}, {"usage": None}, {"obfuscation": "abc"}, {"usage": None, "obfuscation": ""}):
        others = [{**more, "obfuscation": "xy"} if "obfuscation" in more else more, more]

        assert [True, True] == alike(chunk("a", **more), chunk("longer", **others[0]), chunk("é", **others[1]))


@pytest.mark.parametrize(
    "other",
    [
        chunk("b", metadata={"a": 1}),
        chunk("b", obfuscation="x", metadata={"a": 1}),
        chunk("b").replace(b'"content":"b"', b'"content":"b","metadata":"x"'),
        chunk("b").replace(b'{"id"', b'{"metadata":1,"id"'),
        chunk('say "hi"'),
        chunk("b")[:-1],
        b"",
        b"{}",
        chunk("b") + b" ",
    ],
)
@pytest.mark.parametrize("first", [chunk("a"), chunk("a", obfuscation="x"), chunk('"a"'), chunk("")])
def test_a_chunk_with_another_member_is_not_like_it(first, other):
    assert [False] == alike(first, other)


def test_nothing_is_like_what_was_never_learned():
    assert [False, False] == alike(b"{}", chunk("a"), b"{}")
    assert not _Alike(CHAT.withheld.texts[""]).is_like(b"\n")


def numbered(text: str, number: object, **more: object) -> bytes:
    payload = {"type": "response.output_text.delta", "sequence_number": number, "item_id": "i", "delta": text, **more}
    return json.dumps(payload, separators=(",", ":"), ensure_ascii=False).encode()


@pytest.mark.parametrize(
    ("other", "is_like"),
    [
        (numbered("b", 9), True),
        (numbered("", 10), True),
        (numbered("b", 10**17), True),
        (numbered("b", 10**18), False),
        (numbered("b", -1), False),
        (numbered("b", 1.5), False),
        (numbered("b", "2"), False),
        (numbered("b", None), False),
        (numbered("b", 2).replace(b'"item_id"', b'"metadata":{},"item_id"'), False),
        (numbered("b", 2).replace(b'"sequence_number"', b'"tools":[],"sequence_number"'), False),
        (numbered("b", 2, metadata={"a": 1}), False),
        (b'{"type":"response.output_text.delta","sequence_number":123}', False),
        (b'{"type":"response.output_text.delta","sequence_number":', False),
    ],
)
def test_a_payload_is_like_another_if_only_text_and_number_differ(other, is_like):
    shape = _Alike(frozenset({"delta", "obfuscation"}), "sequence_number")
    shape.learn(numbered("a", 1))

    assert is_like == shape.is_like(other)


def test_no_number_is_needed():
    shape = _Alike(frozenset({"delta", "obfuscation"}), "sequence_number")
    shape.learn(b'{"item_id":"i","delta":"a"}')

    assert shape.is_like(b'{"item_id":"i","delta":"b"}')
    assert not shape.is_like(b'{"item_id":"2","delta":"b"}')


def delta(value: str, **more: object) -> bytes:
    content = [{"index": 0, "type": "text", "text": {"value": value, "annotations": []}}]
    return json.dumps({"id": "m", "delta": {"content": content}, **more}, separators=(",", ":")).encode()


def counted(text: str, **more: object) -> bytes:
    return numbered(text, random.randint(0, 200), **more)


@pytest.mark.parametrize(
    ("withholding", "event", "make"),
    [
        (chat(), "", chunk),
        (assistants(), "thread.message.delta", delta),
        (responses(), "response.output_text.delta", counted),
    ],
)
def test_whatever_is_taken_for_alike_holds_nothing_that_is_left_out(withholding, event, make):
    pieces = [
        '"',
        "\\",
        '\\"',
        '"metadata":1',
        ',"metadata":"x"',
        "},",
        "{",
        "a",
        '","obfuscation":"',
        '"value":"',
        "]",
    ]
    random.seed(1)
    untouched = 0
    for _ in range(3_000):
        text = "".join(random.choices(pieces, k=random.randint(0, 4)))
        more = {} if random.random() < 0.5 else {"obfuscation": "".join(random.choices(pieces, k=random.randint(0, 2)))}
        if random.random() < 0.3:
            more["metadata"] = {"a": "b"}
        payload = make(text, **more)
        sent = withholding.of_event(event, payload, None)
        untouched += sent is payload

        assert {key: value for key, value in json.loads(payload).items() if key != "metadata"} == json.loads(sent)
    assert 1_500 < untouched < 3_000


def test_what_no_field_of_a_change_names_stands_where_it_came():
    (event,) = decode_stream(
        b'data: {"choices":[{"delta":{"tool_calls":[{"index":0,"rank":1,"prompt":"x","function":{"name":"f"}}]}}]}\n\n',
        "chat",
    )
    sent = chat().of_change(event.choices[0].delta.tool_calls[0])

    assert sent == {"index": 0, "function": {"name": "f"}, "rank": 1}
