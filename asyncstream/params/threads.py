"""The request bodies of threads, and of the endpoint that makes a thread and runs it at once."""

from collections.abc import Sequence
from typing import TypedDict

from asyncstream.params.messages import MessageParam
from asyncstream.params.runs import RunParams
from asyncstream.params.shared import ToolResourcesCreateParam, ToolResourcesParam
from asyncstream.types.shared import Metadata

__all__ = ["CreateAndRunParams", "ThreadCreateParams", "ThreadUpdateParams"]


class ThreadCreateParams(TypedDict, total=False):
    """POST /threads; also the `thread` of POST /threads/runs."""

    messages: Sequence[MessageParam]
    tool_resources: ToolResourcesCreateParam | None
    metadata: Metadata | None


class ThreadUpdateParams(TypedDict, total=False):
    """POST /threads/{thread_id}."""

    tool_resources: ToolResourcesParam | None
    metadata: Metadata | None


class CreateAndRunParams(RunParams, total=False):
    """POST /threads/runs, without `assistant_id`, `thread` and `stream`."""

    tool_resources: ToolResourcesParam | None
