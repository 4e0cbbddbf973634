"""Inputs that give tools to an assistant or a run, and choose between them. The counterpart of `types.tools`."""

from collections.abc import Mapping
from typing import Literal, Required, TypeAlias, TypedDict

from asyncstream.params.shared import FunctionToolParam

__all__ = [
    "AssistantToolChoiceFunctionParam",
    "AssistantToolChoiceOptionParam",
    "AssistantToolChoiceParam",
    "AssistantToolFileSearchParam",
    "AssistantToolParam",
    "AzureAISearchToolParam",
    "AzureFunctionToolParam",
    "BingCustomSearchToolParam",
    "BingGroundingToolParam",
    "BrowserAutomationToolParam",
    "CodeInterpreterToolParam",
    "ComputerUsePreviewToolParam",
    "ConnectedAgentToolParam",
    "DeepResearchToolParam",
    "FabricDataAgentToolParam",
    "FileSearchRankingOptionsParam",
    "FileSearchToolParam",
    "MCPToolParam",
    "OpenAPIToolParam",
    "SharepointGroundingToolParam",
]


class CodeInterpreterToolParam(TypedDict):
    """Runs Python in the server's sandbox."""

    type: Literal["code_interpreter"]


class FileSearchRankingOptionsParam(TypedDict, total=False):
    """How file search ranks what it finds."""

    score_threshold: Required[float]
    """From 0 to 1; results below it are left out."""
    ranker: Literal["auto", "default_2024_08_21"]


class AssistantToolFileSearchParam(TypedDict, total=False):
    """The settings of a file search tool."""

    max_num_results: int
    """From 1 to 50."""
    ranking_options: FileSearchRankingOptionsParam


class FileSearchToolParam(TypedDict, total=False):
    """Searches the vector stores of the assistant and the thread."""

    type: Required[Literal["file_search"]]
    file_search: AssistantToolFileSearchParam


class AzureAISearchToolParam(TypedDict, total=False):
    """Azure: an index of Azure AI Search; the index itself stands in `tool_resources`."""

    type: Required[Literal["azure_ai_search"]]
    azure_ai_search: Mapping[str, object]


class AzureFunctionToolParam(TypedDict):
    """Azure: a function app that is called through storage queues."""

    type: Literal["azure_function"]
    azure_function: Mapping[str, object]


class BingCustomSearchToolParam(TypedDict):
    """Azure: Bing, limited to chosen domains."""

    type: Literal["bing_custom_search"]
    bing_custom_search: Mapping[str, object]


class BingGroundingToolParam(TypedDict):
    """Azure: Bing search."""

    type: Literal["bing_grounding"]
    bing_grounding: Mapping[str, object]


class BrowserAutomationToolParam(TypedDict):
    """Azure: a remote browser."""

    type: Literal["browser_automation"]
    browser_automation: Mapping[str, object]


class ComputerUsePreviewToolParam(TypedDict):
    """Azure: a screen with mouse and keyboard."""

    type: Literal["computer_use_preview"]
    computer_use_preview: Mapping[str, object]


class ConnectedAgentToolParam(TypedDict):
    """Azure: another agent."""

    type: Literal["connected_agent"]
    connected_agent: Mapping[str, object]


class DeepResearchToolParam(TypedDict):
    """Azure: a research model with Bing behind it."""

    type: Literal["deep_research"]
    deep_research: Mapping[str, object]


class FabricDataAgentToolParam(TypedDict):
    """Azure: a data agent of Microsoft Fabric."""

    type: Literal["fabric_dataagent"]
    fabric_dataagent: Mapping[str, object]


class MCPToolParam(TypedDict, total=False):
    """Azure: a server of the Model Context Protocol."""

    type: Required[Literal["mcp"]]
    server_label: Required[str]
    server_url: Required[str]
    allowed_tools: list[str]
    """Absent: all tools of the server."""


class OpenAPIToolParam(TypedDict):
    """Azure: an HTTP API, described by an OpenAPI document."""

    type: Literal["openapi"]
    openapi: Mapping[str, object]


class SharepointGroundingToolParam(TypedDict):
    """Azure: the documents of a SharePoint site."""

    type: Literal["sharepoint_grounding"]
    sharepoint_grounding: Mapping[str, object]


AssistantToolParam: TypeAlias = (
    CodeInterpreterToolParam
    | FileSearchToolParam
    | FunctionToolParam
    | AzureAISearchToolParam
    | AzureFunctionToolParam
    | BingCustomSearchToolParam
    | BingGroundingToolParam
    | BrowserAutomationToolParam
    | ComputerUsePreviewToolParam
    | ConnectedAgentToolParam
    | DeepResearchToolParam
    | FabricDataAgentToolParam
    | MCPToolParam
    | OpenAPIToolParam
    | SharepointGroundingToolParam
)


class AssistantToolChoiceFunctionParam(TypedDict):
    """The function that the run must call."""

    name: str


class AssistantToolChoiceParam(TypedDict, total=False):
    """The one tool that the run must call."""

    type: Required[Literal["function", "code_interpreter", "file_search"]]
    function: AssistantToolChoiceFunctionParam
    """Needed if `type` is "function"."""


AssistantToolChoiceOptionParam: TypeAlias = Literal["none", "auto", "required"] | AssistantToolChoiceParam
