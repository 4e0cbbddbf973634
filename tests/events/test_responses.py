"""The events of the Responses protocol: which there are, what each holds, and what counts of one that is not right."""

import json
import pickle
from typing import Any, assert_never, get_args

import msgspec
import pytest
from shared_files import SHARED, needs_shared

from asyncstream import events
from asyncstream.decoding import Repair
from asyncstream.errors import StreamDecodeError
from asyncstream.events import (
    DoneEvent,
    ErrorEvent,
    RemarkEvent,
    ResponseCompletedEvent,
    ResponseContentPartAddedEvent,
    ResponseCreatedEvent,
    ResponseFailedEvent,
    ResponseOutputItemAddedEvent,
    ResponseOutputItemDoneEvent,
    ResponseReasoningTextDeltaEvent,
    ResponseStreamEvent,
    ResponseTextDeltaEvent,
    ResponseTextDoneEvent,
    UnknownEvent,
    decode_stream,
)
from asyncstream.events.control import ErrorObject
from asyncstream.events.named import TaggedEvent
from asyncstream.events.responses import WIRE
from asyncstream.events.responses_mending import output_item, response_of
from asyncstream.members import OWN_MEMBER
from asyncstream.types import (
    Response,
    ResponseCodeInterpreterToolCall,
    ResponseFunctionToolCall,
    ResponseOutputMessage,
    ResponseOutputText,
    ResponseReasoningItem,
    ResponseSummaryText,
    UnknownResponseItem,
    WireStruct,
)

EVENTS = {event.type: event for event in get_args(ResponseStreamEvent) if issubclass(event, TaggedEvent)}

CALLS = ("web_search_call", "file_search_call", "code_interpreter_call", "image_generation_call", "mcp_call")
STATES = ("in_progress", "searching", "interpreting", "generating", "calling", "completed", "incomplete", "failed")

NAMES = [
    *["created", "queued", "in_progress", "completed", "incomplete", "failed", "cancelled", "done"],
    *(f"{what}.{step}" for what in ("output_item", "content_part", "reasoning_part") for step in ("added", "done")),
    *("reasoning_summary_part.added", "reasoning_summary_part.done"),
    *(
        f"{text}.{step}"
        for text in (
            *("output_text", "refusal", "reasoning_text", "reasoning_summary_text", "function_call_arguments"),
            *("custom_tool_call_input", "mcp_call_arguments", "code_interpreter_call_code"),
            *("apply_patch_call_operation_diff", "audio", "audio.transcript"),
        )
        for step in ("delta", "done")
    ),
    "output_text.annotation.added",
    *(f"{call}.{state}" for call in (*CALLS, "mcp_list_tools") for state in STATES),
    "image_generation_call.partial_image",
    *(f"shell_call_command.{step}" for step in ("added", "delta", "done")),
    *(f"shell_call_output_content.{step}" for step in ("delta", "done")),
    "compaction.compacting",
]
"""What is known, by rule 9.1."""

OLDER = {
    "response.output_text_annotation.added": "response.output_text.annotation.added",
    "response.mcp_call.arguments.delta": "response.mcp_call_arguments.delta",
    "response.mcp_call.arguments.done": "response.mcp_call_arguments.done",
    "response.mcp_call.arguments_delta": "response.mcp_call_arguments.delta",
    "response.mcp_call.arguments_done": "response.mcp_call_arguments.done",
    "response.code_interpreter_call.code.delta": "response.code_interpreter_call_code.delta",
    "response.code_interpreter_call.code.done": "response.code_interpreter_call_code.done",
    "response.reasoning.delta": "response.reasoning_text.delta",
    "response.reasoning.done": "response.reasoning_text.done",
    "response.reasoning_summary.delta": "response.reasoning_summary_text.delta",
    "response.reasoning_summary.done": "response.reasoning_summary_text.done",
}

ABOUT: dict[str, Any] = {
    "annotation": {"type": "file_path", "file_id": "f", "index": 1},
    "delta": "words",
    "item": {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "f", "arguments": "{}"},
    "part": {"type": "output_text", "text": "words", "annotations": []},
    "partial_image_b64": "YQ==",
    "response": {"id": "resp_1", "status": "queued", "output": []},
}
"""A value for each member that an event cannot do without."""


def sample(name: str) -> dict[str, Any]:
    """Give a payload with what its event is about."""
    members = EVENTS[name].__struct_fields__
    about = {member: value for member, value in ABOUT.items() if member in members}
    if name == "response.shell_call_output_content.delta":
        about["delta"] = {"stdout": "out"}
    return {"type": name, **about, "sequence_number": 3}


def decode(frame: bytes) -> list[Any]:
    """Decode a frame, its repairs and bytes left out."""
    found = WIRE.decode_frame(frame)
    for event in found:
        if isinstance(event, TaggedEvent):
            event.raw = b""
            event.repairs = ()
    return list(found)


def frame(payload: object, name: str = "") -> bytes:
    line = f"event: {name}\n" if name else ""
    return (line + "data: " + json.dumps(payload)).encode()


# Which there are.


def test_every_known_name_has_an_event():
    assert {f"response.{name}" for name in NAMES} == set(EVENTS)


@pytest.mark.parametrize("name", EVENTS)
def test_an_event_is_read_on_the_quick_path_named_or_not(name):
    payload = sample(name)

    named, unnamed = WIRE.decode_plain(frame(payload, name)), WIRE.decode_plain(frame(payload))

    assert type(named) is EVENTS[name]
    assert named == unnamed
    assert (name, 3, json.dumps(payload).encode(), ()) == (
        named.type,
        named.sequence_number,
        named.raw,
        named.repairs,
    )
    assert named == pickle.loads(pickle.dumps(named))


@pytest.mark.parametrize("name", EVENTS)
def test_the_name_may_stand_in_the_event_field_alone(name):
    payload = sample(name)
    del payload["type"]

    assert decode(frame(payload, name)) == decode(frame(sample(name), name))


@pytest.mark.parametrize("event", EVENTS.values())
def test_what_is_our_own_cannot_come_from_the_wire(event):
    own = {field.encode_name for field in msgspec.structs.fields(event) if field.name in ("raw", "repairs", "whole")}

    assert all(name.startswith(OWN_MEMBER) for name in own)
    assert event.__struct_config__.gc is False


def test_an_event_is_given_as_it_came_or_as_it_was_made():
    payload = sample("response.output_item.added") | {"item": ABOUT["item"] | {"vendor": None}, "model": "m"}
    (event,) = WIRE.decode_frame(frame(payload))
    made = ResponseTextDeltaEvent(delta="t", item_id="msg_1", output_index=0)

    assert isinstance(event, ResponseOutputItemAddedEvent)
    assert payload == event.to_dict()
    assert {
        "type": "response.output_text.delta",
        "delta": "t",
        "item_id": "msg_1",
        "output_index": 0,
        "logprobs": [],
    } == made.to_dict()
    assert made.to_dict() == json.loads(made.to_json())


@pytest.mark.parametrize(("older", "today"), OLDER.items())
def test_an_event_under_an_older_name_has_the_type_of_today(older, today):
    (event,) = decode(frame(sample(today) | {"type": older}, older))

    assert type(event) is EVENTS[today]
    assert decode(frame(sample(today))) == [event]


def test_events_of_the_sdk_are_there_under_its_names():
    names = {event.__name__ for event in EVENTS.values()}

    assert {
        "ResponseTextDeltaEvent",
        "ResponseImageGenCallGeneratingEvent",
        "ResponseMcpCallArgumentsDoneEvent",
    } <= names
    assert names <= set(events.__all__)
    assert events.ResponseErrorEvent is ErrorEvent


@pytest.mark.parametrize(
    ("payload", "name"),
    [
        ({"type": "keepalive", "sequence_number": 4}, "keepalive"),
        ({"type": "response.rate_limits.updated"}, "response.rate_limits.updated"),
        ({"type": "function_call_output", "output": "x"}, "function_call_output"),
        ({"n": 1}, "message"),
    ],
)
def test_what_nobody_knows_is_one_unknown_event(payload, name):
    assert [UnknownEvent(name, json.dumps(payload).encode())] == WIRE.decode_frame(frame(payload))


# What counts of one that is not as it should be.


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("response.output_text.delta", {"delta": None}),
        ("response.output_text.delta", {"delta": 5}),
        ("response.output_text.delta", {"delta": {"text": "t"}}),
        ("response.function_call_arguments.delta", {"delta": None}),
        ("response.function_call_arguments.delta", {"delta": True}),
        ("response.image_generation_call.partial_image", {"partial_image_b64": 7}),
        ("response.shell_call_output_content.delta", {"delta": "out"}),
        ("response.output_item.added", {"item": None}),
        ("response.output_item.done", {"item": "text"}),
        ("response.content_part.added", {"part": None}),
        ("response.reasoning_summary_part.done", {"part": []}),
        ("response.output_text.annotation.added", {"annotation": None}),
    ],
)
def test_an_event_without_what_it_is_about_is_unknown(name, wrong):
    payload = sample(name) | wrong
    absent = {key: value for key, value in payload.items() if key not in wrong}

    assert [UnknownEvent(name, json.dumps(payload).encode())] == WIRE.decode_frame(frame(payload, name))
    assert [UnknownEvent(name, json.dumps(absent).encode())] == WIRE.decode_frame(frame(absent, name))


@pytest.mark.parametrize(("given", "index"), [(2, 2), ("2", 2), (2.0, 2), (None, None), ("two", None), ([], None)])
def test_an_index_is_a_number_or_digits_or_absent(given, index):
    payload = sample("response.output_text.delta") | {"output_index": given, "content_index": given}

    (event,) = WIRE.decode_frame(frame(payload))

    assert (index, index, "words") == (event.output_index, event.content_index, event.delta)


def test_null_is_as_if_nothing_was_said():
    payload = sample("response.output_text.delta") | dict.fromkeys(
        ("item_id", "output_index", "content_index", "logprobs", "obfuscation", "sequence_number")
    )

    assert [ResponseTextDeltaEvent(delta="words")] == decode(frame(payload))


@pytest.mark.parametrize("call", ["function_call_arguments", "custom_tool_call_input", "mcp_call_arguments"])
@pytest.mark.parametrize("delta", [{"x": [1, None]}, [1, "é"]])
def test_arguments_may_be_json(call, delta):
    payload = sample(f"response.{call}.delta") | {"delta": delta, "name": "f", "call_id": "call_1"}

    (event,) = WIRE.decode_frame(frame(payload))

    assert (json.dumps(delta, separators=(",", ":"), ensure_ascii=False), True) == (event.delta, event.whole)
    assert ("f", "call_1") == (event.name, event.call_id)
    assert Repair("6.4", "$.delta", event.delta.encode()) in event.repairs
    assert not WIRE.decode_frame(frame(sample(f"response.{call}.delta")))[0].whole


def test_json_in_the_place_of_a_text_is_none():
    part = {"type": "output_text", "text": {"json": 1}, "annotations": []}
    item = {"type": "message", "id": "m", "content": [part, None, {"type": "refusal", "refusal": ["no"]}]}
    done = {"type": "response.output_text.done", "text": ["t"]}
    whole = {"type": "response.completed", "response": {"text": {"format": {"type": "text"}}, "output": [item, 7]}}

    text = ResponseOutputText()
    assert [ResponseTextDoneEvent()] == decode(frame(done))
    assert [ResponseContentPartAddedEvent(part=text)] == decode(
        frame({"type": "response.content_part.added", "part": part})
    )
    (event,) = WIRE.decode_frame(frame(whole))
    assert isinstance(event, ResponseCompletedEvent)
    (message,) = event.response.output
    assert isinstance(message, ResponseOutputMessage)
    assert [text, "refusal"] == [message.content[0], message.content[1].type]
    assert Repair("6.4", "$.response.output.content.text", b'{"json":1}') in event.repairs
    assert event.response.text is not None


@pytest.mark.parametrize(
    ("name", "member"),
    [
        ("output_text.done", "text"),
        ("refusal.done", "refusal"),
        ("code_interpreter_call_code.done", "code"),
        ("apply_patch_call_operation_diff.done", "diff"),
        ("shell_call_command.added", "command"),
        ("shell_call_command.done", "command"),
    ],
)
@pytest.mark.parametrize("wrong", [{"json": 1}, ["t"], 5, False])
def test_a_done_text_that_is_none_is_absent(name, member, wrong):
    payload = sample(f"response.{name}") | {"item_id": "i"}

    (event,) = WIRE.decode_frame(frame(payload | {member: wrong}))

    assert [Repair("6.4", f"$.{member}", json.dumps(wrong, separators=(",", ":")).encode())] == list(event.repairs)
    event.raw, event.repairs = b"", ()
    assert decode(frame(payload)) == [event]


def test_json_in_the_place_of_a_summary_or_of_the_code_of_a_call_is_none():
    thought = {"type": "reasoning", "id": "rs", "summary": [{"type": "summary_text", "text": [1]}, 7]}
    code = {"type": "code_interpreter_call", "id": "ci", "code": {"a": 1}}

    (one,) = WIRE.decode_frame(frame({"type": "response.output_item.done", "item": thought}))
    (other,) = WIRE.decode_frame(frame({"type": "response.output_item.added", "item": code}))

    assert isinstance(one, ResponseOutputItemDoneEvent)
    assert isinstance(other, ResponseOutputItemAddedEvent)
    assert ResponseReasoningItem(id="rs", summary=[ResponseSummaryText()]) == one.item
    assert ResponseCodeInterpreterToolCall(id="ci") == other.item
    assert ["$.item.summary.text", "$.item.summary[1]"] == [repair.where for repair in one.repairs]
    assert ["$.item.code"] == [repair.where for repair in other.repairs]


@pytest.mark.parametrize("status", ["queued", None])
def test_a_frame_without_a_response_is_itself_the_response(status):
    bare = {"type": "response.created", "id": "resp_1", "status": status, "sequence_number": 0, "response": None}

    (event,) = WIRE.decode_frame(frame(bare))

    assert isinstance(event, ResponseCreatedEvent)
    assert (Response(id="resp_1", status=status), 0) == (event.response, event.sequence_number)
    assert [Repair("9.4", "$.response", b"null")] == list(event.repairs)


def test_an_error_of_a_response_may_be_a_text():
    beside = {"type": "response.failed", "response": {"id": "r"}, "error": "out of memory"}
    within = {"type": "response.failed", "response": {"id": "r", "error": "out of memory"}}

    (one,), (other,) = WIRE.decode_frame(frame(beside)), WIRE.decode_frame(frame(within))

    assert isinstance(one, ResponseFailedEvent)
    assert isinstance(other, ResponseFailedEvent)
    assert one.error is not None
    assert other.response.error is not None
    assert "out of memory" == one.error.message == other.response.error.message


def test_what_no_member_names_stays_with_what_it_was_said_of():
    item = ABOUT["item"] | {"vendor": 1}

    (event,) = WIRE.decode_frame(frame({"type": "response.output_item.added", "item": item, "model": "m"}))

    assert isinstance(event, ResponseOutputItemAddedEvent)
    assert item == event.item.to_dict()
    assert {"vendor": 1} == event.item.extra  # type: ignore[union-attr]  # it is a call
    assert () == event.repairs


def test_json_in_an_item_that_is_nested_too_deep_is_refused():
    deep = b'{"type":"x","deep":' + b"[" * 500 + b"]" * 500 + b"}"

    (error,) = WIRE.decode_frame(b'event: response.output_item.added\ndata: {"item":' + deep + b"}")

    assert isinstance(error, StreamDecodeError)


# Errors, and words that may be one.


@pytest.mark.parametrize(
    ("payload", "name", "error"),
    [
        (
            {"type": "error", "code": "rate", "message": "slow", "param": None, "sequence_number": 1},
            "",
            ErrorObject("slow", "rate"),
        ),
        (
            {"type": "error", "error": {"type": "server_error", "code": 502, "message": "up", "param": "p"}},
            "error",
            ErrorObject("up", 502, "server_error", "p"),
        ),
        ({"type": "response.failed", "message": "m", "error": None}, "error", ErrorObject("m")),
        (
            {"type": "response.failed", "response": {"error": {"code": "c", "message": "timed out"}}},
            "error",
            ErrorObject("timed out", "c"),
        ),
        ({"type": "error", "response": {"error": "timed out"}}, "", ErrorObject("timed out")),
        ({"type": "too_many", "message": "wait"}, "error", ErrorObject("wait", type="too_many")),
        ({"error": {"message": "no"}}, "", ErrorObject("no")),
        ({"object": "error", "message": "no"}, "", ErrorObject("no")),
        ({"type": ["x"], "error": "no"}, "", ErrorObject("no", type=["x"])),
        ({"base_resp": {"status_code": 1002, "status_msg": "limit"}}, "", ErrorObject("limit", 1002)),
    ],
)
def test_an_error_is_found_wherever_it_stands(payload, name, error):
    assert [ErrorEvent(error, json.dumps(payload).encode())] == WIRE.decode_frame(frame(payload, name))


def test_an_error_beside_what_is_known_is_no_error():
    payload = sample("response.mcp_call.failed") | {"error": {"message": "tool"}, "object": "error"}

    assert ["response.mcp_call.failed"] == [event.type for event in decode(frame(payload))]


def test_words_of_failure_come_after_their_event():
    payload = {"detail": "backend restarted", "code": 503}
    raw = json.dumps(payload).encode()

    assert [
        UnknownEvent("message", raw),
        RemarkEvent(ErrorObject("backend restarted", 503), certain=True, raw=raw),
    ] == WIRE.decode_frame(frame(payload))


def test_a_known_event_that_says_nothing_may_speak_of_failure():
    payload = {"type": "response.output_text.delta", "delta": None, "message": "gone"}

    assert ["unknown", "remark"] == [event.type for event in WIRE.decode_frame(frame(payload))]


def test_the_last_event_may_be_large():
    picture = {"type": "image_generation_call", "id": "ig_1", "result": "A" * (20 << 20)}
    body = frame({"type": "response.completed", "response": {"id": "r", "output": [picture]}}) + b"\n\n"

    (event,) = decode_stream(body, "responses")

    assert isinstance(event, ResponseCompletedEvent)
    assert [picture] == [item.to_dict() for item in event.response.output]


# Items out of what was folded.


def test_an_item_is_made_of_its_members():
    item = output_item(ABOUT["item"] | {"arguments": {"x": 1}, "vendor": None, "more": 1})

    assert isinstance(item, ResponseFunctionToolCall)
    assert ('{"x":1}', {"more": 1}) == (item.arguments, item.extra)
    assert "m-1" == response_of({"model": "m-1", "output": [ABOUT["item"]]}).model


def test_an_item_of_unknown_type_has_all_that_was_folded_as_its_json():
    assert UnknownResponseItem(wire_type="x_call", raw=b'{"type":"x_call","id":"x","n":[1]}', id="x") == output_item(
        {"type": "x_call", "id": "x", "n": [1]}
    )
    assert UnknownResponseItem(wire_type="", raw=b'{"id":"x"}', id="x") == output_item({"id": "x"})


def test_half_a_surrogate_pair_in_an_item_is_no_error():
    item = output_item(ABOUT["item"] | {"status": "\ud800", "name": "\udfff"})

    assert isinstance(item, ResponseFunctionToolCall)
    assert ("\ud800", "\udfff") == (item.status, item.name)


# What checkers know.


def narrowed(event: ResponseStreamEvent) -> str | None:
    if event.type == "response.output_text.delta":
        return event.delta
    if event.type == "response.output_item.done":
        return event.item.type
    if event.type == "response.web_search_call.searching":
        return event.item_id
    if event.type == "unknown":
        return event.name
    return None


def test_the_union_narrows_by_type():
    assert "t" == narrowed(ResponseTextDeltaEvent(delta="t"))
    assert "message" == narrowed(ResponseOutputItemDoneEvent(item=ResponseOutputMessage()))
    assert "x" == narrowed(UnknownEvent("x"))
    assert narrowed(ResponseReasoningTextDeltaEvent(delta="t")) is None


def test_the_control_events_have_a_type_beside_the_others():
    def word(event: ErrorEvent | DoneEvent | RemarkEvent | UnknownEvent) -> str:
        match event.type:
            case "error" | "done" | "remark" | "unknown":
                return event.event
            case _:
                assert_never(event)

    every = (ErrorEvent(ErrorObject("m")), DoneEvent(), RemarkEvent(ErrorObject("m"), certain=True), UnknownEvent("n"))
    assert ["error", "done", "remark", "unknown"] == [word(event) for event in every]


# What servers sent.

RECORDINGS = SHARED / "recordings_responses"

UNREADABLE = {"openai-open_ai_responses_api_spec_i1"}
"""Copied from a page by hand: its deltas are no JSON."""


def decode_body(body: bytes, step: int) -> list[Any]:
    """Decode a body that comes in chunks of some bytes, to its end or what cannot be read, which is said in words."""
    found: list[Any] = []
    try:
        found.extend(decode_stream((body[start : start + step] for start in range(0, len(body), step)), "responses"))
    except StreamDecodeError as error:
        found.append(str(error))
    return found


def kept(event: Any) -> list[tuple[Any, Any]]:
    """Pair what the wire said of an object with what its struct says."""
    said = json.loads(event.raw)
    return [
        (said[name], getattr(event, name).to_dict())
        for name in ("response", "item", "part", "annotation")
        if isinstance(getattr(event, name, None), WireStruct)
    ]


def without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: without_nulls(member) for key, member in value.items() if member is not None}
    return [without_nulls(member) for member in value] if isinstance(value, list) else value


def within(wire: Any, ours: Any) -> bool:
    """Tell whether all that the wire said is there, and nothing else but what stands where nothing was said."""
    if isinstance(wire, dict) and isinstance(ours, dict):
        # A message without a role is the assistant's.
        neutral = all(ours[key] in ("", 0, False, [], {}, "assistant") for key in ours.keys() - wire.keys())
        return neutral and all(key in ours and within(value, ours[key]) for key, value in wire.items())
    if isinstance(wire, list) and isinstance(ours, list):
        return len(wire) == len(ours) and all(map(within, wire, ours))
    return bool(wire == ours)


@needs_shared("recordings_responses")
def test_recorded_streams_are_read_without_loss_however_they_are_cut():
    seen: set[str] = set()
    for path in sorted(RECORDINGS.glob("*.sse")):
        body = path.read_bytes()
        whole = decode_body(body, len(body))

        assert whole == decode_body(body, 7), path.name
        assert isinstance(whole[-1], str) == (path.stem in UNREADABLE), path.name
        for event in whole:
            if isinstance(event, TaggedEvent):
                seen.add(event.type)
                assert {repair.rule for repair in event.repairs} <= {"2.3"}, path.name
                for wire, ours in kept(event):
                    assert within(without_nulls(wire), without_nulls(ours)), (path.name, event.type)
    assert len(seen) > 50


@needs_shared("fixtures", "responses.json")
def test_the_fixtures_are_read_but_for_what_must_be_refused():
    bodies = json.loads((SHARED / "fixtures" / "responses.json").read_text())
    unreadable = set()
    for name, fixture in bodies.items():
        for body in (fixture["sse"], *fixture.get("resume", [])):
            data = body.encode("utf-8", "surrogatepass")
            found = decode_body(data, len(data) + 1)

            assert found == decode_body(data, 1), name
            unreadable |= {name for event in found[-1:] if isinstance(event, str)}
    assert unreadable == {"text_under_a_known_name", "unreadable_frame"}
