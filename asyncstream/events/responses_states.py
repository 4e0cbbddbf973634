"""The events of the Responses protocol that say how far a call of the server's own tools is. Pure.

Any of the calls may be in any of the states: servers differ in which they tell. Each event has an item, and nothing
else.
"""

from typing import ClassVar, Literal, TypeAlias

from asyncstream.events.responses_bases import ResponseItemEvent

__all__ = [
    "ResponseCallStateEvent",
    "ResponseCodeInterpreterCallCallingEvent",
    "ResponseCodeInterpreterCallCompletedEvent",
    "ResponseCodeInterpreterCallFailedEvent",
    "ResponseCodeInterpreterCallGeneratingEvent",
    "ResponseCodeInterpreterCallInProgressEvent",
    "ResponseCodeInterpreterCallIncompleteEvent",
    "ResponseCodeInterpreterCallInterpretingEvent",
    "ResponseCodeInterpreterCallSearchingEvent",
    "ResponseFileSearchCallCallingEvent",
    "ResponseFileSearchCallCompletedEvent",
    "ResponseFileSearchCallFailedEvent",
    "ResponseFileSearchCallGeneratingEvent",
    "ResponseFileSearchCallInProgressEvent",
    "ResponseFileSearchCallIncompleteEvent",
    "ResponseFileSearchCallInterpretingEvent",
    "ResponseFileSearchCallSearchingEvent",
    "ResponseImageGenCallCallingEvent",
    "ResponseImageGenCallCompletedEvent",
    "ResponseImageGenCallFailedEvent",
    "ResponseImageGenCallGeneratingEvent",
    "ResponseImageGenCallInProgressEvent",
    "ResponseImageGenCallIncompleteEvent",
    "ResponseImageGenCallInterpretingEvent",
    "ResponseImageGenCallSearchingEvent",
    "ResponseMcpCallCallingEvent",
    "ResponseMcpCallCompletedEvent",
    "ResponseMcpCallFailedEvent",
    "ResponseMcpCallGeneratingEvent",
    "ResponseMcpCallInProgressEvent",
    "ResponseMcpCallIncompleteEvent",
    "ResponseMcpCallInterpretingEvent",
    "ResponseMcpCallSearchingEvent",
    "ResponseMcpListToolsCallingEvent",
    "ResponseMcpListToolsCompletedEvent",
    "ResponseMcpListToolsFailedEvent",
    "ResponseMcpListToolsGeneratingEvent",
    "ResponseMcpListToolsInProgressEvent",
    "ResponseMcpListToolsIncompleteEvent",
    "ResponseMcpListToolsInterpretingEvent",
    "ResponseMcpListToolsSearchingEvent",
    "ResponseWebSearchCallCallingEvent",
    "ResponseWebSearchCallCompletedEvent",
    "ResponseWebSearchCallFailedEvent",
    "ResponseWebSearchCallGeneratingEvent",
    "ResponseWebSearchCallInProgressEvent",
    "ResponseWebSearchCallIncompleteEvent",
    "ResponseWebSearchCallInterpretingEvent",
    "ResponseWebSearchCallSearchingEvent",
]


# `web_search_call`.


class ResponseWebSearchCallInProgressEvent(ResponseItemEvent, tag="response.web_search_call.in_progress"):
    """The search in the web has begun."""

    type: ClassVar[Literal["response.web_search_call.in_progress"]] = "response.web_search_call.in_progress"


class ResponseWebSearchCallSearchingEvent(ResponseItemEvent, tag="response.web_search_call.searching"):
    """The search in the web searches."""

    type: ClassVar[Literal["response.web_search_call.searching"]] = "response.web_search_call.searching"


class ResponseWebSearchCallInterpretingEvent(ResponseItemEvent, tag="response.web_search_call.interpreting"):
    """The search in the web runs code."""

    type: ClassVar[Literal["response.web_search_call.interpreting"]] = "response.web_search_call.interpreting"


class ResponseWebSearchCallGeneratingEvent(ResponseItemEvent, tag="response.web_search_call.generating"):
    """The search in the web draws."""

    type: ClassVar[Literal["response.web_search_call.generating"]] = "response.web_search_call.generating"


class ResponseWebSearchCallCallingEvent(ResponseItemEvent, tag="response.web_search_call.calling"):
    """The search in the web calls."""

    type: ClassVar[Literal["response.web_search_call.calling"]] = "response.web_search_call.calling"


class ResponseWebSearchCallCompletedEvent(ResponseItemEvent, tag="response.web_search_call.completed"):
    """The search in the web is done."""

    type: ClassVar[Literal["response.web_search_call.completed"]] = "response.web_search_call.completed"


class ResponseWebSearchCallIncompleteEvent(ResponseItemEvent, tag="response.web_search_call.incomplete"):
    """The search in the web ended before it was done."""

    type: ClassVar[Literal["response.web_search_call.incomplete"]] = "response.web_search_call.incomplete"


class ResponseWebSearchCallFailedEvent(ResponseItemEvent, tag="response.web_search_call.failed"):
    """The search in the web failed."""

    type: ClassVar[Literal["response.web_search_call.failed"]] = "response.web_search_call.failed"


# `file_search_call`.


class ResponseFileSearchCallInProgressEvent(ResponseItemEvent, tag="response.file_search_call.in_progress"):
    """The search in vector stores has begun."""

    type: ClassVar[Literal["response.file_search_call.in_progress"]] = "response.file_search_call.in_progress"


class ResponseFileSearchCallSearchingEvent(ResponseItemEvent, tag="response.file_search_call.searching"):
    """The search in vector stores searches."""

    type: ClassVar[Literal["response.file_search_call.searching"]] = "response.file_search_call.searching"


class ResponseFileSearchCallInterpretingEvent(ResponseItemEvent, tag="response.file_search_call.interpreting"):
    """The search in vector stores runs code."""

    type: ClassVar[Literal["response.file_search_call.interpreting"]] = "response.file_search_call.interpreting"


class ResponseFileSearchCallGeneratingEvent(ResponseItemEvent, tag="response.file_search_call.generating"):
    """The search in vector stores draws."""

    type: ClassVar[Literal["response.file_search_call.generating"]] = "response.file_search_call.generating"


class ResponseFileSearchCallCallingEvent(ResponseItemEvent, tag="response.file_search_call.calling"):
    """The search in vector stores calls."""

    type: ClassVar[Literal["response.file_search_call.calling"]] = "response.file_search_call.calling"


class ResponseFileSearchCallCompletedEvent(ResponseItemEvent, tag="response.file_search_call.completed"):
    """The search in vector stores is done."""

    type: ClassVar[Literal["response.file_search_call.completed"]] = "response.file_search_call.completed"


class ResponseFileSearchCallIncompleteEvent(ResponseItemEvent, tag="response.file_search_call.incomplete"):
    """The search in vector stores ended before it was done."""

    type: ClassVar[Literal["response.file_search_call.incomplete"]] = "response.file_search_call.incomplete"


class ResponseFileSearchCallFailedEvent(ResponseItemEvent, tag="response.file_search_call.failed"):
    """The search in vector stores failed."""

    type: ClassVar[Literal["response.file_search_call.failed"]] = "response.file_search_call.failed"


# `code_interpreter_call`.


class ResponseCodeInterpreterCallInProgressEvent(ResponseItemEvent, tag="response.code_interpreter_call.in_progress"):
    """The run of code has begun."""

    type: ClassVar[Literal["response.code_interpreter_call.in_progress"]] = "response.code_interpreter_call.in_progress"


class ResponseCodeInterpreterCallSearchingEvent(ResponseItemEvent, tag="response.code_interpreter_call.searching"):
    """The run of code searches."""

    type: ClassVar[Literal["response.code_interpreter_call.searching"]] = "response.code_interpreter_call.searching"


class ResponseCodeInterpreterCallInterpretingEvent(
    ResponseItemEvent, tag="response.code_interpreter_call.interpreting"
):
    """The run of code runs code."""

    type: ClassVar[Literal["response.code_interpreter_call.interpreting"]] = (
        "response.code_interpreter_call.interpreting"
    )


class ResponseCodeInterpreterCallGeneratingEvent(ResponseItemEvent, tag="response.code_interpreter_call.generating"):
    """The run of code draws."""

    type: ClassVar[Literal["response.code_interpreter_call.generating"]] = "response.code_interpreter_call.generating"


class ResponseCodeInterpreterCallCallingEvent(ResponseItemEvent, tag="response.code_interpreter_call.calling"):
    """The run of code calls."""

    type: ClassVar[Literal["response.code_interpreter_call.calling"]] = "response.code_interpreter_call.calling"


class ResponseCodeInterpreterCallCompletedEvent(ResponseItemEvent, tag="response.code_interpreter_call.completed"):
    """The run of code is done."""

    type: ClassVar[Literal["response.code_interpreter_call.completed"]] = "response.code_interpreter_call.completed"


class ResponseCodeInterpreterCallIncompleteEvent(ResponseItemEvent, tag="response.code_interpreter_call.incomplete"):
    """The run of code ended before it was done."""

    type: ClassVar[Literal["response.code_interpreter_call.incomplete"]] = "response.code_interpreter_call.incomplete"


class ResponseCodeInterpreterCallFailedEvent(ResponseItemEvent, tag="response.code_interpreter_call.failed"):
    """The run of code failed."""

    type: ClassVar[Literal["response.code_interpreter_call.failed"]] = "response.code_interpreter_call.failed"


# `image_generation_call`.


class ResponseImageGenCallInProgressEvent(ResponseItemEvent, tag="response.image_generation_call.in_progress"):
    """The making of a picture has begun."""

    type: ClassVar[Literal["response.image_generation_call.in_progress"]] = "response.image_generation_call.in_progress"


class ResponseImageGenCallSearchingEvent(ResponseItemEvent, tag="response.image_generation_call.searching"):
    """The making of a picture searches."""

    type: ClassVar[Literal["response.image_generation_call.searching"]] = "response.image_generation_call.searching"


class ResponseImageGenCallInterpretingEvent(ResponseItemEvent, tag="response.image_generation_call.interpreting"):
    """The making of a picture runs code."""

    type: ClassVar[Literal["response.image_generation_call.interpreting"]] = (
        "response.image_generation_call.interpreting"
    )


class ResponseImageGenCallGeneratingEvent(ResponseItemEvent, tag="response.image_generation_call.generating"):
    """The making of a picture draws."""

    type: ClassVar[Literal["response.image_generation_call.generating"]] = "response.image_generation_call.generating"


class ResponseImageGenCallCallingEvent(ResponseItemEvent, tag="response.image_generation_call.calling"):
    """The making of a picture calls."""

    type: ClassVar[Literal["response.image_generation_call.calling"]] = "response.image_generation_call.calling"


class ResponseImageGenCallCompletedEvent(ResponseItemEvent, tag="response.image_generation_call.completed"):
    """The making of a picture is done."""

    type: ClassVar[Literal["response.image_generation_call.completed"]] = "response.image_generation_call.completed"


class ResponseImageGenCallIncompleteEvent(ResponseItemEvent, tag="response.image_generation_call.incomplete"):
    """The making of a picture ended before it was done."""

    type: ClassVar[Literal["response.image_generation_call.incomplete"]] = "response.image_generation_call.incomplete"


class ResponseImageGenCallFailedEvent(ResponseItemEvent, tag="response.image_generation_call.failed"):
    """The making of a picture failed."""

    type: ClassVar[Literal["response.image_generation_call.failed"]] = "response.image_generation_call.failed"


# `mcp_call`.


class ResponseMcpCallInProgressEvent(ResponseItemEvent, tag="response.mcp_call.in_progress"):
    """The call of an MCP server's tool has begun."""

    type: ClassVar[Literal["response.mcp_call.in_progress"]] = "response.mcp_call.in_progress"


class ResponseMcpCallSearchingEvent(ResponseItemEvent, tag="response.mcp_call.searching"):
    """The call of an MCP server's tool searches."""

    type: ClassVar[Literal["response.mcp_call.searching"]] = "response.mcp_call.searching"


class ResponseMcpCallInterpretingEvent(ResponseItemEvent, tag="response.mcp_call.interpreting"):
    """The call of an MCP server's tool runs code."""

    type: ClassVar[Literal["response.mcp_call.interpreting"]] = "response.mcp_call.interpreting"


class ResponseMcpCallGeneratingEvent(ResponseItemEvent, tag="response.mcp_call.generating"):
    """The call of an MCP server's tool draws."""

    type: ClassVar[Literal["response.mcp_call.generating"]] = "response.mcp_call.generating"


class ResponseMcpCallCallingEvent(ResponseItemEvent, tag="response.mcp_call.calling"):
    """The call of an MCP server's tool calls."""

    type: ClassVar[Literal["response.mcp_call.calling"]] = "response.mcp_call.calling"


class ResponseMcpCallCompletedEvent(ResponseItemEvent, tag="response.mcp_call.completed"):
    """The call of an MCP server's tool is done."""

    type: ClassVar[Literal["response.mcp_call.completed"]] = "response.mcp_call.completed"


class ResponseMcpCallIncompleteEvent(ResponseItemEvent, tag="response.mcp_call.incomplete"):
    """The call of an MCP server's tool ended before it was done."""

    type: ClassVar[Literal["response.mcp_call.incomplete"]] = "response.mcp_call.incomplete"


class ResponseMcpCallFailedEvent(ResponseItemEvent, tag="response.mcp_call.failed"):
    """The call of an MCP server's tool failed."""

    type: ClassVar[Literal["response.mcp_call.failed"]] = "response.mcp_call.failed"


# `mcp_list_tools`.


class ResponseMcpListToolsInProgressEvent(ResponseItemEvent, tag="response.mcp_list_tools.in_progress"):
    """The listing of an MCP server's tools has begun."""

    type: ClassVar[Literal["response.mcp_list_tools.in_progress"]] = "response.mcp_list_tools.in_progress"


class ResponseMcpListToolsSearchingEvent(ResponseItemEvent, tag="response.mcp_list_tools.searching"):
    """The listing of an MCP server's tools searches."""

    type: ClassVar[Literal["response.mcp_list_tools.searching"]] = "response.mcp_list_tools.searching"


class ResponseMcpListToolsInterpretingEvent(ResponseItemEvent, tag="response.mcp_list_tools.interpreting"):
    """The listing of an MCP server's tools runs code."""

    type: ClassVar[Literal["response.mcp_list_tools.interpreting"]] = "response.mcp_list_tools.interpreting"


class ResponseMcpListToolsGeneratingEvent(ResponseItemEvent, tag="response.mcp_list_tools.generating"):
    """The listing of an MCP server's tools draws."""

    type: ClassVar[Literal["response.mcp_list_tools.generating"]] = "response.mcp_list_tools.generating"


class ResponseMcpListToolsCallingEvent(ResponseItemEvent, tag="response.mcp_list_tools.calling"):
    """The listing of an MCP server's tools calls."""

    type: ClassVar[Literal["response.mcp_list_tools.calling"]] = "response.mcp_list_tools.calling"


class ResponseMcpListToolsCompletedEvent(ResponseItemEvent, tag="response.mcp_list_tools.completed"):
    """The listing of an MCP server's tools is done."""

    type: ClassVar[Literal["response.mcp_list_tools.completed"]] = "response.mcp_list_tools.completed"


class ResponseMcpListToolsIncompleteEvent(ResponseItemEvent, tag="response.mcp_list_tools.incomplete"):
    """The listing of an MCP server's tools ended before it was done."""

    type: ClassVar[Literal["response.mcp_list_tools.incomplete"]] = "response.mcp_list_tools.incomplete"


class ResponseMcpListToolsFailedEvent(ResponseItemEvent, tag="response.mcp_list_tools.failed"):
    """The listing of an MCP server's tools failed."""

    type: ClassVar[Literal["response.mcp_list_tools.failed"]] = "response.mcp_list_tools.failed"


# All of them.

ResponseCallStateEvent: TypeAlias = (
    ResponseWebSearchCallInProgressEvent
    | ResponseWebSearchCallSearchingEvent
    | ResponseWebSearchCallInterpretingEvent
    | ResponseWebSearchCallGeneratingEvent
    | ResponseWebSearchCallCallingEvent
    | ResponseWebSearchCallCompletedEvent
    | ResponseWebSearchCallIncompleteEvent
    | ResponseWebSearchCallFailedEvent
    | ResponseFileSearchCallInProgressEvent
    | ResponseFileSearchCallSearchingEvent
    | ResponseFileSearchCallInterpretingEvent
    | ResponseFileSearchCallGeneratingEvent
    | ResponseFileSearchCallCallingEvent
    | ResponseFileSearchCallCompletedEvent
    | ResponseFileSearchCallIncompleteEvent
    | ResponseFileSearchCallFailedEvent
    | ResponseCodeInterpreterCallInProgressEvent
    | ResponseCodeInterpreterCallSearchingEvent
    | ResponseCodeInterpreterCallInterpretingEvent
    | ResponseCodeInterpreterCallGeneratingEvent
    | ResponseCodeInterpreterCallCallingEvent
    | ResponseCodeInterpreterCallCompletedEvent
    | ResponseCodeInterpreterCallIncompleteEvent
    | ResponseCodeInterpreterCallFailedEvent
    | ResponseImageGenCallInProgressEvent
    | ResponseImageGenCallSearchingEvent
    | ResponseImageGenCallInterpretingEvent
    | ResponseImageGenCallGeneratingEvent
    | ResponseImageGenCallCallingEvent
    | ResponseImageGenCallCompletedEvent
    | ResponseImageGenCallIncompleteEvent
    | ResponseImageGenCallFailedEvent
    | ResponseMcpCallInProgressEvent
    | ResponseMcpCallSearchingEvent
    | ResponseMcpCallInterpretingEvent
    | ResponseMcpCallGeneratingEvent
    | ResponseMcpCallCallingEvent
    | ResponseMcpCallCompletedEvent
    | ResponseMcpCallIncompleteEvent
    | ResponseMcpCallFailedEvent
    | ResponseMcpListToolsInProgressEvent
    | ResponseMcpListToolsSearchingEvent
    | ResponseMcpListToolsInterpretingEvent
    | ResponseMcpListToolsGeneratingEvent
    | ResponseMcpListToolsCallingEvent
    | ResponseMcpListToolsCompletedEvent
    | ResponseMcpListToolsIncompleteEvent
    | ResponseMcpListToolsFailedEvent
)
"""How far a call is: the last word of `type`."""
