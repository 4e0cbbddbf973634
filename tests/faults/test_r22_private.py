"""R22: what reaches a browser. Every event of every protocol, in each view and form, directly and through a log.

The upstream says everything that it can: what the application told the model, under every name, in every place, in
every spelling; and in each of its errors the hosts, addresses and keys of its own. What browsers get is read as they
read it, the JSON of parts that nobody knows included, and searched.
"""

import base64
import itertools
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any, get_args

import pytest
from assistants_wire import DONE, frame
from fed_streams import fed_assistants, fed_chat, fed_responses
from raw_server import Exchange, raw_server, response
from redis_server import RedisServer, needs_redis

from asyncstream import AsyncClient, StreamEventError
from asyncstream.errors import APIError, ConfigurationError
from asyncstream.events import (
    AssistantStreamEvent,
    DoneEvent,
    ErrorEvent,
    RemarkEvent,
    ResponseStreamEvent,
    UnknownEvent,
    decode_stream,
)
from asyncstream.events.decode import wire_of
from asyncstream.relay import (
    Entry,
    MemoryStore,
    RedisStore,
    RelayResponse,
    RunLog,
    ndjson_lines,
    open_relay,
    relay_response,
    sse_frames,
    text_chunks,
)
from asyncstream.relay.errors import error_body
from asyncstream.transport.answers import make_answer, status_error
from asyncstream.transport.redaction import Secrets
from asyncstream.types import Run

ASSISTANTS, CHAT = wire_of("assistants"), wire_of("chat")

# What the upstream says.

HIDDEN: dict[str, Any] = {
    "instructions": "HIDE-instructions",
    "additional_instructions": "HIDE-additional_instructions",
    "tools": [
        {"type": "function", "function": {"name": "HIDE-tools", "description": "x", "parameters": {}}},
        {"type": "mcp", "server_label": "HIDE-tools", "server_url": "https://HIDE-tools"},
        {"type": "vendor_tool", "vendor": {"HIDE-tools": 1}},
    ],
    "tool_resources": {
        "file_search": {"vector_store_ids": ["HIDE-tool_resources"]},
        "mcp": [{"a": "HIDE-tool_resources"}],
    },
    "metadata": {"tenant": "HIDE-metadata", "HIDE-metadata": "x"},
}
RUN_ONLY = {"json_schema": {"name": "HIDE-json_schema", "schema": {"description": "HIDE-json_schema"}}}
CHAT_ONLY = {
    "__verbose": {"prompt": "HIDE-__verbose"},
    "debug": {"echo_upstream_body": "HIDE-debug"},
    "messages": [{"role": "system", "content": "HIDE-messages"}],
    "prompt": "HIDE-prompt",
    "prompt_logprobs": [{"1": {"decoded_token": "HIDE-prompt_logprobs"}}],
    "prompt_token_ids": ["HIDE-prompt_token_ids"],
    "response_format": {"type": "json_schema", "json_schema": "HIDE-response_format"},
}
RESPONSES_ONLY = {
    "__verbose": {"prompt": "HIDE-__verbose"},
    "conversation": {"id": "HIDE-conversation"},
    "debug": {"echo_upstream_body": "HIDE-debug"},
    "format": {"type": "json_schema", "name": "HIDE-format", "schema": {"description": "HIDE-format"}},
    "input_messages": [{"role": "system", "content": "HIDE-input_messages"}],
    "previous_response_id": "HIDE-previous_response_id",
    "prompt": {"id": "HIDE-prompt", "variables": {"a": "HIDE-prompt"}},
    "prompt_cache_key": "HIDE-prompt_cache_key",
    "safety_identifier": "HIDE-safety_identifier",
    "skills": [{"name": "HIDE-skills", "description": "HIDE-skills", "path": "/HIDE-skills"}],
    "user": "HIDE-user",
}


def of_responses(event: str) -> bool:
    return event.startswith("response.")


def also_hidden(event: str) -> dict[str, Any]:
    """Return what else is hidden in an event."""
    if of_responses(event):
        return RESPONSES_ONLY
    return CHAT_ONLY if not event else RUN_ONLY if event.startswith("thread.run.") and "step" not in event else {}


ADDRESSED = (
    "no route to http://10.20.30.40:9000/v1 (llm-7.corp.example); deployment https://my-res.openai.azure.com, "
    "[fd00::17]:8000 localhost:11434 /run/llm.sock; sk-other-12345678 gsk_abcdefgh12345678 AIzaSyA1234567890abc "
    "eyJhbGciOiJIUzI1NiJ9.e30.abc xai-abcdefgh1234 org-abcdef123 Bearer abcdefgh12"
)
"""In every error of the upstream."""

TELLING = [
    *("10.20.30.40", "9000", "llm-7", "corp.example", "my-res", "azure", "fd00::17", "localhost", "llm.sock"),
    *("sk-other", "gsk_", "AIza", "eyJ", "xai-", "org-abc", "abcdefgh12", "HIDE"),
]
"""What of this, and of what was told to the model, must not be in what a browser reads."""

LAST_ERROR = {"code": ADDRESSED, "message": ADDRESSED}

CALLS = [
    {
        "id": "call_1",
        "type": "function",
        "function": {"name": "KEEP-name", "arguments": '{"instructions": "KEEP-arguments"}'},
    }
]


def payload_of(kind: str) -> dict[str, Any]:
    """Make a whole payload of a kind, without what is to be hidden; what readers need is marked."""
    match kind:
        case "thread":
            return {"id": "KEEP-thread", "object": "thread", "created_at": 1}
        case "run":
            required = {"type": "submit_tool_outputs", "submit_tool_outputs": {"tool_calls": CALLS}}
            more = {"required_action": required, "last_error": LAST_ERROR, "model": "KEEP-model"}
            return {
                "id": "KEEP-run",
                "object": "thread.run",
                "thread_id": "t",
                "assistant_id": "a",
                "status": "x",
                **more,
            }
        case "step":
            details = {
                "type": "tool_calls",
                "tool_calls": [*CALLS, {"type": "vendor", "id": "c2", "vendor": "KEEP-vendor"}],
            }
            return {
                "id": "KEEP-step",
                "run_id": "r",
                "type": "tool_calls",
                "step_details": details,
                "last_error": LAST_ERROR,
            }
        case "step delta":
            call = {"index": 0, **CALLS[0]}
            return {"id": "KEEP-step", "delta": {"step_details": {"type": "tool_calls", "tool_calls": [call]}}}
        case "message delta":
            part = {"index": 0, "type": "text", "text": {"value": "KEEP-text http://a.example/"}}
            return {"id": "KEEP-message", "object": "thread.message.delta", "delta": {"content": [part]}}
        case "message":
            text = {"value": "KEEP-text http://a.example/", "annotations": []}
            content = [{"type": "text", "text": text}, {"type": "vendor", "vendor": "KEEP-part"}]
            files = [{"file_id": "KEEP-file", "tools": HIDDEN["tools"]}]
            return {"id": "KEEP-message", "role": "assistant", "content": content, "attachments": files}
        case "response":
            # Its members stand in the event itself, too: such an event is the response.
            told = HIDDEN | RESPONSES_ONLY | {"text": {"format": RESPONSES_ONLY["format"], "verbosity": "KEEP-text"}}
            listed = {"type": "mcp_list_tools", "id": "KEEP-listed", "tools": HIDDEN["tools"], "error": ADDRESSED}
            shell = {"type": "shell_call", "id": "KEEP-shell", "environment": {"type": "local", **RESPONSES_ONLY}}
            output = [listed, shell, payload_of("item")["item"]]
            error = {"error": LAST_ERROR, "incomplete_details": {"reason": "KEEP-reason"}}
            return {"response": {"id": "KEEP-response", "model": "KEEP-model", "output": output, **error, **told}}
        case "item":
            arguments = '{"instructions": "KEEP-arguments"}'
            called = {"type": "mcp_call", "id": "KEEP-item", "name": "KEEP-name", "arguments": arguments}
            return {"output_index": 0, "item": called | {"error": {"type": "http_error", "message": ADDRESSED}}}
        case "text":
            return {"item_id": "KEEP-item", "output_index": 0, "delta": "KEEP-text http://a.example/"}
        case "state":
            return {"item_id": "KEEP-item", "output_index": 0, "param": ADDRESSED}
        case _:
            choice = {"index": 0, "delta": {"content": "KEEP-text http://a.example/"}, "finish_reason": None}
            return {"id": "KEEP-chunk", "object": "chat.completion.chunk", "model": "KEEP-model", "choices": [choice]}


LIFE = {"created", "queued", "in_progress", "completed", "incomplete", "failed", "cancelled", "done"}


def kind_of(event: str) -> str:
    if of_responses(event):
        word = event.removeprefix("response.")
        return (
            "response"
            if word in LIFE
            else "item"
            if word.startswith("output_item.")
            else "text"
            if word.endswith(".delta")
            else "state"
        )
    for prefix, kind in (
        ("thread.run.step.delta", "step delta"),
        ("thread.run.step.", "step"),
        ("thread.run.", "run"),
        ("thread.message.delta", "message delta"),
        ("thread.message.", "message"),
        ("thread.created", "thread"),
    ):
        if event.startswith(prefix):
            return kind
    return "chunk"


def written(payload: dict[str, Any], hidden: dict[str, Any]) -> Iterator[tuple[str, bytes]]:
    """Give a payload with what is to be hidden, in each way in which it can be written."""
    whole = payload | hidden
    text = json.dumps(whole)
    yield "plain", text.encode()
    yield "first", json.dumps(hidden | payload).encode()
    yield "compact", json.dumps(whole, separators=(",", ":")).encode()
    yield "in lines", json.dumps(whole, indent=1).encode()
    escaped = re.sub(
        rf'"({"|".join(hidden)})":', lambda key: '"' + "".join(f"\\u{ord(c):04x}" for c in key[1]) + '":', text
    )
    yield "escaped", escaped.encode()
    some = re.sub(rf'"({"|".join(hidden)})":', lambda key: f'"{key[1][:-1]}\\u{ord(key[1][-1]):04X}":', text)
    yield "escaped in part", some.encode()
    yield "doubled", (text[:-1] + ", " + json.dumps(hidden)[1:]).encode()
    yield "doubled by nulls", (text[:-1] + ", " + json.dumps(dict.fromkeys(hidden))[1:]).encode()
    yield (
        "in what nobody knows",
        json.dumps(payload | {"vendor": {"deep": [{**hidden, "kept": "KEEP-vendor"}]}}).encode(),
    )
    yield "half a pair", (text[:-1] + r', "half": "\ud83d"}').encode()
    yield "no UTF-8", (text[:-1] + ', "bytes": "?"}').encode().replace(b"?", b"\xff")
    yield (
        "of the wrong kinds",
        json.dumps(whole | {"created_at": "x", "tools": {"HIDE": 1}, "metadata": ["HIDE"]}).encode(),
    )
    yield "deep", (text[:-1] + ', "x": ' + "[" * 100 + "]" * 100 + "}").encode()


def events() -> list[str]:
    control = (ErrorEvent, DoneEvent, UnknownEvent)
    names = [event.event for event in get_args(AssistantStreamEvent) if event not in control]
    return [*names, "thread.run.of_a_vendor", "message"]


def typed_events() -> list[str]:
    control = (ErrorEvent, DoneEvent, RemarkEvent, UnknownEvent)
    names = [event.type for event in get_args(ResponseStreamEvent) if event not in control]
    return [*names, "response.of_a_vendor"]


CASES = [
    (event, name, data)
    for event in [*events(), *typed_events(), ""]
    for name, data in written(
        ({"type": event} if of_responses(event) else {}) | payload_of(kind_of(event) if event else ""),
        HIDDEN | also_hidden(event),
    )
]


def data_frame(event: str, data: bytes) -> bytes:
    name = f"event: {event}\n".encode() if event else b""
    return name + b"data: " + data.replace(b"\n", b"\ndata: ") + b"\n\n"


def stream_of(event: str, *payloads: bytes) -> Any:
    frames = [data_frame(event, data) for data in payloads]
    if of_responses(event):
        end = json.dumps({"type": "response.completed", **payload_of("response")}).encode()
        return fed_responses([*frames, data_frame("response.completed", end)])
    if event:
        run = payload_of("run") | HIDDEN | RUN_ONLY | {"status": "completed"}
        return fed_assistants([*frames, frame("thread.run.completed", **run), DONE])
    end = payload_of("chunk") | HIDDEN | CHAT_ONLY
    end["choices"] = [{"index": 0, "delta": {}, "finish_reason": "stop"}]
    return fed_chat([*frames, b"data: " + json.dumps(end).encode() + b"\n\n", b"data: [DONE]\n\n"])


# The ways to a browser.


Way = Callable[[Any], Awaitable[bytes]]


async def joined(frames: AsyncIterator[bytes]) -> bytes:
    sent = b""
    try:
        async for data in frames:
            sent += data
    except StreamEventError as error:  # Plain text has no other way to say that it is not whole.
        sent += str(error).encode()
    return sent


def logged(view: Any) -> Way:
    async def way(stream: Any) -> bytes:
        async with RunLog(MemoryStore()) as log:
            return await through(log, stream, view)

    return way


async def through(log: RunLog, stream: Any, view: Any) -> bytes:
    await log.start("run-1", stream, view=view)
    return await joined(sse_frames(log.follow("run-1"), heartbeat=None))


WAYS: dict[str, Way] = {
    **{f"sse {view}": lambda s, v=view: joined(sse_frames(s, view=v)) for view in ("events", "changes", "text")},
    **{f"ndjson {view}": lambda s, v=view: joined(ndjson_lines(s, view=v)) for view in ("events", "changes", "text")},
    **{f"log {view}": logged(view) for view in ("events", "changes", "text")},
    "compatible": lambda stream: joined(sse_frames(stream, compatible=True)),
    "text": lambda stream: joined(text_chunks(stream)),
}

EVENT_WAYS = ["sse events", "ndjson events", "log events", "compatible"]


def read(data: bytes) -> str:
    """Return what a browser can read: with the escapes of JSON and the base64 of raw parts undone."""
    text = data.decode("utf-8", "replace")
    raw = [base64.b64decode(found).decode() for found in re.findall(r'"raw":"([^"]*)"', text)]
    text = re.sub(r'"raw":"[^"]*"', "", text)
    return "\n".join([text, re.sub(r"\\u([0-9a-fA-F]{4})", lambda code: chr(int(code[1], 16)), text), *raw])


def found_in(data: bytes) -> list[str]:
    text = read(data)
    return [telling for telling in TELLING if telling in text]


async def sweep(way: str, cases: list[tuple[str, str, bytes]]) -> list[tuple[str, str, list[str]]]:
    """Relay each case; return those of which a browser can read what it should not, and what that is."""
    # A chat answer is in the same form all the time: the second payload is like the first.
    return [
        (event, name, found)
        for event, name, data in cases
        if (found := found_in(await WAYS[way](stream_of(event, data, data))))
    ]


@pytest.mark.faults
@pytest.mark.parametrize("way", WAYS)
async def test_nothing_that_was_told_to_the_model_reaches_a_browser(way: str) -> None:
    assert [] == await sweep(
        way, [case for case in CASES if case[1] in ("plain", "escaped in part", "doubled by nulls")]
    )


@pytest.mark.faults
@pytest.mark.parametrize("way", WAYS)
async def test_nothing_of_it_does_however_it_is_written(way: str) -> None:
    assert [] == await sweep(way, CASES)
    print(f"R22: {len(CASES)} payloads as {way}, 0 told")


@needs_redis
@pytest.mark.system
@pytest.mark.parametrize("view", ["events", "changes", "text"])
async def test_nothing_of_it_is_in_redis(view: str, tmp_path: Any) -> None:
    server = RedisServer(tmp_path)
    await server.start()
    try:
        async with RunLog(RedisStore(server.url)) as log:
            for number, (event, _, data) in enumerate(CASES):
                await log.start(f"run-{number}", stream_of(event, data), view=view)
                sent = await joined(sse_frames(log.follow(f"run-{number}"), heartbeat=None))

                assert [] == found_in(sent)
    finally:
        server.kill()


@pytest.mark.faults
@pytest.mark.parametrize("way", EVENT_WAYS)
async def test_what_readers_need_reaches_them(way: str) -> None:
    for event, name, data in CASES:
        sent = read(await WAYS[way](stream_of(event, data)))
        needed = set(re.findall(r"KEEP-\w+", data.decode("utf-8", "replace")))

        assert needed <= set(re.findall(r"KEEP-\w+", sent)), (event, name)
        assert "a.example" in sent or "a.example" not in data.decode("utf-8", "replace")


async def test_the_end_of_a_run_says_why_it_failed() -> None:
    failed = payload_of("run") | HIDDEN | {"status": "failed"}
    for way in ("sse events", "sse changes", "compatible"):
        sent = await WAYS[way](fed_assistants([frame("thread.run.failed", **failed), DONE]))

        assert [] == found_in(sent)
        assert b"no route to *** (***); deployment ***" in sent


def relayed(data: bytes, event: str) -> dict[str, Any]:
    """Return the payload of the first event of a name."""
    blocks = data.decode().split("\n\n")
    block = next(block for block in blocks if "data: {" in block and (not event or f"event: {event}\n" in block))
    payload: dict[str, Any] = json.loads(block.partition("data: ")[2])
    return payload


@pytest.mark.parametrize("event", [*events()[:-2], ""])
async def test_left_out_means_that_the_key_is_absent_or_for_who_wants_it_empty(event: str) -> None:
    hidden = HIDDEN | also_hidden(event)
    whole = payload_of(kind_of(event) if event else "") | hidden
    data = json.dumps(whole).encode()

    plain = relayed(await WAYS["sse events"](stream_of(event, data)), event)
    compatible = relayed(await WAYS["compatible"](stream_of(event, data)), event)

    assert whole.keys() - hidden.keys() == plain.keys()
    assert {name: type(value)() for name, value in hidden.items()} == {name: compatible[name] for name in hidden}
    assert list(whole) == list(compatible)


@pytest.mark.parametrize("event", events()[:-2])
async def test_a_program_that_follows_gets_structs_with_their_defaults(event: str) -> None:
    data = json.dumps(payload_of(kind_of(event)) | HIDDEN | also_hidden(event)).encode()
    sent = await WAYS["sse events"](stream_of(event, data))
    followed: Any = next(iter(decode_stream(sent, "assistants")))

    assert event == followed.event
    for name in HIDDEN.keys() & set(followed.data.__struct_fields__):
        assert getattr(followed.data, name) in (None, [])


@pytest.mark.parametrize("wire", [ASSISTANTS, CHAT])
async def test_what_is_exposed_reaches_browsers_and_nothing_else_does(wire: Any) -> None:
    for exposed in sorted(wire.withheld.names):
        event = "thread.run.queued" if wire is ASSISTANTS else ""
        data = json.dumps(payload_of(kind_of(event)) | HIDDEN | (RUN_ONLY if event else CHAT_ONLY)).encode()
        async with RunLog() as log:
            await log.start("run-1", stream_of(event, data), expose=[exposed])
            outs = [
                await joined(sse_frames(log.follow("run-1"))),
                await joined(sse_frames(stream_of(event, data), expose=(exposed,))),
                await joined(sse_frames(stream_of(event, data), expose={exposed}, compatible=True)),
                await joined(ndjson_lines(stream_of(event, data), expose=[exposed])),
                await joined((await open_relay(stream_of(event, data), expose=[exposed])).body),
            ]
            if event and exposed in Run.__struct_fields__:
                outs.append(await joined(sse_frames(stream_of(event, data), view="changes", expose=[exposed])))
        for out in outs:
            assert {f"HIDE-{exposed}"} == set(re.findall(r"HIDE-\w+", read(out)))


async def test_a_member_that_is_never_left_out_cannot_be_exposed() -> None:
    for make in (lambda: stream_of("thread.created", b"{}"), lambda: stream_of("", b"{}")):
        for begin in (
            lambda stream: sse_frames(stream, expose=["nonsense"]),
            lambda stream: ndjson_lines(stream, expose=["nonsense"]),
            lambda stream: RelayResponse(stream, expose=["nonsense"]),
        ):
            with pytest.raises(ConfigurationError, match="'nonsense'"):
                begin(make())
        with pytest.raises(ConfigurationError, match="'nonsense'"):
            await open_relay(make(), expose=["nonsense"])
        with pytest.raises(ConfigurationError, match="'nonsense'"):
            await relay_response(None, make(), expose=["nonsense"])  # type: ignore[arg-type]
        async with RunLog() as log:
            with pytest.raises(ConfigurationError, match="'nonsense'"):
                await log.start("run-1", make(), expose=["nonsense"])
            assert [] == log.running


async def test_entries_of_the_applications_own_are_not_looked_into() -> None:
    async def own() -> AsyncIterator[Entry]:
        yield Entry(None, "thread.run.created", json.dumps(HIDDEN).encode())

    assert b"HIDE-instructions" in await joined(sse_frames(own()))
    async with RunLog() as log:
        await log.start("run-1", own())
        assert b"HIDE-instructions" in await joined(sse_frames(log.follow("run-1")))
    with pytest.raises(ConfigurationError, match="made already"):
        sse_frames(own(), expose=["metadata"])


async def test_text_deltas_go_out_byte_by_byte_as_they_came() -> None:
    delta = b'{"id": "m",  "delta": {"content": [{"index": 0, "type": "text", "text": {"value": "1.50"}}]}, "x": 1.50}'
    chunks = [b'{"id": "c",  "choices": [{"index": 0, "delta": {"content": "%d"}}], "x": 1.50}' % n for n in range(3)]

    assert b"data: " + delta + b"\n\n" in await WAYS["sse events"](stream_of("thread.message.delta", delta))
    sent = await WAYS["sse events"](stream_of("", *chunks))
    assert [True] * 3 == [b"data: " + chunk + b"\n\n" in sent for chunk in chunks]


# Errors.


def bodies() -> Iterator[tuple[str, bytes]]:
    """Give what upstreams answer or send when they fail."""
    for member, value in itertools.product(
        ("message", "code", "type", "param"), (ADDRESSED, {"a": ADDRESSED}, [ADDRESSED])
    ):
        error = {"message": "x", "code": None} | {member: value}
        yield f"{member} {type(value).__name__}", json.dumps({"error": error}).encode()
        yield f"flat {member} {type(value).__name__}", json.dumps({"type": "error", **error}).encode()
    yield "text", json.dumps({"error": ADDRESSED}).encode()
    yield "no message", json.dumps({"error": {"code": "busy", "details": ADDRESSED, **HIDDEN}}).encode()
    yield "detail", json.dumps({"detail": ADDRESSED, "error": True}).encode()
    refused = [{"loc": ["body"], "msg": ADDRESSED, "input": HIDDEN}, {"type": "missing", "input": HIDDEN}]
    yield "the request repeated", json.dumps({"detail": refused, "error": 1}).encode()
    yield "the request repeated in Python", json.dumps({"error": {"message": str(refused)}}).encode()
    yield "the request repeated in words", json.dumps({"message": f"bad: {json.dumps(HIDDEN)}", "error": 1}).encode()


ERRORS = [*bodies(), ("a page", f"<html>{ADDRESSED}</html>".encode()), ("words", ADDRESSED.encode())]


@pytest.mark.parametrize(("name", "body"), ERRORS)
@pytest.mark.parametrize("status", [307, 400, 401, 403, 404, 409, 422, 429, 500, 503])
def test_a_refusal_tells_no_address_and_no_key(status: int, name: str, body: bytes) -> None:
    error = status_error(make_answer(status, ADDRESSED, {"X-Upstream": ADDRESSED}, body, Secrets()), now=0.0)
    told = error_body(error)

    assert [] == found_in(told)
    assert {"message", "type", "code", "param"} == set(json.loads(told)["error"])
    assert json.loads(told)["error"]["message"]


@pytest.mark.faults
@pytest.mark.parametrize("way", WAYS)
async def test_an_error_in_mid_stream_tells_no_address_and_no_key(way: str) -> None:
    hello = b'{"id":"c","choices":[{"index":0,"delta":{"content":"KEEP"}}]}'
    begun = payload_of("run") | {"status": "in_progress"}
    for name, body in ERRORS[:-2]:
        with_choices = json.loads(body) | {"choices": json.loads(hello)["choices"]}
        streams = [
            fed_assistants([frame("thread.run.in_progress", **begun), data_frame("error", body)]),
            fed_chat([data_frame("", hello), data_frame("error", body)]),
            fed_chat([data_frame("", hello), data_frame("", body)]),
            fed_chat([data_frame("", hello), data_frame("", json.dumps(with_choices).encode())]),
            fed_chat(
                [data_frame("", json.dumps({"x_groq": {"error": json.loads(body)}, **json.loads(hello)}).encode())]
            ),
            fed_assistants(
                [data_frame("thread.run.in_progress", json.dumps(begun).encode()), data_frame("note", body)]
            ),
        ]
        for number, stream in enumerate(streams):
            try:
                sent = await WAYS[way](stream)
            except StreamEventError as error:
                # Plain text: what the server of the relay logs.
                sent = str(error).encode()
            assert [] == found_in(sent), (name, number)


async def test_a_choice_that_failed_tells_no_address_and_no_key() -> None:
    choice = {"index": 0, "delta": {"content": "KEEP"}, "finish_reason": "error"}
    choice["error"] = {"code": 502, "message": ADDRESSED, "metadata": {"raw": "HIDE"}}
    data = json.dumps({"id": "c", "choices": [choice]}).encode()
    sent = await WAYS["sse events"](fed_chat([data_frame("", data), b"data: [DONE]\n\n"]))

    assert [] == found_in(sent)
    assert b"KEEP" in sent


@pytest.mark.parametrize("name", ["10.20.30.40", "http://llm-7.corp.example/", "localhost"])
async def test_the_name_of_the_last_event_is_the_servers_words_too(name: str) -> None:
    sent = await WAYS["sse events"](fed_assistants([data_frame(name, b"{}")]))

    assert [] == found_in(sent.partition(b"event: error")[2])
    assert b"stream_truncated" in sent


async def test_a_refusal_over_a_socket_tells_no_address_and_no_key() -> None:
    for status, (_, body) in itertools.product((200, 400, 429, 503), ERRORS):

        async def answer(exchange: Exchange, status: int = status, body: bytes = body) -> None:
            await exchange.send(response(status, body, {"Content-Type": "application/json"}))

        async with (
            raw_server(answer) as server,
            AsyncClient(api_key="sk-own-1234567890", base_url=server.url, max_retries=0) as client,
        ):
            relay = await open_relay(client.chat.completions.stream(model="m", messages=[]))
            told = await joined(relay.body)

            assert [] == found_in(told)
            assert (400 <= relay.status, server.url.rpartition(":")[2].encode() in told) == (True, False)


async def test_a_relay_that_cannot_connect_does_not_say_where_to() -> None:
    async with AsyncClient(api_key="sk-own-1234567890", base_url="http://127.0.0.1:9", max_retries=0) as client:
        with pytest.raises(APIError) as caught:
            await anext(sse_frames(client.threads.runs.stream("t", assistant_id="a")))
        assert b"127.0.0.1" not in error_body(caught.value)
