"""The endpoints of threads: the conversations that assistants work on, and the one that makes a thread and runs it.

Source: https://platform.openai.com/docs/api-reference/threads
"""

from collections.abc import Callable, Mapping
from typing import Literal, Unpack, overload

from asyncstream.looping.book import LoopState
from asyncstream.params.threads import CreateAndRunParams, ThreadCreateParams, ThreadUpdateParams
from asyncstream.resources.keywords import known
from asyncstream.resources.messages import Messages
from asyncstream.resources.polling import Pace, start_and_poll
from asyncstream.resources.raw import RawMethod, WithRawResponse
from asyncstream.resources.running_runs import running_run
from asyncstream.resources.runs import Runs, resume_with, run_on_server
from asyncstream.resources.versions import ASSISTANTS_V2
from asyncstream.streaming.assistants.stream import AssistantEventHandler, AssistantStream
from asyncstream.tools.toolset import RunTools
from asyncstream.transport.http import Transport
from asyncstream.transport.request import Endpoint, HeaderValues, Options
from asyncstream.transport.timeout import TimeoutTypes
from asyncstream.types.runs import Run
from asyncstream.types.threads import Thread, ThreadDeleted

__all__ = ["Threads", "ThreadsWithRawResponse"]

CREATE = Endpoint("POST", "/threads", Thread, ASSISTANTS_V2)
RETRIEVE = Endpoint("GET", "/threads/{thread_id}", Thread, ASSISTANTS_V2)
UPDATE = Endpoint("POST", "/threads/{thread_id}", Thread, ASSISTANTS_V2)
DELETE = Endpoint("DELETE", "/threads/{thread_id}", ThreadDeleted, ASSISTANTS_V2)
CREATE_AND_RUN = Endpoint("POST", "/threads/runs", Run, ASSISTANTS_V2)


class Threads:
    """``client.threads``.

    Attributes:
        messages: The messages on a thread.
        runs: The runs on a thread.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self.messages = Messages(transport)
        self.runs = Runs(transport)

    @property
    def with_raw_response(self) -> "ThreadsWithRawResponse":
        """The same methods, each giving its result together with the status and headers of the answer."""
        return ThreadsWithRawResponse(type(self), self._transport)

    async def create(
        self,
        *,
        extra_headers: HeaderValues | None = None,
        extra_query: Mapping[str, object] | None = None,
        extra_body: Mapping[str, object] | None = None,
        timeout: TimeoutTypes = None,
        **params: Unpack[ThreadCreateParams],
    ) -> Thread:
        """Create a thread, empty or with messages.

        Raises:
            ConfigurationError: An argument cannot be sent.
            APIError: The request failed; the subclass says how.

        Source: https://platform.openai.com/docs/api-reference/threads/createThread
        """
        options = Options(extra_headers, extra_query, extra_body, timeout)
        return await self._transport.send(
            CREATE.request(options, body=known(params, ThreadCreateParams)), CREATE.result
        )

    async def retrieve(
        self,
        thread_id: str,
        *,
        extra_headers: HeaderValues | None = None,
        extra_query: Mapping[str, object] | None = None,
        extra_body: Mapping[str, object] | None = None,
        timeout: TimeoutTypes = None,
    ) -> Thread:
        """Fetch a thread; its messages are fetched apart.

        Raises:
            ConfigurationError: An argument cannot be sent.
            NotFoundError: There is no such thread.
            APIError: The request failed; the subclass says how.

        Source: https://platform.openai.com/docs/api-reference/threads/getThread
        """
        options = Options(extra_headers, extra_query, extra_body, timeout)
        request = RETRIEVE.request(options, ids={"thread_id": thread_id})
        return await self._transport.send(request, RETRIEVE.result)

    async def update(
        self,
        thread_id: str,
        *,
        extra_headers: HeaderValues | None = None,
        extra_query: Mapping[str, object] | None = None,
        extra_body: Mapping[str, object] | None = None,
        timeout: TimeoutTypes = None,
        **params: Unpack[ThreadUpdateParams],
    ) -> Thread:
        """Change a thread; what is not given stays as it is.

        Raises:
            ConfigurationError: An argument cannot be sent.
            NotFoundError: There is no such thread.
            APIError: The request failed; the subclass says how.

        Source: https://platform.openai.com/docs/api-reference/threads/modifyThread
        """
        options = Options(extra_headers, extra_query, extra_body, timeout)
        request = UPDATE.request(options, ids={"thread_id": thread_id}, body=known(params, ThreadUpdateParams))
        return await self._transport.send(request, UPDATE.result)

    async def delete(
        self,
        thread_id: str,
        *,
        extra_headers: HeaderValues | None = None,
        extra_query: Mapping[str, object] | None = None,
        extra_body: Mapping[str, object] | None = None,
        timeout: TimeoutTypes = None,
    ) -> ThreadDeleted:
        """Delete a thread with its messages.

        Raises:
            ConfigurationError: An argument cannot be sent.
            NotFoundError: There is no such thread.
            APIError: The request failed; the subclass says how.

        Source: https://platform.openai.com/docs/api-reference/threads/deleteThread
        """
        options = Options(extra_headers, extra_query, extra_body, timeout)
        request = DELETE.request(options, ids={"thread_id": thread_id})
        return await self._transport.send(request, DELETE.result)

    @overload
    async def create_and_run(
        self,
        *,
        assistant_id: str,
        thread: ThreadCreateParams | None = None,
        stream: Literal[False] = False,
        extra_headers: HeaderValues | None = None,
        extra_query: Mapping[str, object] | None = None,
        extra_body: Mapping[str, object] | None = None,
        timeout: TimeoutTypes = None,
        **params: Unpack[CreateAndRunParams],
    ) -> Run: ...

    @overload
    async def create_and_run(
        self,
        *,
        assistant_id: str,
        thread: ThreadCreateParams | None = None,
        stream: Literal[True],
        extra_headers: HeaderValues | None = None,
        extra_query: Mapping[str, object] | None = None,
        extra_body: Mapping[str, object] | None = None,
        timeout: TimeoutTypes = None,
        **params: Unpack[CreateAndRunParams],
    ) -> AssistantStream: ...

    async def create_and_run(
        self,
        *,
        assistant_id: str,
        thread: ThreadCreateParams | None = None,
        stream: bool = False,
        extra_headers: HeaderValues | None = None,
        extra_query: Mapping[str, object] | None = None,
        extra_body: Mapping[str, object] | None = None,
        timeout: TimeoutTypes = None,
        **params: Unpack[CreateAndRunParams],
    ) -> Run | AssistantStream:
        """Create a thread and start a run on it, in one request; the run goes on when this returns.

        With ``stream=True`` return the open stream of the run, which the caller closes.

        Raises:
            ConfigurationError: An argument cannot be sent.
            NotFoundError: There is no such assistant.
            APIError: The request failed; the subclass says how.

        Source: https://platform.openai.com/docs/api-reference/runs/createThreadAndRun
        """
        if stream:
            return await self.create_and_run_stream(
                assistant_id=assistant_id,
                thread=thread,
                extra_headers=extra_headers,
                extra_query=extra_query,
                extra_body=extra_body,
                timeout=timeout,
                **params,
            ).open()
        options = Options(extra_headers, extra_query, extra_body, timeout)
        request = CREATE_AND_RUN.request(
            options, body={**_start(assistant_id, thread), **known(params, CreateAndRunParams)}
        )
        return await self._transport.send(request, CREATE_AND_RUN.result)

    async def create_and_run_poll(
        self,
        *,
        assistant_id: str,
        thread: ThreadCreateParams | None = None,
        poll_interval_ms: float | None = None,
        poll_timeout: float | None = None,
        on_poll: Callable[[Run], object] | None = None,
        cancel_remote: bool = False,
        extra_headers: HeaderValues | None = None,
        extra_query: Mapping[str, object] | None = None,
        extra_body: Mapping[str, object] | None = None,
        timeout: TimeoutTypes = None,
        **params: Unpack[CreateAndRunParams],
    ) -> Run:
        """Create a thread, start a run on it, and poll the run until it has ended, or requires an action.

        It returns with every ending status: look at `status` before the messages are read. The rest is as in
        `runs.poll`; the deadline counts from the answer to the first request.

        - `thread`: what the thread begins with; None: nothing.

        Raises:
            ConfigurationError: An argument cannot be sent, or is no interval or deadline.
            PollTimeoutError: The deadline passed; the run is its `last`, and goes on.
            NotFoundError: There is no such assistant.
            APIError: A request failed; the subclass says how.

        Source: https://platform.openai.com/docs/api-reference/runs/createThreadAndRun
        """
        pace = Pace(
            poll_interval_ms=poll_interval_ms, poll_timeout=poll_timeout, on_poll=on_poll, cancel_remote=cancel_remote
        )
        options = Options(extra_headers, extra_query, extra_body, timeout)
        request = CREATE_AND_RUN.request(
            options, body={**_start(assistant_id, thread), **known(params, CreateAndRunParams)}
        )
        return await start_and_poll(
            lambda: self._transport.send_with_headers(request, CREATE_AND_RUN.result),
            lambda run: run_on_server(self._transport, options, run.thread_id, run.id),
            pace,
        )

    def create_and_run_stream(
        self,
        *,
        assistant_id: str,
        thread: ThreadCreateParams | None = None,
        event_handler: AssistantEventHandler | None = None,
        run_tools: RunTools | None = None,
        send_tools: bool | None = None,
        resume: LoopState | None = None,
        extra_headers: HeaderValues | None = None,
        extra_query: Mapping[str, object] | None = None,
        extra_body: Mapping[str, object] | None = None,
        timeout: TimeoutTypes = None,
        **params: Unpack[CreateAndRunParams],
    ) -> AssistantStream:
        """Return a stream of a new run on a new thread.

        Nothing is sent before ``async with`` enters it; what the request fails with is raised there. The callbacks of
        `event_handler` are awaited as the stream is read; one handler serves one stream.

        - `thread`: what the thread begins with; None: nothing.
        - `run_tools`, `send_tools`, `resume`: as for `runs.stream`.

        Raises:
            ConfigurationError: An argument cannot be sent, or a function cannot be run.
            ToolsLostError: Calls of the state had begun, so that nobody knows whether they ran.
            APIError: The request failed; the subclass says how.

        Source: https://platform.openai.com/docs/api-reference/runs/createThreadAndRun
        """
        options = Options(extra_headers, extra_query, extra_body, timeout)
        looping, tools = running_run(run_tools, params, send_tools=send_tools, resume=resume)
        request = CREATE_AND_RUN.request(
            options, body={**_start(assistant_id, thread), **known(params, CreateAndRunParams), **tools, "stream": True}
        )
        return AssistantStream(
            self._transport, request, event_handler=event_handler, resume=resume_with(options), **looping
        )


class ThreadsWithRawResponse(WithRawResponse):
    """``client.threads.with_raw_response``."""

    create = RawMethod(Threads.create)
    retrieve = RawMethod(Threads.retrieve)
    update = RawMethod(Threads.update)
    delete = RawMethod(Threads.delete)
    create_and_run = RawMethod(Threads.create_and_run)


def _start(assistant_id: str, thread: ThreadCreateParams | None) -> dict[str, object]:
    if thread is not None:
        known(thread, ThreadCreateParams)
    # Some servers answer 500 to a null where they expect an object.
    return {"assistant_id": assistant_id} if thread is None else {"assistant_id": assistant_id, "thread": thread}
