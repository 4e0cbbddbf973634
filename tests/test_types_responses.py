"""The wire structs and request bodies of Responses and Conversations: complete, lossless, and kept where unknown."""

import json
import pickle
from collections.abc import Mapping
from typing import Any, assert_never, get_args, get_origin, get_type_hints

import msgspec
import pytest
from msgspec import Struct
from shared_files import SHARED, needs_shared
from test_types import Schema, literals, lost, objects, union_members

from asyncstream import params, types
from asyncstream.decoding import decode_json, strict_decoder
from asyncstream.errors import ParseError
from asyncstream.types import (
    AnnotationFilePath,
    CompactedResponse,
    Conversation,
    ConversationDeletedResource,
    ImageGenerationCall,
    InputTokenCountResponse,
    McpCall,
    Page,
    Response,
    ResponseCustomToolCall,
    ResponseDeleted,
    ResponseFunctionToolCall,
    ResponseInputMessageItem,
    ResponseItem,
    ResponseOutputContent,
    ResponseOutputItem,
    ResponseOutputMessage,
    ResponseOutputRefusal,
    ResponseOutputText,
    ResponseReasoningItem,
    ResponseTool,
    ResponseToolChoice,
    ResponseUsage,
    ToolChoiceTypes,
    UnknownResponseItem,
    UnknownResponsePart,
    UnknownResponseTool,
    WireStruct,
)

RECORDED = SHARED / "recordings_http_responses"

ITEM: Any = ResponseOutputItem
LISTED: Any = ResponseItem


# Complete against the published schema.


class WholeSchema(Schema):
    """Walks the schema of this protocol, in which objects are put together of parts, and a type may have many names."""

    def whole(self, schema: dict[str, Any]) -> dict[str, Any]:
        """Return a schema with the properties of all that it is put together from."""
        if "$ref" in schema:
            return self.whole(self.schemas[schema["$ref"].rsplit("/", 1)[1]])
        parts = [self.whole(part) for part in schema.get("allOf", [])]
        return schema | {
            "properties": {k: v for part in [*parts, schema] for k, v in part.get("properties", {}).items()}
        }

    def missing(self, schema: dict[str, Any], annotation: Any, path: str) -> list[str]:
        schema = self.whole(schema)
        if any(member is object for member in union_members(annotation)):
            return []
        if schema.get("allOf") and schema["properties"]:
            return self.missing_properties(schema["properties"], annotation, path)
        return super().missing({key: part for key, part in schema.items() if part}, annotation, path)

    def missing_properties(self, properties: dict[str, Any], annotation: Any, path: str) -> list[str]:
        tags = set(self.enumerated(properties.get("type", {})))
        candidates = [fields for tag, fields in objects(annotation) if self.is_of(tag, fields, tags)]
        if not candidates:
            plain = any((get_origin(member) or member) in (dict, Mapping) for member in union_members(annotation))
            return [] if plain else [f"{path} {'|'.join(sorted(tags))}".rstrip()]
        fields = max(candidates, key=lambda candidate: len(candidate.keys() & properties.keys()))
        out = []
        for name, schema in properties.items():
            if name not in fields:
                out.append(f"{path}.{name}")
            elif name != "type":
                out += self.missing(schema, fields[name], f"{path}.{name}")
        return out

    def enumerated(self, schema: dict[str, Any]) -> list[str]:
        parts = [part for key in ("oneOf", "anyOf") for part in schema.get(key, [])]
        return schema.get("enum", []) + [value for part in parts for value in self.enumerated(part)]

    def is_of(self, tag: Any, fields: dict[str, Any], tags: set[str]) -> bool:
        known = {tag} if tag is not None else literals(fields.get("type"))
        return not (tags and known) or bool(tags & known)


needs_openapi = needs_shared("openapi.json")


@pytest.fixture(scope="module")
def schema() -> WholeSchema:
    return WholeSchema()


ANSWERS: dict[str, Any] = {
    "Annotation": params.ResponseAnnotationParam,
    "CompactResource": CompactedResponse,
    "ConversationItem": ResponseItem,
    "ConversationResource": Conversation,
    "DeletedConversationResource": ConversationDeletedResource,
    "ItemResource": ResponseItem,
    "OutputItem": ITEM,
    "Response": Response,
    "ResponseUsage": ResponseUsage,
    "TokenCountsResource": InputTokenCountResponse,
    "Tool": ResponseTool,
    "ToolChoiceParam": ResponseToolChoice,
}

BODIES: dict[str, tuple[Any, set[str], set[str]]] = {
    "CreateResponse": (
        params.ResponseCreateParams,
        {"stream"},
        {"access_programs", "background_options", "image"},
    ),
    "TokenCountsBody": (params.InputTokenCountParams, set(), set()),
    "CompactResponseMethodPublicBody": (params.ResponseCompactParams, {"model"}, {"image"}),
    "CreateConversationBody": (params.ConversationCreateParams, set(), set()),
    "UpdateConversationBody": (params.ConversationUpdateParams, set(), set()),
}
"""The bodies, what of them is a parameter of the methods, and what newer servers take besides."""


@needs_openapi
@pytest.mark.parametrize("name", ANSWERS)
def test_struct_lacks_no_property_of_the_schema(schema, name):
    found = schema.missing({"$ref": "#/" + name}, ANSWERS[name], name)

    # A property of ours, not of the wire.
    assert [one for one in found if one != "Response.output_text"] == []


@needs_openapi
@pytest.mark.parametrize("name", BODIES)
def test_body_lacks_no_key_of_the_schema(schema, name):
    body, explicit, _ = BODIES[name]
    properties = schema.whole({"$ref": "#/" + name})["properties"]

    assert schema.missing_properties({k: v for k, v in properties.items() if k not in explicit}, body, name) == []


@needs_openapi
@pytest.mark.parametrize("name", BODIES)
def test_body_invents_no_key(schema, name):
    body, explicit, newer = BODIES[name]
    keys = set(get_type_hints(body))

    assert keys & explicit == set()
    assert keys - schema.whole({"$ref": "#/" + name})["properties"].keys() == newer


@needs_openapi
def test_walk_finds_what_is_lacking(schema):
    class Search(Struct, tag_field="type", tag="file_search_call"):
        id: str

    class Small(Struct):
        output: list[Search]

    found = schema.missing({"$ref": "#/Response"}, Small, "response")

    assert {"response.usage", "response.output[] message", "response.output[].results"} <= set(found)


# Lossless.


def made_up(wire: Any, ours: Any, path: str = "") -> list[str]:
    """List the values of `ours` that `wire` did not say, but for what stands where nothing was said."""
    if isinstance(wire, dict) and isinstance(ours, dict):
        said = [p for key in ours.keys() & wire.keys() for p in made_up(wire[key], ours[key], f"{path}.{key}")]
        return said + [f"{path}.{key}" for key in ours.keys() - wire.keys() if ours[key] not in ("", 0, False, [], {})]
    if isinstance(wire, list) and isinstance(ours, list):
        return [p for pair in zip(wire, ours, strict=True) for p in made_up(*pair, path + "[]")]
    return []


KINDS: dict[str, Any] = {
    "conversation": Conversation,
    "conversation.deleted": ConversationDeletedResource,
    "list": Page[LISTED],
    "response": Response,
    "response.compaction": CompactedResponse,
    "response.deleted": ResponseDeleted,
    "response.input_tokens": InputTokenCountResponse,
}


@needs_shared("recordings_http_responses")
def test_recorded_answers_are_given_as_they_came():
    seen = set()
    for path in sorted(RECORDED.glob("200-*.json")):
        body = json.loads(path.read_text())["response_body"]
        answer = decode_json(KINDS[body["object"]], json.dumps(body).encode())

        seen.add(body["object"])
        assert lost(body, answer.to_dict()) == [], path.name
        assert made_up(body, json.loads(answer.to_json())) == [], path.name
    assert seen == set(KINDS)


def filled(kind: Any, key: str = "") -> Any:
    """Give JSON with every member of a type."""
    info = msgspec.inspect.type_info(kind) if not isinstance(kind, msgspec.inspect.Type) else kind
    match info:
        case msgspec.inspect.StructType():
            members = {
                field.encode_name: filled(field.type, field.encode_name)
                for field in info.fields
                if not field.encode_name.startswith("<")
            }
            return members if info.tag is None else {info.tag_field: info.tag, **members}
        case msgspec.inspect.UnionType():
            # The first that says something, of lists those of objects.
            wanted = [one for one in info.types if not isinstance(one, msgspec.inspect.NoneType)]
            structs = [one for one in wanted if isinstance(one, msgspec.inspect.StructType) and one.tag != "unknown"]
            lists = [one for one in wanted if isinstance(one, msgspec.inspect.ListType)]
            return filled((structs or lists or wanted)[0], key)
        case msgspec.inspect.ListType():
            return [filled(info.item_type, key)]
        case msgspec.inspect.DictType():
            return {"k": filled(info.value_type, key)}
        case msgspec.inspect.LiteralType():
            return info.values[0]
        case msgspec.inspect.BoolType():
            return True
        case msgspec.inspect.IntType():
            return 7
        case msgspec.inspect.FloatType():
            return 0.5
        case _:
            return f"some {key}"


COLUMN = sorted(
    {
        kind
        for kind in (getattr(types, name) for name in types.__all__)
        if isinstance(kind, type)
        and issubclass(kind, WireStruct)
        and kind.__module__.startswith(("asyncstream.types.responses", "asyncstream.types.conversations"))
        and not kind.__name__.startswith("Unknown")
    },
    key=lambda kind: kind.__name__,
)


@pytest.mark.parametrize("kind", COLUMN)
def test_every_member_comes_back_and_so_does_what_no_field_names(kind):
    wire = filled(kind)
    beyond = {**wire, "vendor": {"deep": [1, {"x": None}]}}

    plain = strict_decoder(kind).decode(json.dumps(wire).encode())
    extended = decode_json(kind, json.dumps(beyond).encode())

    assert wire == plain.to_dict()
    assert plain.extra == {}
    assert beyond == extended.to_dict()
    assert {"vendor": {"deep": [1, {"x": None}]}} == extended.extra
    assert extended == pickle.loads(pickle.dumps(extended))


@pytest.mark.parametrize("kind", COLUMN)
def test_null_is_as_if_nothing_was_said(kind):
    wire = dict.fromkeys(filled(kind)) | ({"type": kind.__struct_config__.tag} if kind.__struct_config__.tag else {})
    required = {"id": ""} if kind in (Conversation, ConversationDeletedResource) else {}

    assert kind(**required) == decode_json(kind, json.dumps(wire).encode())


# What is unknown.


@pytest.mark.parametrize(
    ("kind", "wire", "expected"),
    [
        (
            ITEM,
            {"type": "x_search_call", "id": "x_1", "n": 1},
            UnknownResponseItem(wire_type="x_search_call", raw=b"", id="x_1"),
        ),
        (ITEM, {"id": "x_1"}, UnknownResponseItem(wire_type="", raw=b"", id="x_1")),
        (LISTED, {"type": 5}, UnknownResponseItem(wire_type="", raw=b"")),
        (ResponseTool, {"type": "time_travel"}, UnknownResponseTool(wire_type="time_travel", raw=b"")),
    ],
)
def test_an_object_of_unknown_type_is_kept_whole(kind, wire, expected):
    found = decode_json(kind, json.dumps(wire).encode())
    raw, found.raw = found.raw, b""

    assert expected == found
    assert wire == json.loads(raw)


def test_parts_and_annotations_of_unknown_type_are_kept_beside_the_others():
    annotations = [{"type": "page", "n": 3}, {"type": "file_path", "file_id": "f", "index": 1}]
    content = [{"type": "output_image", "url": "u"}, {"type": "output_text", "text": "t", "annotations": annotations}]
    message = decode_json(ITEM, json.dumps({"type": "message", "id": "m", "content": content}).encode())

    image, text = message.content
    assert isinstance(image, UnknownResponsePart)
    assert ("output_image", content[0]) == (image.wire_type, json.loads(image.raw))
    assert ["unknown", "file_path"] == [annotation.type for annotation in text.annotations]
    assert content == message.to_dict()["content"]


# What a response gives of itself.


def message(*parts: ResponseOutputContent[Any]) -> ResponseOutputMessage[Any]:
    return ResponseOutputMessage(id="msg", content=list(parts))


def test_output_text_joins_the_texts_of_all_messages():
    first = message(ResponseOutputText(text="a"), ResponseOutputRefusal(refusal="no"), ResponseOutputText(text="b"))
    response: Response = Response(output=[first, ResponseReasoningItem(), message(ResponseOutputText(text="c"))])

    assert "abc" == response.output_text
    assert "" == Response().output_text


def test_output_parsed_is_the_first_text_that_has_one():
    response = Response[int](output=[message(ResponseOutputText(text="a"), ResponseOutputText(text="1", parsed=1))])

    assert 1 == response.output_parsed
    assert Response().output_parsed is None
    assert "parsed" not in str(response.to_dict())


@pytest.mark.parametrize(
    ("call", "call_id"),
    [
        (ResponseFunctionToolCall(id="fc_1", call_id="call_1", name="f", arguments='{"x": 1}'), "call_1"),
        (ResponseCustomToolCall(id="ctc_1", call_id="call_1", name="f", input='{"x": 1}'), "call_1"),
        (McpCall(id="mcp_1", name="f", arguments='{"x": 1}'), "mcp_1"),
    ],
)
def test_every_call_has_an_id_and_gives_its_arguments_as_a_type(call, call_id):
    class Point(Struct):
        x: int

    assert (call_id, "f", {"x": 1}) == (call.call_id, call.name, call.parse())
    assert Point(1) == call.arguments_as(Point)
    call.cut = "incomplete"
    with pytest.raises(ParseError, match="'incomplete'"):
        call.parse()
    assert "cut" not in call.to_dict()


def test_what_a_stream_showed_of_a_picture_is_our_own():
    picture = ImageGenerationCall(id="ig_1", partial_images=["YQ=="])

    assert {"type": "image_generation_call", "id": "ig_1"} == picture.to_dict()
    assert [] == decode_json(ImageGenerationCall, b'{"partial_images":["YQ=="]}').partial_images


def test_a_tool_that_the_server_has_can_be_chosen():
    chosen: Any = decode_json(Response, b'{"tool_choice":{"type":"file_search"}}').tool_choice
    listed = [member for member in get_args(ResponseToolChoice) if isinstance(member, type)]

    assert isinstance(chosen, ToolChoiceTypes)
    assert chosen.type == "file_search"
    assert 8 == sum(issubclass(member, ToolChoiceTypes) for member in listed)


def narrowed(item: ResponseOutputItem) -> str:
    match item.type:
        case "message":
            return item.role
        case "function_call":
            return item.arguments
        case "unknown":
            return item.wire_type
        case _:
            return item.id


def test_the_union_of_items_narrows_by_type():
    assert "assistant" == narrowed(ResponseOutputMessage())
    assert "{}" == narrowed(ResponseFunctionToolCall(arguments="{}"))
    assert "x" == narrowed(UnknownResponseItem(wire_type="x", raw=b"{}"))
    assert "rs_1" == narrowed(ResponseReasoningItem(id="rs_1"))


def test_the_union_of_parts_is_exhausted_by_its_types():
    def words(part: ResponseOutputContent) -> str:
        match part:
            case ResponseOutputText():
                return part.text
            case ResponseOutputRefusal():
                return part.refusal
            case UnknownResponsePart():
                return part.wire_type
            case _:
                assert_never(part)

    assert ["t", "r", "w"] == [
        words(part)
        for part in (
            ResponseOutputText(text="t"),
            ResponseOutputRefusal(refusal="r"),
            UnknownResponsePart(wire_type="w", raw=b"{}"),
        )
    ]


def test_a_listed_message_may_be_of_anybody():
    wire = {"type": "message", "id": "m", "role": "user", "content": [{"type": "input_text", "text": "hi"}]}
    listed = decode_json(LISTED, json.dumps(wire).encode())

    assert isinstance(listed, ResponseInputMessageItem)
    assert wire == listed.to_dict()


def test_annotations_of_an_answer_are_none_by_default():
    assert [] == ResponseOutputText().annotations
    assert AnnotationFilePath().index is None
