"""The endpoints of runs: an assistant at work on a thread.

Source: https://platform.openai.com/docs/api-reference/runs
"""

# From Python 3.14 on, an annotation of a class that has a method `list` means that method by `list`.
import builtins
from collections.abc import Callable, Mapping
from typing import Literal, Unpack, overload

from asyncstream.looping.book import LoopState
from asyncstream.looping.outputs import check_outputs
from asyncstream.params.runs import (
    RunCreateParams,
    RunStepInclude,
    RunSubmitToolOutputsParams,
    RunUpdateParams,
)
from asyncstream.params.shared import ListOrder, ToolOutputs
from asyncstream.resources.keywords import check_list, known
from asyncstream.resources.paging import ListAnswer, ListRequest
from asyncstream.resources.polling import Pace, Remote, poll, remote_object, start_and_poll
from asyncstream.resources.raw import RawMethod, WithRawResponse
from asyncstream.resources.run_steps import RunSteps
from asyncstream.resources.running_runs import running_run
from asyncstream.resources.versions import ASSISTANTS_V2
from asyncstream.streaming.assistants.stream import AssistantEventHandler, AssistantStream
from asyncstream.tools.toolset import RunTools
from asyncstream.transport.http import Transport
from asyncstream.transport.request import Endpoint, HeaderValues, Options, Request
from asyncstream.transport.timeout import TimeoutTypes
from asyncstream.types.runs import Run

__all__ = ["Runs", "RunsWithRawResponse", "resume_with", "run_on_server"]

CREATE = Endpoint("POST", "/threads/{thread_id}/runs", Run, ASSISTANTS_V2)
LIST = Endpoint("GET", "/threads/{thread_id}/runs", ListAnswer[Run], ASSISTANTS_V2)
RETRIEVE = Endpoint("GET", "/threads/{thread_id}/runs/{run_id}", Run, ASSISTANTS_V2)
UPDATE = Endpoint("POST", "/threads/{thread_id}/runs/{run_id}", Run, ASSISTANTS_V2)
CANCEL = Endpoint("POST", "/threads/{thread_id}/runs/{run_id}/cancel", Run, ASSISTANTS_V2)
SUBMIT = Endpoint("POST", "/threads/{thread_id}/runs/{run_id}/submit_tool_outputs", Run, ASSISTANTS_V2)


def resume_with(options: Options) -> Callable[[str, str, Mapping[str, object]], Request]:
    """Return the function by which a stream goes on with tool outputs: (thread id, run id, body) to the request.

    It has the per-call options of the request that opened the stream, except for what was meant for that one alone.
    """
    kept = options.for_later()

    def resume(thread_id: str, run_id: str, body: Mapping[str, object]) -> Request:
        return SUBMIT.request(kept, ids={"thread_id": thread_id, "run_id": run_id}, body=body)

    return resume


def run_on_server(transport: Transport, options: Options, thread_id: str, run_id: str) -> Remote[Run]:
    """Return a run as a poll watches it, with the per-call options of the request that began the poll."""
    kept = options.for_later()
    ids = {"thread_id": thread_id, "run_id": run_id}
    return remote_object(transport, Run, RETRIEVE.request(kept, ids=ids), CANCEL.request(kept, ids=ids))


_EXPLICIT = ("assistant_id", "event_handler", "include", "poll_interval_ms", "poll_timeout", "stream", "tool_outputs")
"""What a misspelt keyword may have meant beside the members of a body."""


class Runs:
    """``client.threads.runs``.

    Attributes:
        steps: The steps of a run.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self.steps = RunSteps(transport)

    @property
    def with_raw_response(self) -> "RunsWithRawResponse":
        """The same methods, each giving its result together with the status and headers of the answer."""
        return RunsWithRawResponse(type(self), self._transport)

    @overload
    async def create(
        self,
        thread_id: str,
        *,
        assistant_id: str,
        include: builtins.list[RunStepInclude] | None = None,
        stream: Literal[False] = False,
        extra_headers: HeaderValues | None = None,
        extra_query: Mapping[str, object] | None = None,
        extra_body: Mapping[str, object] | None = None,
        timeout: TimeoutTypes = None,
        **params: Unpack[RunCreateParams],
    ) -> Run: ...

    @overload
    async def create(
        self,
        thread_id: str,
        *,
        assistant_id: str,
        include: builtins.list[RunStepInclude] | None = None,
        stream: Literal[True],
        extra_headers: HeaderValues | None = None,
        extra_query: Mapping[str, object] | None = None,
        extra_body: Mapping[str, object] | None = None,
        timeout: TimeoutTypes = None,
        **params: Unpack[RunCreateParams],
    ) -> AssistantStream: ...

    async def create(
        self,
        thread_id: str,
        *,
        assistant_id: str,
        include: builtins.list[RunStepInclude] | None = None,
        stream: bool = False,
        extra_headers: HeaderValues | None = None,
        extra_query: Mapping[str, object] | None = None,
        extra_body: Mapping[str, object] | None = None,
        timeout: TimeoutTypes = None,
        **params: Unpack[RunCreateParams],
    ) -> Run | AssistantStream:
        """Start a run on a thread; it goes on when this returns. With ``stream=True`` return its open stream.

        The caller closes the stream: use it with ``async with``, read it to its end, or call its `close`.

        - `include`: what the steps of the run show beyond their default.

        Raises:
            ConfigurationError: An argument cannot be sent.
            NotFoundError: There is no such thread or assistant.
            APIError: The request failed; the subclass says how.

        Source: https://platform.openai.com/docs/api-reference/runs/createRun
        """
        if stream:
            return await self.stream(
                thread_id,
                assistant_id=assistant_id,
                include=include,
                extra_headers=extra_headers,
                extra_query=extra_query,
                extra_body=extra_body,
                timeout=timeout,
                **params,
            ).open()
        options = Options(extra_headers, extra_query, extra_body, timeout)
        body = {"assistant_id": assistant_id, **known(params, RunCreateParams, *_EXPLICIT)}
        request = CREATE.request(options, ids={"thread_id": thread_id}, query={"include": include}, body=body)
        return await self._transport.send(request, CREATE.result)

    async def create_and_poll(
        self,
        thread_id: str,
        *,
        assistant_id: str,
        include: builtins.list[RunStepInclude] | None = None,
        poll_interval_ms: float | None = None,
        poll_timeout: float | None = None,
        on_poll: Callable[[Run], object] | None = None,
        cancel_remote: bool = False,
        extra_headers: HeaderValues | None = None,
        extra_query: Mapping[str, object] | None = None,
        extra_body: Mapping[str, object] | None = None,
        timeout: TimeoutTypes = None,
        **params: Unpack[RunCreateParams],
    ) -> Run:
        """Start a run on a thread and poll it until it has ended, or requires an action.

        It returns with every ending status: look at `status` before the messages are read. The rest is as in `poll`;
        the deadline counts from the answer to the first request.

        - `include`: what the steps of the run show beyond their default.

        Raises:
            ConfigurationError: An argument cannot be sent, or is no interval or deadline.
            PollTimeoutError: The deadline passed; the run is its `last`, and goes on.
            NotFoundError: There is no such thread or assistant.
            APIError: A request failed; the subclass says how.

        Source: https://platform.openai.com/docs/api-reference/runs/createRun
        """
        pace = Pace(
            poll_interval_ms=poll_interval_ms, poll_timeout=poll_timeout, on_poll=on_poll, cancel_remote=cancel_remote
        )
        options = Options(extra_headers, extra_query, extra_body, timeout)
        body = {"assistant_id": assistant_id, **known(params, RunCreateParams, *_EXPLICIT)}
        request = CREATE.request(options, ids={"thread_id": thread_id}, query={"include": include}, body=body)
        return await start_and_poll(
            lambda: self._transport.send_with_headers(request, CREATE.result),
            lambda run: run_on_server(self._transport, options, thread_id, run.id),
            pace,
        )

    def stream(
        self,
        thread_id: str,
        *,
        assistant_id: str,
        include: builtins.list[RunStepInclude] | None = None,
        event_handler: AssistantEventHandler | None = None,
        run_tools: RunTools | None = None,
        send_tools: bool | None = None,
        resume: LoopState | None = None,
        extra_headers: HeaderValues | None = None,
        extra_query: Mapping[str, object] | None = None,
        extra_body: Mapping[str, object] | None = None,
        timeout: TimeoutTypes = None,
        **params: Unpack[RunCreateParams],
    ) -> AssistantStream:
        """Return a stream of a new run on a thread.

        Nothing is sent before ``async with`` enters it; what the request fails with is raised there. The callbacks of
        `event_handler` are awaited as the stream is read; one handler serves one stream.

        - `include`: what the steps of the run show beyond their default.
        - `run_tools`: functions that the model may call. Their calls are run, and the stream goes on to the run's end.
        - `send_tools`: whether the run is told of them, in place of its assistant's tools; None: beside other `tools`.
        - `resume`: the state of such a stream, to go on from there; nothing but outputs is sent then.

        Raises:
            ConfigurationError: An argument cannot be sent, or a function cannot be run.
            ToolsLostError: Calls of the state had begun, so that nobody knows whether they ran.
            APIError: The request failed; the subclass says how.

        Source: https://platform.openai.com/docs/api-reference/runs/createRun
        """
        options = Options(extra_headers, extra_query, extra_body, timeout)
        looping, tools = running_run(run_tools, params, send_tools=send_tools, resume=resume)
        body = {"assistant_id": assistant_id, **known(params, RunCreateParams, *_EXPLICIT), **tools, "stream": True}
        request = CREATE.request(options, ids={"thread_id": thread_id}, query={"include": include}, body=body)
        return AssistantStream(
            self._transport, request, event_handler=event_handler, resume=resume_with(options), **looping
        )

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

    async def poll(
        self,
        run_id: str,
        *,
        thread_id: str,
        poll_interval_ms: float | None = None,
        poll_timeout: float | None = None,
        on_poll: Callable[[Run], object] | None = None,
        cancel_remote: bool = False,
        extra_headers: HeaderValues | None = None,
        extra_query: Mapping[str, object] | None = None,
        extra_body: Mapping[str, object] | None = None,
        timeout: TimeoutTypes = None,
    ) -> Run:
        """Fetch a run again and again until it has ended, or requires an action.

        A look that fails for a moment (429, 5xx, a broken connection) does not end the poll.

        - `poll_interval_ms`: milliseconds between two looks, to which up to a quarter is added at random; None takes
          what the server asks for, else 1,000.
        - `poll_timeout`: seconds until `PollTimeoutError`; None polls until the run has ended.
        - `on_poll`: called with the run after each look, and awaited if it gives an awaitable.
        - `cancel_remote`: whether the run is cancelled on the server when the task that polls is cancelled.

        Raises:
            ConfigurationError: An argument cannot be sent, or is no interval or deadline.
            PollTimeoutError: The deadline passed; the run is its `last`, and goes on.
            NotFoundError: There is no such run.
            APIError: A request failed; the subclass says how.

        Source: https://platform.openai.com/docs/api-reference/runs/getRun
        """
        pace = Pace(
            poll_interval_ms=poll_interval_ms, poll_timeout=poll_timeout, on_poll=on_poll, cancel_remote=cancel_remote
        )
        options = Options(extra_headers, extra_query, extra_body, timeout)
        return await poll(run_on_server(self._transport, options, thread_id, run_id), pace)

    async def update(
        self,
        run_id: str,
        *,
        thread_id: str,
        extra_headers: HeaderValues | None = None,
        extra_query: Mapping[str, object] | None = None,
        extra_body: Mapping[str, object] | None = None,
        timeout: TimeoutTypes = None,
        **params: Unpack[RunUpdateParams],
    ) -> Run:
        """Change the metadata of a run.

        Raises:
            ConfigurationError: An argument cannot be sent.
            NotFoundError: There is no such run.
            APIError: The request failed; the subclass says how.

        Source: https://platform.openai.com/docs/api-reference/runs/modifyRun
        """
        options = Options(extra_headers, extra_query, extra_body, timeout)
        request = UPDATE.request(
            options, ids={"thread_id": thread_id, "run_id": run_id}, body=known(params, RunUpdateParams)
        )
        return await self._transport.send(request, UPDATE.result)

    def list(
        self,
        thread_id: str,
        *,
        limit: int | None = None,
        order: ListOrder | None = None,
        after: str | None = None,
        before: str | None = None,
        extra_headers: HeaderValues | None = None,
        extra_query: Mapping[str, object] | None = None,
        extra_body: Mapping[str, object] | None = None,
        timeout: TimeoutTypes = None,
    ) -> ListRequest[Run]:
        """Return the runs of a thread as a request: ``await`` gives a page, ``async for`` the runs of all pages.

        - `limit`: runs a page, 1 to 100; the server's default is 20.
        - `order`: by creation time; the server's default is "desc", the latest first.
        - `after`: the id of the run in front of the page.
        - `before`: the id of the run behind the page.

        Raises:
            ConfigurationError: An argument cannot be sent.
            NotFoundError: There is no such thread.
            APIError: The request failed; the subclass says how.

        Source: https://platform.openai.com/docs/api-reference/runs/listRuns
        """
        options = Options(extra_headers, extra_query, extra_body, timeout)
        query = {"limit": limit, "order": order, "after": after, "before": before}
        request = LIST.request(options, ids={"thread_id": thread_id}, query=query)
        return ListRequest(self._transport, request, LIST.result)

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

    @overload
    async def submit_tool_outputs(
        self,
        run_id: str,
        *,
        thread_id: str,
        tool_outputs: ToolOutputs,
        stream: Literal[False] = False,
        extra_headers: HeaderValues | None = None,
        extra_query: Mapping[str, object] | None = None,
        extra_body: Mapping[str, object] | None = None,
        timeout: TimeoutTypes = None,
        **params: Unpack[RunSubmitToolOutputsParams],
    ) -> Run: ...

    @overload
    async def submit_tool_outputs(
        self,
        run_id: str,
        *,
        thread_id: str,
        tool_outputs: ToolOutputs,
        stream: Literal[True],
        extra_headers: HeaderValues | None = None,
        extra_query: Mapping[str, object] | None = None,
        extra_body: Mapping[str, object] | None = None,
        timeout: TimeoutTypes = None,
        **params: Unpack[RunSubmitToolOutputsParams],
    ) -> AssistantStream: ...

    async def submit_tool_outputs(
        self,
        run_id: str,
        *,
        thread_id: str,
        tool_outputs: ToolOutputs,
        stream: bool = False,
        extra_headers: HeaderValues | None = None,
        extra_query: Mapping[str, object] | None = None,
        extra_body: Mapping[str, object] | None = None,
        timeout: TimeoutTypes = None,
        **params: Unpack[RunSubmitToolOutputsParams],
    ) -> Run | AssistantStream:
        """Answer the tool calls of a run in `requires_action`; it goes on when this returns.

        With ``stream=True`` return the open stream of what follows, which the caller closes.

        - `tool_outputs`: one for each of its tool calls; empty if it asks for approvals only.

        Raises:
            ConfigurationError: An argument cannot be sent.
            NotFoundError: There is no such run.
            APIError: The request failed; the subclass says how.

        Source: https://platform.openai.com/docs/api-reference/runs/submitToolOutputs
        """
        if stream:
            return await self.submit_tool_outputs_stream(
                run_id,
                thread_id=thread_id,
                tool_outputs=tool_outputs,
                extra_headers=extra_headers,
                extra_query=extra_query,
                extra_body=extra_body,
                timeout=timeout,
                **params,
            ).open()
        options = Options(extra_headers, extra_query, extra_body, timeout)
        body = _outputs(tool_outputs, params)
        request = SUBMIT.request(options, ids={"thread_id": thread_id, "run_id": run_id}, body=body)
        return await self._transport.send(request, SUBMIT.result)

    async def submit_tool_outputs_and_poll(
        self,
        run_id: str,
        *,
        thread_id: str,
        tool_outputs: ToolOutputs,
        poll_interval_ms: float | None = None,
        poll_timeout: float | None = None,
        on_poll: Callable[[Run], object] | None = None,
        cancel_remote: bool = False,
        extra_headers: HeaderValues | None = None,
        extra_query: Mapping[str, object] | None = None,
        extra_body: Mapping[str, object] | None = None,
        timeout: TimeoutTypes = None,
        **params: Unpack[RunSubmitToolOutputsParams],
    ) -> Run:
        """Answer the tool calls of a run in `requires_action` and poll it until it has ended, or requires another.

        The rest is as in `poll`; the deadline counts from the answer to the first request.

        - `tool_outputs`: one for each of its tool calls; empty if it asks for approvals only.

        Raises:
            ConfigurationError: An argument cannot be sent, or is no interval or deadline.
            PollTimeoutError: The deadline passed; the run is its `last`, and goes on.
            NotFoundError: There is no such run.
            APIError: A request failed; the subclass says how.

        Source: https://platform.openai.com/docs/api-reference/runs/submitToolOutputs
        """
        pace = Pace(
            poll_interval_ms=poll_interval_ms, poll_timeout=poll_timeout, on_poll=on_poll, cancel_remote=cancel_remote
        )
        options = Options(extra_headers, extra_query, extra_body, timeout)
        body = _outputs(tool_outputs, params)
        request = SUBMIT.request(options, ids={"thread_id": thread_id, "run_id": run_id}, body=body)
        return await start_and_poll(
            lambda: self._transport.send_with_headers(request, SUBMIT.result),
            lambda _: run_on_server(self._transport, options, thread_id, run_id),
            pace,
        )

    def submit_tool_outputs_stream(
        self,
        run_id: str,
        *,
        thread_id: str,
        tool_outputs: ToolOutputs,
        event_handler: AssistantEventHandler | None = None,
        run_tools: RunTools | None = None,
        resume: LoopState | None = None,
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
        - `run_tools`: functions that answer what the run calls from here on.
        - `resume`: the state of such a stream, to go on from there; these outputs are not sent again then.

        Raises:
            ConfigurationError: An argument cannot be sent.
            APIError: The request failed; the subclass says how.

        Source: https://platform.openai.com/docs/api-reference/runs/submitToolOutputs
        """
        options = Options(extra_headers, extra_query, extra_body, timeout)
        looping, _ = running_run(run_tools, {}, resume=resume)
        body = {**_outputs(tool_outputs, params), "stream": True}
        request = SUBMIT.request(options, ids={"thread_id": thread_id, "run_id": run_id}, body=body)
        return AssistantStream(
            self._transport, request, event_handler=event_handler, resume=resume_with(options), **looping
        )


class RunsWithRawResponse(WithRawResponse):
    """``client.threads.runs.with_raw_response``."""

    create = RawMethod(Runs.create)
    retrieve = RawMethod(Runs.retrieve)
    update = RawMethod(Runs.update)
    list = RawMethod(Runs.list)
    cancel = RawMethod(Runs.cancel)
    submit_tool_outputs = RawMethod(Runs.submit_tool_outputs)


def _outputs(tool_outputs: ToolOutputs, params: RunSubmitToolOutputsParams) -> dict[str, object]:
    check_list("tool_outputs", tool_outputs)
    check_outputs(tool_outputs)
    known(params, RunSubmitToolOutputsParams, *_EXPLICIT)
    # A run waits for outputs or for approvals: an empty list of the one beside the other would be an invention.
    if "tool_approvals" in params and not tool_outputs:
        return {**known(params, RunSubmitToolOutputsParams)}
    return {"tool_outputs": tool_outputs, **known(params, RunSubmitToolOutputsParams)}
