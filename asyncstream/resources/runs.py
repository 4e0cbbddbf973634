"""The endpoints of runs: an assistant at work on a thread.

Source: https://platform.openai.com/docs/api-reference/runs
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Unpack

from asyncstream.params import RunCreateParams, RunSubmitToolOutputsParams, ToolOutput
from asyncstream.resources.versions import ASSISTANTS_V2
from asyncstream.streaming.assistants import AssistantStream
from asyncstream.streaming.handlers import AssistantEventHandler
from asyncstream.transport.http import Transport
from asyncstream.transport.request import Endpoint, HeaderValues, Options, Request
from asyncstream.transport.timeout import TimeoutTypes
from asyncstream.types import Run

__all__ = ["Runs", "resume_with"]

_IDEMPOTENCY_KEY = "idempotency-key"

CREATE = Endpoint("POST", "/threads/{thread_id}/runs", Run, ASSISTANTS_V2)
RETRIEVE = Endpoint("GET", "/threads/{thread_id}/runs/{run_id}", Run, ASSISTANTS_V2)
CANCEL = Endpoint("POST", "/threads/{thread_id}/runs/{run_id}/cancel", Run, ASSISTANTS_V2)
SUBMIT = Endpoint("POST", "/threads/{thread_id}/runs/{run_id}/submit_tool_outputs", Run, ASSISTANTS_V2)


def resume_with(options: Options) -> Callable[[str, str, Mapping[str, object]], Request]:
    """Return the function by which a stream goes on with tool outputs: (thread id, run id, body) to the request.

    It has the per-call options of the request that opened the stream, except for what was meant for that one alone:
    `extra_body`, and an idempotency key, under which a server would answer with the first stream again.
    """
    headers = {name: value for name, value in (options.extra_headers or {}).items() if name.lower() != _IDEMPOTENCY_KEY}
    kept = Options(headers, options.extra_query, None, options.timeout)

    def resume(thread_id: str, run_id: str, body: Mapping[str, object]) -> Request:
        return SUBMIT.request(kept, ids={"thread_id": thread_id, "run_id": run_id}, body=body)

    return resume


class Runs:
    """``client.threads.runs``."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def create(
        self,
        thread_id: str,
        *,
        assistant_id: str,
        extra_headers: HeaderValues | None = None,
        extra_query: Mapping[str, object] | None = None,
        extra_body: Mapping[str, object] | None = None,
        timeout: TimeoutTypes = None,
        **params: Unpack[RunCreateParams],
    ) -> Run:
        """Start a run on a thread; it goes on when this returns.

        Raises:
            ConfigurationError: An argument cannot be sent.
            NotFoundError: There is no such thread or assistant.
            APIError: The request failed; the subclass says how.

        Source: https://platform.openai.com/docs/api-reference/runs/createRun
        """
        options = Options(extra_headers, extra_query, extra_body, timeout)
        body = {"assistant_id": assistant_id, **params}
        request = CREATE.request(options, ids={"thread_id": thread_id}, body=body)
        return await self._transport.send(request, CREATE.result)

    def stream(
        self,
        thread_id: str,
        *,
        assistant_id: str,
        event_handler: AssistantEventHandler | None = None,
        extra_headers: HeaderValues | None = None,
        extra_query: Mapping[str, object] | None = None,
        extra_body: Mapping[str, object] | None = None,
        timeout: TimeoutTypes = None,
        **params: Unpack[RunCreateParams],
    ) -> AssistantStream:
        """Return a stream of a new run on a thread.

        Nothing is sent before ``async with`` enters it; what the request fails with is raised there. The callbacks of
        `event_handler` are awaited as the stream is read; one handler serves one stream.

        Raises:
            ConfigurationError: An argument cannot be sent.
            APIError: The request failed; the subclass says how.

        Source: https://platform.openai.com/docs/api-reference/runs/createRun
        """
        options = Options(extra_headers, extra_query, extra_body, timeout)
        body = {"assistant_id": assistant_id, **params, "stream": True}
        request = CREATE.request(options, ids={"thread_id": thread_id}, body=body)
        return AssistantStream(self._transport, request, event_handler=event_handler, resume=resume_with(options))

    async def retrieve(
        self,
        run_id: str,
        *,
        thread_id: str,
        extra_headers: HeaderValues | None = None,
        extra_query: Mapping[str, object] | None = None,
        extra_body: Mapping[str, object] | None = None,
        timeout: TimeoutTypes = None,
    ) -> Run:
        """Fetch a run as it is now.

        Raises:
            ConfigurationError: An argument cannot be sent.
            NotFoundError: There is no such run.
            APIError: The request failed; the subclass says how.

        Source: https://platform.openai.com/docs/api-reference/runs/getRun
        """
        options = Options(extra_headers, extra_query, extra_body, timeout)
        request = RETRIEVE.request(options, ids={"thread_id": thread_id, "run_id": run_id})
        return await self._transport.send(request, RETRIEVE.result)

    async def cancel(
        self,
        run_id: str,
        *,
        thread_id: str,
        extra_headers: HeaderValues | None = None,
        extra_query: Mapping[str, object] | None = None,
        extra_body: Mapping[str, object] | None = None,
        timeout: TimeoutTypes = None,
    ) -> Run:
        """Ask for a run to be cancelled; it is `cancelling` at first.

        Raises:
            ConfigurationError: An argument cannot be sent.
            NotFoundError: There is no such run.
            BadRequestError: The run has ended already.
            APIError: The request failed; the subclass says how.

        Source: https://platform.openai.com/docs/api-reference/runs/cancelRun
        """
        options = Options(extra_headers, extra_query, extra_body, timeout)
        request = CANCEL.request(options, ids={"thread_id": thread_id, "run_id": run_id})
        return await self._transport.send(request, CANCEL.result)

    async def submit_tool_outputs(
        self,
        run_id: str,
        *,
        thread_id: str,
        tool_outputs: Sequence[ToolOutput],
        extra_headers: HeaderValues | None = None,
        extra_query: Mapping[str, object] | None = None,
        extra_body: Mapping[str, object] | None = None,
        timeout: TimeoutTypes = None,
        **params: Unpack[RunSubmitToolOutputsParams],
    ) -> Run:
        """Answer the tool calls of a run in `requires_action`; it goes on when this returns.

        - `tool_outputs`: one for each of its tool calls; empty if it asks for approvals only.

        Raises:
            ConfigurationError: An argument cannot be sent.
            NotFoundError: There is no such run.
            APIError: The request failed; the subclass says how.

        Source: https://platform.openai.com/docs/api-reference/runs/submitToolOutputs
        """
        options = Options(extra_headers, extra_query, extra_body, timeout)
        body = _outputs(tool_outputs, params)
        request = SUBMIT.request(options, ids={"thread_id": thread_id, "run_id": run_id}, body=body)
        return await self._transport.send(request, SUBMIT.result)

    def submit_tool_outputs_stream(
        self,
        run_id: str,
        *,
        thread_id: str,
        tool_outputs: Sequence[ToolOutput],
        event_handler: AssistantEventHandler | None = None,
        extra_headers: HeaderValues | None = None,
        extra_query: Mapping[str, object] | None = None,
        extra_body: Mapping[str, object] | None = None,
        timeout: TimeoutTypes = None,
        **params: Unpack[RunSubmitToolOutputsParams],
    ) -> AssistantStream:
        """Return a stream of a run from `requires_action` on, where these outputs answer its tool calls.

        Nothing is sent before ``async with`` enters it; what the request fails with is raised there. The callbacks of
        `event_handler` are awaited as the stream is read; one handler serves one stream.

        - `tool_outputs`: one for each of its tool calls; empty if it asks for approvals only.

        Raises:
            ConfigurationError: An argument cannot be sent.
            APIError: The request failed; the subclass says how.

        Source: https://platform.openai.com/docs/api-reference/runs/submitToolOutputs
        """
        options = Options(extra_headers, extra_query, extra_body, timeout)
        body = {**_outputs(tool_outputs, params), "stream": True}
        request = SUBMIT.request(options, ids={"thread_id": thread_id, "run_id": run_id}, body=body)
        return AssistantStream(self._transport, request, event_handler=event_handler, resume=resume_with(options))


def _outputs(tool_outputs: Sequence[ToolOutput], params: RunSubmitToolOutputsParams) -> dict[str, object]:
    # A run waits for outputs or for approvals: an empty list of the one beside the other would be an invention.
    if "tool_approvals" in params and not tool_outputs:
        return {**params}
    return {"tool_outputs": tool_outputs, **params}
