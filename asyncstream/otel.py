"""OpenTelemetry over the observer hook: a span a call, with what the GenAI conventions want of it and no content.

``AsyncClient(observer=OpenTelemetry())``. Needs the extra ``[otel]``; it is imported when the observer is made.

A call that runs a model is a GenAI span with its tokens and, streamed, the time to its first chunk; any other call is a
plain client span. The tokens of a run that is polled are in no span: each poll would count them again.

Source: https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-spans/
"""

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
)

if TYPE_CHECKING:
    from opentelemetry.trace import Span, TracerProvider

__all__ = ["OpenTelemetry"]

_OPERATIONS = {
    "/assistants": "create_agent",
    "/chat/completions": "chat",
    "/threads/runs": "invoke_agent",
    "/threads/{thread_id}/runs": "invoke_agent",
    "/threads/{thread_id}/runs/{run_id}/submit_tool_outputs": "invoke_agent",
}
"""The routes that are GenAI operations if they are called by POST."""


class OpenTelemetry:
    """An observer that makes spans, as children of the span that is current when a call begins.

    Args:
        tracer_provider: Whose spans; None is the global provider's.

    Raises:
        ConfigurationError: OpenTelemetry is not installed.
    """

    def __init__(self, tracer_provider: "TracerProvider | None" = None) -> None:
        try:
            from opentelemetry import trace
        except ImportError:
            raise ConfigurationError("OpenTelemetry is not installed: pip install 'asyncstream[otel]'") from None
        self._trace = trace
        self._tracer = trace.get_tracer("asyncstream", tracer_provider=tracer_provider)
        self._spans: dict[int, Span] = {}

    def __call__(self, seen: Observation) -> None:
        """Bring the span of the call up to date."""
        span = self._spans.get(seen.call.id)
        if span is None:
            span = self._spans[seen.call.id] = self._start(seen.call)
        match seen:
            case RequestSent(attempt=attempt):
                if attempt > 1:
                    span.set_attribute("http.request.resend_count", attempt - 1)
            case ResponseReceived():
                span.set_attribute("http.response.status_code", seen.status)
            case FirstEvent():
                span.set_attribute("gen_ai.response.time_to_first_chunk", seen.elapsed)
            case CallFinished():
                if _operation(seen.call) is not None:
                    _tell_result(span, seen)
                self._end(seen.call, span)
            case CallFailed(retry_in=None):
                span.set_attribute("error.type", seen.error)
                span.set_status(self._trace.StatusCode.ERROR, seen.error)
                self._end(seen.call, span)
            case CallFailed():
                span.add_event("retry", {"error.type": seen.error, "attempt": seen.attempt})

    def _start(self, call: CallDetails) -> "Span":
        operation = _operation(call)
        model = call.ids.get("model")
        found = {
            "gen_ai.operation.name": operation,
            "gen_ai.provider.name": call.provider,
            "gen_ai.request.model": model,
            "gen_ai.agent.id": call.ids.get("assistant_id"),
            "gen_ai.conversation.id": call.ids.get("thread_id"),
            "http.request.method": call.method,
            "url.template": call.route,
            "server.address": call.host,
            "server.port": call.port,
        }
        name = f"{call.method} {call.route}" if operation is None else f"{operation} {model or ''}".strip()
        attributes = {key: value for key, value in found.items() if value is not None}
        return self._tracer.start_span(name, kind=self._trace.SpanKind.CLIENT, attributes=attributes)

    def _end(self, call: CallDetails, span: "Span") -> None:
        del self._spans[call.id]
        span.end()


def _operation(call: CallDetails) -> str | None:
    return _OPERATIONS.get(call.route) if call.method == "POST" else None


def _tell_result(span: "Span", seen: CallFinished) -> None:
    for key, value in (
        ("gen_ai.response.id", seen.response_id),
        ("gen_ai.response.model", seen.response_model),
        ("gen_ai.response.finish_reasons", seen.outcomes or None),
        ("gen_ai.conversation.id", seen.thread_id),
        ("gen_ai.usage.input_tokens", seen.input_tokens),
        ("gen_ai.usage.output_tokens", seen.output_tokens),
    ):
        if value is not None:
            span.set_attribute(key, value)
