"""OpenTelemetry over the observer hook: spans and metrics, with what the GenAI conventions want and no content.

``AsyncClient(observer=OpenTelemetry())``. Needs the extra ``[otel]``; it is imported when the observer is made.

A call that runs a model is a GenAI span with its parameters, its tokens and, streamed, the time to its first chunk; any
other call is a plain client span. The span's context is sent with each request (``traceparent``). A stream that its
reader left is no error. A tool that a stream runs is a span ``execute_tool``, and the spans of what it does are within
it. The tokens of a run or a response that is polled or gone on with are in no span and no metric: each request would
count them again.

Source: https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-spans/
Source: https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-metrics/
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from asyncstream.errors import ConfigurationError
from asyncstream.transport.observing import (
    CallDetails,
    CallFailed,
    CallFinished,
    FirstEvent,
    Observation,
    RequestSent,
    ResponseReceived,
    ToolBegan,
    ToolEnded,
)

if TYPE_CHECKING:
    from contextvars import Token

    from opentelemetry.context import Context
    from opentelemetry.metrics import MeterProvider
    from opentelemetry.trace import Span, TracerProvider

__all__ = ["OpenTelemetry"]

_OPERATIONS = {
    "/assistants": "create_agent",
    "/chat/completions": "chat",
    "/responses": "chat",
    "/threads/runs": "invoke_agent",
    "/threads/{thread_id}/runs": "invoke_agent",
    "/threads/{thread_id}/runs/{run_id}/submit_tool_outputs": "invoke_agent",
}
"""The routes that are GenAI operations if they are called by POST."""

_FRACTIONS = {
    "frequency_penalty": "gen_ai.request.frequency_penalty",
    "presence_penalty": "gen_ai.request.presence_penalty",
    "temperature": "gen_ai.request.temperature",
    "top_p": "gen_ai.request.top_p",
}
"""The parameters that the conventions have as fractions, also where a whole number was sent."""

_PARAMETERS = {
    "max_completion_tokens": "gen_ai.request.max_tokens",
    "max_output_tokens": "gen_ai.request.max_tokens",
    "max_tokens": "gen_ai.request.max_tokens",
    "n": "gen_ai.request.choice.count",
    "seed": "gen_ai.request.seed",
    "service_tier": "openai.request.service_tier",
    "stop": "gen_ai.request.stop_sequences",
}

_SECONDS = [0.01 * 2**step for step in range(14)]
_TOKENS = [4**step for step in range(14)]
"""The bounds of the buckets that the conventions advise: from 10 ms to 82 s, and from 1 token to 64 Mi."""

_MOST = 1 << 63
"""From here an integer fits no attribute, and would take the whole batch of its exporter with it."""


class OpenTelemetry:
    """An observer that makes spans, as children of the span that is current when a call begins, and records metrics.

    The headers that carry the span to the server are those of the global propagator (``OTEL_PROPAGATORS``):
    ``traceparent``, and baggage if there is any. What the client or a call is given as a header is sent instead, and
    None removes it.

    Args:
        tracer_provider: Whose spans; None is the global provider's.
        meter_provider: Whose ``gen_ai.client.operation.duration`` and ``gen_ai.client.token.usage``; None is the
            global provider's.

    Raises:
        ConfigurationError: OpenTelemetry is not installed.
    """

    def __init__(
        self, tracer_provider: "TracerProvider | None" = None, meter_provider: "MeterProvider | None" = None
    ) -> None:
        try:
            from opentelemetry import context, metrics, propagate, trace
        except ImportError:
            raise ConfigurationError("OpenTelemetry is not installed: pip install 'asyncstream[otel]'") from None
        self._context = context
        self._trace = trace
        self._inject = propagate.inject
        self._tracer = trace.get_tracer("asyncstream", tracer_provider=tracer_provider)
        meter = metrics.get_meter("asyncstream", meter_provider=meter_provider)
        self._duration = meter.create_histogram(
            "gen_ai.client.operation.duration",
            unit="s",
            description="How long GenAI operations took.",
            explicit_bucket_boundaries_advisory=_SECONDS,
        )
        self._tokens = meter.create_histogram(
            "gen_ai.client.token.usage",
            unit="{token}",
            description="How many tokens GenAI operations read and wrote.",
            explicit_bucket_boundaries_advisory=_TOKENS,
        )
        self._spans: dict[int, Span] = {}
        self._tools: dict[int, tuple[Span, Token[Context]]] = {}

    def headers(self, call: CallDetails) -> Mapping[str, str]:
        """Return what carries the span of the call to its server; the transport asks before each attempt."""
        carrier: dict[str, str] = {}
        self._inject(carrier, context=self._trace.set_span_in_context(self._span(call)))
        return carrier

    def __call__(self, seen: Observation) -> None:
        """Bring the span of the call, or of the tool, up to date."""
        if isinstance(seen, ToolBegan | ToolEnded):
            self._show_tool(seen)
            return
        span = self._span(seen.call)
        match seen:
            case RequestSent(attempt=attempt):
                if attempt > 1:
                    span.set_attribute("http.request.resend_count", attempt - 1)
            case ResponseReceived():
                span.set_attribute("http.response.status_code", seen.status)
            case FirstEvent():
                span.set_attribute("gen_ai.response.time_to_first_chunk", seen.elapsed)
            case CallFinished():
                if seen.left:
                    span.add_event("left")
                if _operation(seen.call) is not None:
                    _tell_result(span, seen)
                self._end(seen, span)
            case CallFailed(retry_in=None):
                span.set_attribute("error.type", seen.error)
                span.set_status(self._trace.StatusCode.ERROR, seen.error)
                self._end(seen, span)
            case CallFailed():
                span.add_event("retry", {"error.type": seen.error, "attempt": seen.attempt})

    def _show_tool(self, seen: ToolBegan | ToolEnded) -> None:
        """Begin the span of a tool and make it the current one of its task, or end it."""
        if isinstance(seen, ToolBegan):
            attributes = {
                "gen_ai.operation.name": "execute_tool",
                "gen_ai.tool.name": seen.name,
                "gen_ai.tool.type": "function",
                "gen_ai.tool.call.id": seen.call_id,
            }
            span = self._tracer.start_span(f"execute_tool {seen.name}", attributes=attributes)
            self._tools[seen.id] = span, self._context.attach(self._trace.set_span_in_context(span))
            return
        span, token = self._tools.pop(seen.id)
        self._context.detach(token)
        if seen.status != "returned":
            span.set_attribute("error.type", seen.error or seen.status)
            span.set_status(self._trace.StatusCode.ERROR, seen.error or seen.status)
        span.end()

    def _span(self, call: CallDetails) -> "Span":
        span = self._spans.get(call.id)
        if span is None:
            span = self._spans[call.id] = self._start(call)
        return span

    def _start(self, call: CallDetails) -> "Span":
        operation = _operation(call)
        found: dict[str, str | int | float | tuple[str, ...] | None] = {
            **_common(call),
            "gen_ai.agent.id": call.ids.get("assistant_id"),
            "gen_ai.conversation.id": call.ids.get("thread_id"),
            "http.request.method": call.method,
            "url.template": call.route,
        }
        if operation is not None:
            found.update(_parameters(call))
        name = (
            f"{call.method} {call.route}" if operation is None else f"{operation} {call.ids.get('model', '')}".strip()
        )
        attributes = {key: value for key, value in found.items() if value is not None}
        return self._tracer.start_span(name.strip(), kind=self._trace.SpanKind.CLIENT, attributes=attributes)

    def _end(self, seen: CallFinished | CallFailed, span: "Span") -> None:
        del self._spans[seen.call.id]
        if _operation(seen.call) is not None:
            self._measure(seen, span)
        span.end()

    def _measure(self, seen: CallFinished | CallFailed, span: "Span") -> None:
        """Record an operation that has ended, its span given as the example of what is measured."""
        context = self._trace.set_span_in_context(span)
        attributes = {key: value for key, value in _common(seen.call).items() if value is not None}
        if isinstance(seen, CallFailed):
            self._duration.record(seen.elapsed, {**attributes, "error.type": seen.error}, context=context)
            return
        if seen.response_model is not None:
            attributes["gen_ai.response.model"] = seen.response_model
        self._duration.record(seen.elapsed, attributes, context=context)
        for kind, tokens in (("input", seen.input_tokens), ("output", seen.output_tokens)):
            if tokens is not None:
                self._tokens.record(tokens, {**attributes, "gen_ai.token.type": kind}, context=context)


def _operation(call: CallDetails) -> str | None:
    return _OPERATIONS.get(call.route) if call.method == "POST" else None


def _common(call: CallDetails) -> dict[str, str | int | None]:
    """Return what spans and metrics say of a call alike."""
    return {
        "gen_ai.operation.name": _operation(call),
        "gen_ai.provider.name": call.provider,
        "gen_ai.request.model": call.ids.get("model"),
        "server.address": call.host,
        "server.port": call.port,
    }


def _parameters(call: CallDetails) -> dict[str, float | str | tuple[str, ...]]:
    """Return the parameters of a request under the names of the conventions."""
    named: dict[str, float | str | tuple[str, ...]] = {"gen_ai.request.stream": True} if call.streamed else {}
    for name, value in call.parameters.items():
        if isinstance(value, int) and not -_MOST <= value < _MOST:
            continue
        if name in _FRACTIONS and isinstance(value, int | float):
            named[_FRACTIONS[name]] = float(value)
        elif name in _PARAMETERS:
            named[_PARAMETERS[name]] = value
    return named


def _tell_result(span: "Span", seen: CallFinished) -> None:
    for key, value in (
        ("gen_ai.response.id", seen.response_id),
        ("gen_ai.response.model", seen.response_model),
        ("gen_ai.response.finish_reasons", seen.outcomes or None),
        ("gen_ai.conversation.id", seen.thread_id or seen.conversation_id),
        ("gen_ai.usage.input_tokens", seen.input_tokens),
        ("gen_ai.usage.output_tokens", seen.output_tokens),
        ("openai.response.service_tier", seen.service_tier),
    ):
        if value is not None:
            span.set_attribute(key, value)
