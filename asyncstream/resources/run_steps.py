"""The endpoints of the steps of a run.

Source: https://platform.openai.com/docs/api-reference/run-steps
"""

# From Python 3.14 on, an annotation of a class that has a method `list` means that method by `list`.
import builtins
from collections.abc import Mapping

from asyncstream.params.runs import RunStepInclude
from asyncstream.params.shared import ListOrder
from asyncstream.resources.paging import ListAnswer, ListRequest
from asyncstream.resources.raw import RawMethod, WithRawResponse
from asyncstream.resources.versions import ASSISTANTS_V2
from asyncstream.transport.http import Transport
from asyncstream.transport.request import Endpoint, HeaderValues, Options
from asyncstream.transport.timeout import TimeoutTypes
from asyncstream.types.run_steps import RunStep

__all__ = ["RunSteps", "RunStepsWithRawResponse"]

LIST = Endpoint("GET", "/threads/{thread_id}/runs/{run_id}/steps", ListAnswer[RunStep], ASSISTANTS_V2)
RETRIEVE = Endpoint("GET", "/threads/{thread_id}/runs/{run_id}/steps/{step_id}", RunStep, ASSISTANTS_V2)


class RunSteps:
    """``client.threads.runs.steps``."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    @property
    def with_raw_response(self) -> "RunStepsWithRawResponse":
        """The same methods, each giving its result together with the status and headers of the answer."""
        return RunStepsWithRawResponse(type(self), self._transport)

    async def retrieve(
        self,
        step_id: str,
        *,
        thread_id: str,
        run_id: str,
        include: builtins.list[RunStepInclude] | None = None,
        extra_headers: HeaderValues | None = None,
        extra_query: Mapping[str, object] | None = None,
        extra_body: Mapping[str, object] | None = None,
        timeout: TimeoutTypes = None,
    ) -> RunStep:
        """Fetch a step of a run as it is now.

        - `include`: what the step shows beyond its default, such as the content of search results.

        Raises:
            ConfigurationError: An argument cannot be sent.
            NotFoundError: There is no such step.
            APIError: The request failed; the subclass says how.

        Source: https://platform.openai.com/docs/api-reference/run-steps/getRunStep
        """
        options = Options(extra_headers, extra_query, extra_body, timeout)
        query = {"include": include}
        request = RETRIEVE.request(
            options, ids={"thread_id": thread_id, "run_id": run_id, "step_id": step_id}, query=query
        )
        return await self._transport.send(request, RETRIEVE.result)

    def list(
        self,
        run_id: str,
        *,
        thread_id: str,
        include: builtins.list[RunStepInclude] | None = None,
        limit: int | None = None,
        order: ListOrder | None = None,
        after: str | None = None,
        before: str | None = None,
        extra_headers: HeaderValues | None = None,
        extra_query: Mapping[str, object] | None = None,
        extra_body: Mapping[str, object] | None = None,
        timeout: TimeoutTypes = None,
    ) -> ListRequest[RunStep]:
        """Return the steps of a run as a request: ``await`` gives a page, ``async for`` the steps of all pages.

        - `include`: what the steps show beyond their default, such as the content of search results.
        - `limit`: steps a page, 1 to 100; the server's default is 20.
        - `order`: by creation time; the server's default is "desc", the latest first.
        - `after`: the id of the step in front of the page.
        - `before`: the id of the step behind the page.

        Raises:
            ConfigurationError: An argument cannot be sent.
            NotFoundError: There is no such run.
            APIError: The request failed; the subclass says how.

        Source: https://platform.openai.com/docs/api-reference/run-steps/listRunSteps
        """
        options = Options(extra_headers, extra_query, extra_body, timeout)
        query = {"include": include, "limit": limit, "order": order, "after": after, "before": before}
        request = LIST.request(options, ids={"thread_id": thread_id, "run_id": run_id}, query=query)
        return ListRequest(self._transport, request, LIST.result)


class RunStepsWithRawResponse(WithRawResponse):
    """``client.threads.runs.steps.with_raw_response``."""

    retrieve = RawMethod(RunSteps.retrieve)
    list = RawMethod(RunSteps.list)
