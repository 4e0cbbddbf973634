"""OpenTelemetry spans and metrics over the observer hook, by the SDK's own exporters."""

import logging
import sys

import pytest
from aioresponses import aioresponses
from assistants_wire import DONE, HELLO, stream
from chat_wire import DONE as CHAT_DONE
from chat_wire import HELLO as CHAT_HELLO
from chat_wire import call, piece
from opentelemetry import baggage, context
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import HistogramDataPoint, InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode
from raw_server import Exchange, raw_server, response
from responses_wire import event, hello

from asyncstream import AsyncClient, ConfigurationError, NotFoundError, StreamEventError, ToolFailed
from asyncstream.otel import OpenTelemetry

SECRET = "sk-very-secret-0123456789"
PROMPT = "a prompt that nobody may trace"
BASE = "http://api.test/v1"


class Spans:
    def __init__(self) -> None:
        self.exporter = InMemorySpanExporter()
        self.provider = TracerProvider(shutdown_on_exit=False)
        self.provider.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.reader = InMemoryMetricReader()
        self.meters = MeterProvider([self.reader], shutdown_on_exit=False)
        self.observer = OpenTelemetry(self.provider, self.meters)

    def client(self, url: str) -> AsyncClient:
        return AsyncClient(api_key=SECRET, base_url=url, observer=self.observer)

    @property
    def only(self) -> ReadableSpan:
        (span,) = self.exporter.get_finished_spans()
        assert not self.observer._spans
        return span

    def points(self, name: str) -> list[HistogramDataPoint]:
        """Return what was recorded of a metric."""
        data = self.reader.get_metrics_data()
        found = [metric for one in data.resource_metrics for scope in one.scope_metrics for metric in scope.metrics]
        return [
            point
            for metric in found
            if metric.name == name
            for point in metric.data.data_points
            if isinstance(point, HistogramDataPoint)
        ]


async def test_a_chat_answer_is_a_span_with_its_tokens(mocked: aioresponses) -> None:
    mocked.post(
        f"{BASE}/chat/completions",
        payload={
            "id": "c_1",
            "model": "m-2024",
            "choices": [{"index": 0, "message": {"content": PROMPT}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 3, "completion_tokens": 4},
        },
    )
    spans = Spans()

    async with spans.client(BASE) as client:
        await client.chat.completions.create(model="m", messages=[{"role": "user", "content": PROMPT}])

    span = spans.only
    assert (span.name, span.kind, span.status.status_code) == ("chat m", SpanKind.CLIENT, StatusCode.UNSET)
    assert dict(span.attributes or {}) == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "m",
        "gen_ai.response.id": "c_1",
        "gen_ai.response.model": "m-2024",
        "gen_ai.response.finish_reasons": ("stop",),
        "gen_ai.usage.input_tokens": 3,
        "gen_ai.usage.output_tokens": 4,
        "http.request.method": "POST",
        "http.response.status_code": 200,
        "url.template": "/chat/completions",
        "server.address": "api.test",
        "server.port": 80,
    }


async def test_a_streamed_run_has_the_time_to_its_first_chunk() -> None:
    async def answer(exchange: Exchange) -> None:
        await stream(exchange, *HELLO, DONE)

    spans = Spans()

    async with raw_server(answer) as server, spans.client(server.url) as client:
        with spans.provider.get_tracer("test").start_as_current_span("outer") as outer:
            async with client.threads.runs.stream("thread_1", assistant_id="asst_1", instructions=PROMPT) as run:
                await run.until_done()

    inner, _ = spans.exporter.get_finished_spans()
    attributes = inner.attributes or {}
    time_to_first_chunk = attributes["gen_ai.response.time_to_first_chunk"]
    assert inner.name == "invoke_agent"
    assert inner.parent is not None
    assert inner.parent.span_id == outer.get_span_context().span_id
    assert isinstance(time_to_first_chunk, float)
    assert 0 < time_to_first_chunk < 5
    assert attributes["gen_ai.agent.id"] == "asst_1"
    assert attributes["gen_ai.conversation.id"] == "thread_1"
    assert attributes["gen_ai.response.finish_reasons"] == ("completed",)
    assert (attributes["gen_ai.usage.input_tokens"], attributes["gen_ai.usage.output_tokens"]) == (1, 2)


async def test_retries_and_failures_are_seen_without_their_texts(mocked: aioresponses) -> None:
    mocked.get(f"{BASE}/threads/t", status=500, headers={"retry-after-ms": "1"}, body=f"{PROMPT} {SECRET}")
    mocked.get(f"{BASE}/threads/t", status=404, payload={"error": {"message": f"{PROMPT} {SECRET}"}})
    spans = Spans()

    async with spans.client(BASE) as client:
        with pytest.raises(NotFoundError):
            await client.threads.retrieve("t")

    span = spans.only
    attributes = span.attributes or {}
    assert (span.name, span.status.status_code) == ("GET /threads/{thread_id}", StatusCode.ERROR)
    assert (attributes["error.type"], attributes["http.response.status_code"]) == ("NotFoundError", 404)
    assert attributes["http.request.resend_count"] == 1
    assert "gen_ai.operation.name" not in attributes
    assert ["retry"] == [event.name for event in span.events]
    assert PROMPT not in span.to_json()
    assert SECRET not in span.to_json()


async def test_the_tokens_of_a_polled_run_are_not_counted_again(mocked: aioresponses) -> None:
    usage = {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}
    mocked.get(f"{BASE}/threads/t/runs/r", payload={"id": "r", "status": "completed", "usage": usage})
    spans = Spans()

    async with spans.client(BASE) as client:
        await client.threads.runs.retrieve("r", thread_id="t")

    assert not any(key.startswith("gen_ai.usage") for key in spans.only.attributes or {})


RESPONSE = {
    "id": "resp_1",
    "object": "response",
    "status": "incomplete",
    "model": "m-2024",
    "conversation": {"id": "conv_1"},
    "service_tier": "flex",
    "output": [],
    "usage": {"input_tokens": 3, "output_tokens": 4, "total_tokens": 7},
}


async def test_a_response_is_a_span_with_its_tokens(mocked: aioresponses) -> None:
    mocked.post(f"{BASE}/responses", payload=RESPONSE)
    spans = Spans()

    async with spans.client(BASE) as client:
        await client.responses.create(
            model="m", input=PROMPT, instructions=PROMPT, max_output_tokens=9, service_tier="auto"
        )

    assert ("chat m", StatusCode.UNSET) == (spans.only.name, spans.only.status.status_code)
    assert dict(spans.only.attributes or {}) == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "m",
        "gen_ai.request.max_tokens": 9,
        "openai.request.service_tier": "auto",
        "gen_ai.response.id": "resp_1",
        "gen_ai.response.model": "m-2024",
        "gen_ai.response.finish_reasons": ("incomplete",),
        "gen_ai.conversation.id": "conv_1",
        "gen_ai.usage.input_tokens": 3,
        "gen_ai.usage.output_tokens": 4,
        "openai.response.service_tier": "flex",
        "http.request.method": "POST",
        "http.response.status_code": 200,
        "url.template": "/responses",
        "server.address": "api.test",
        "server.port": 80,
    }
    assert PROMPT not in spans.only.to_json()


async def test_a_streamed_response_is_a_span_with_its_tokens() -> None:
    async def answer(exchange: Exchange) -> None:
        await stream(exchange, *hello(conversation={"id": "conv_1"}, service_tier="default"))

    spans = Spans()

    async with raw_server(answer) as server, spans.client(server.url) as client:
        async with client.responses.stream(model="m", input=PROMPT) as answered:
            await answered.until_done()

    attributes = spans.only.attributes or {}
    keys = ("response.id", "response.model", "response.finish_reasons", "conversation.id", "request.stream")
    told = tuple(attributes[f"gen_ai.{key}"] for key in keys)
    assert ("resp_1", "m-1", ("completed",), "conv_1", True) == told
    assert (3, 4) == (attributes["gen_ai.usage.input_tokens"], attributes["gen_ai.usage.output_tokens"])
    assert "default" == attributes["openai.response.service_tier"]
    assert "gen_ai.response.time_to_first_chunk" in attributes
    assert [(3, 1), (4, 1)] == [(point.sum, point.count) for point in spans.points("gen_ai.client.token.usage")]


async def test_a_response_that_is_polled_is_one_operation_and_its_tokens_are_not_counted_again(
    mocked: aioresponses,
) -> None:
    mocked.post(f"{BASE}/responses", payload={**RESPONSE, "status": "queued", "usage": None})
    for status in ("in_progress", "completed"):
        mocked.get(f"{BASE}/responses/resp_1", payload={**RESPONSE, "status": status})
    spans = Spans()

    async with spans.client(BASE) as client:
        made = await client.responses.create(model="m", input=PROMPT, background=True)
        await client.responses.poll(made.id, poll_interval_ms=1)

    names = [span.name for span in spans.exporter.get_finished_spans()]
    assert ["chat m", "GET /responses/{response_id}", "GET /responses/{response_id}"] == names
    assert 1 == sum(point.count for point in spans.points("gen_ai.client.operation.duration"))
    assert [] == spans.points("gen_ai.client.token.usage")


async def test_a_response_that_failed_is_an_error_of_its_stream() -> None:
    async def answer(exchange: Exchange) -> None:
        failed = {"id": "resp_1", "status": "failed", "error": {"code": "server_error", "message": PROMPT}}
        await stream(exchange, *hello()[:3], event("failed", response=failed))

    spans = Spans()

    async with raw_server(answer) as server, spans.client(server.url) as client:
        with pytest.raises(StreamEventError):
            async with client.responses.stream(model="m", input=PROMPT) as answered:
                await answered.until_done()

    assert (StatusCode.ERROR, "StreamEventError") == (spans.only.status.status_code, spans.only.status.description)
    assert PROMPT not in spans.only.to_json()


async def test_azure_is_named(mocked: aioresponses) -> None:
    mocked.post("https://res.test/openai/v1/chat/completions", payload={"id": "c", "choices": []})
    spans = Spans()

    async with AsyncClient.azure("https://res.test", api_key=SECRET, observer=spans.observer) as client:
        await client.chat.completions.create(model="m", messages=[])

    assert (spans.only.attributes or {})["gen_ai.provider.name"] == "azure.ai.openai"


LEFT_CHUNK = (
    b'data: {"id":"c_1","model":"m-2024","choices":[{"index":0,"delta":{"content":"x"},"finish_reason":null}],'
    b'"usage":{"prompt_tokens":3,"completion_tokens":1,"total_tokens":4}}\n\n'
)


async def test_a_stream_that_its_reader_left_is_no_error_and_tells_what_had_come() -> None:
    async def answer(exchange: Exchange) -> None:
        await stream(exchange, LEFT_CHUNK, end=False)
        await exchange.gone()

    spans = Spans()

    async with raw_server(answer) as server, spans.client(server.url) as client:
        async with client.chat.completions.stream(model="m", messages=[]) as chat:
            async for _ in chat:
                break

    span = spans.only
    attributes = span.attributes or {}
    (duration,) = spans.points("gen_ai.client.operation.duration")
    assert (span.status.status_code, [event.name for event in span.events]) == (StatusCode.UNSET, ["left"])
    assert "error.type" not in attributes
    assert (attributes["gen_ai.response.id"], attributes["gen_ai.response.model"]) == ("c_1", "m-2024")
    assert (attributes["gen_ai.usage.input_tokens"], attributes["gen_ai.usage.output_tokens"]) == (3, 1)
    assert attributes["gen_ai.request.stream"] is True
    assert "error.type" not in (duration.attributes or {})


async def test_parameters_are_told_under_the_names_of_the_conventions(mocked: aioresponses) -> None:
    mocked.post(f"{BASE}/chat/completions", payload={"id": "c", "choices": [], "service_tier": "default"})
    spans = Spans()

    async with spans.client(BASE) as client:
        await client.chat.completions.create(
            model="m",
            messages=[{"role": "user", "content": PROMPT}],
            temperature=0,
            top_p=0.5,
            max_completion_tokens=9,
            frequency_penalty=-1,
            presence_penalty=1,
            n=2,
            stop="END",
            service_tier="flex",
            extra_body={"seed": 1 << 63},
        )

    attributes = spans.only.attributes or {}
    told = {key: value for key, value in attributes.items() if "request." in key and not key.startswith("http.")}
    assert told == {
        "gen_ai.request.model": "m",
        "gen_ai.request.temperature": 0.0,
        "gen_ai.request.top_p": 0.5,
        "gen_ai.request.max_tokens": 9,
        "gen_ai.request.frequency_penalty": -1.0,
        "gen_ai.request.presence_penalty": 1.0,
        "gen_ai.request.choice.count": 2,
        "gen_ai.request.stop_sequences": ("END",),
        "openai.request.service_tier": "flex",
    }
    assert isinstance(told["gen_ai.request.temperature"], float)
    assert attributes["openai.response.service_tier"] == "default"
    assert PROMPT not in spans.only.to_json()


async def test_the_span_goes_on_at_the_server_in_each_attempt() -> None:
    async def answer(exchange: Exchange) -> None:
        again = response(500, headers={"retry-after-ms": "1"})
        await exchange.send(again if exchange.number == 1 else response(body=b'{"id": "t"}'))

    spans = Spans()
    token = context.attach(baggage.set_baggage("tenant", "blue"))

    try:
        async with raw_server(answer) as server, spans.client(server.url) as client:
            await client.threads.retrieve("t")
            await client.threads.retrieve("t", extra_headers={"traceparent": "mine", "baggage": None})
            sent = [request.headers for request in server.requests]
    finally:
        context.detach(token)

    span, _ = spans.exporter.get_finished_spans()
    known = span.get_span_context()
    assert known is not None
    carried = f"00-{known.trace_id:032x}-{known.span_id:016x}"
    assert [carried, carried] == [headers["traceparent"].rpartition("-")[0] for headers in sent[:2]]
    assert sent[2]["traceparent"] == "mine"
    assert ["tenant=blue", "tenant=blue", None] == [headers.get("baggage") for headers in sent]


async def test_operations_are_measured_by_duration_and_tokens(mocked: aioresponses) -> None:
    usage = {"prompt_tokens": 3, "completion_tokens": 70}
    mocked.post(f"{BASE}/chat/completions", payload={"id": "c", "model": "m-2024", "choices": [], "usage": usage})
    mocked.post(f"{BASE}/chat/completions", status=404, payload={})
    mocked.get(f"{BASE}/threads/t/runs/r", payload={"id": "r", "status": "completed", "usage": usage})
    spans = Spans()

    async with spans.client(BASE) as client:
        await client.chat.completions.create(model="m", messages=[])
        with pytest.raises(NotFoundError):
            await client.chat.completions.create(model="m", messages=[])
        await client.threads.runs.retrieve("r", thread_id="t")

    common = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "m",
        "server.address": "api.test",
        "server.port": 80,
    }
    answered = {**common, "gen_ai.response.model": "m-2024"}
    well, failed = spans.points("gen_ai.client.operation.duration")
    asked, said = spans.points("gen_ai.client.token.usage")
    assert [answered, {**common, "error.type": "NotFoundError"}] == [well.attributes, failed.attributes]
    assert 0 < well.sum < 5
    assert (well.explicit_bounds[0], well.explicit_bounds[-1], len(well.explicit_bounds)) == (0.01, 81.92, 14)
    assert [{**answered, "gen_ai.token.type": kind} for kind in ("input", "output")] == [
        asked.attributes,
        said.attributes,
    ]
    assert [(3, 1), (70, 1)] == [(point.sum, point.count) for point in (asked, said)]
    assert (asked.explicit_bounds[0], asked.explicit_bounds[-1], len(asked.explicit_bounds)) == (1, 67108864, 14)


async def test_a_tool_is_a_span_of_its_own_with_what_it_does_inside() -> None:
    spans = Spans()
    tracer = spans.provider.get_tracer("test")

    async def look_up(city: str) -> str:
        with tracer.start_as_current_span("in the event loop"):
            return SECRET

    def count(city: str) -> None:
        with tracer.start_as_current_span("in a thread"):
            raise ToolFailed(PROMPT)

    frames = [call(0, '{"city": "Oslo"}', "look_up", "call_0"), call(1, '{"city": "Oslo"}', "count", "call_1")]
    answers = [[*frames, piece(finish="tool_calls"), CHAT_DONE], [*CHAT_HELLO, CHAT_DONE]]

    async def answer(exchange: Exchange) -> None:
        await stream(exchange, *answers[exchange.number - 1])

    async with raw_server(answer) as server, spans.client(server.url) as client:
        with tracer.start_as_current_span("consumer"):
            async with client.chat.completions.stream(
                messages=[{"role": "user", "content": PROMPT}], model="m", run_tools=[look_up, count]
            ) as s:
                await s.until_done()

    found = {span.name: span for span in spans.exporter.get_finished_spans()}
    ids = {name: span.get_span_context().span_id for name, span in found.items()}
    parents = {name: None if span.parent is None else span.parent.span_id for name, span in found.items()}
    assert ids["consumer"] == parents["execute_tool look_up"] == parents["execute_tool count"]
    assert ids["execute_tool look_up"] == parents["in the event loop"]
    assert ids["execute_tool count"] == parents["in a thread"]
    tool, failed = found["execute_tool look_up"], found["execute_tool count"]
    assert {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "look_up",
        "gen_ai.tool.type": "function",
        "gen_ai.tool.call.id": "call_0",
    } == dict(tool.attributes or {})
    assert StatusCode.UNSET == tool.status.status_code
    assert (StatusCode.ERROR, "ToolFailed") == (failed.status.status_code, failed.status.description)
    for span in found.values():
        if span.name.startswith("execute_tool"):
            assert PROMPT not in span.to_json()
            assert SECRET not in span.to_json()


async def test_what_a_tool_raises_is_in_no_span_metric_message_or_log(caplog: pytest.LogCaptureFixture) -> None:
    def in_a_thread() -> None:
        raise KeyError(SECRET)

    async def in_the_event_loop() -> None:
        try:
            in_a_thread()
        except KeyError as error:
            raise RuntimeError(SECRET) from error

    names = ["in_a_thread", "in_the_event_loop"]
    calls = [call(place, "{}", name, f"call_{place}") for place, name in enumerate(names)]
    answers = [[*calls, piece(finish="tool_calls"), CHAT_DONE], [*CHAT_HELLO, CHAT_DONE]]

    async def answer(exchange: Exchange) -> None:
        await stream(exchange, *answers[exchange.number - 1])

    spans = Spans()
    with caplog.at_level(logging.DEBUG):
        async with raw_server(answer) as server, spans.client(server.url) as client:
            async with client.chat.completions.stream(
                messages=[{"role": "user", "content": "hi"}], model="m", run_tools=[in_a_thread, in_the_event_loop]
            ) as s:
                await s.until_done()

    found = spans.exporter.get_finished_spans()
    assert {"KeyError", "RuntimeError"} == {
        span.status.description for span in found if span.name.startswith("execute_tool")
    }
    metrics = spans.reader.get_metrics_data()
    assert metrics is not None
    seen = [*(span.to_json() for span in found), metrics.to_json(), caplog.text]
    seen += [request.body.decode() for request in server.requests]
    assert [] == [text for text in seen if SECRET in text]


def test_without_opentelemetry_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry", None)

    with pytest.raises(ConfigurationError, match=r"asyncstream\[otel\]"):
        OpenTelemetry()
