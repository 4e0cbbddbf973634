"""Wire structs of the tools that assistants and runs are given, and of the choice between them.

The tools as configured; the calls that a model makes of them are in `tool_calls`. Besides OpenAI's three types stand
the twelve of Azure AI Foundry, whose settings are kept as plain JSON objects. Imports `shared`, `structs` and msgspec
only.
"""

from typing import ClassVar, Literal, TypeAlias

from msgspec import field

from asyncstream.types.shared import FunctionDefinition
from asyncstream.types.structs import WireStruct

__all__ = [
    "AssistantTool",
    "AssistantToolChoice",
    "AssistantToolChoiceFunction",
    "AssistantToolChoiceOption",
    "AssistantToolFileSearch",
    "AzureAISearchTool",
    "AzureFunctionTool",
    "BingCustomSearchTool",
    "BingGroundingTool",
    "BrowserAutomationTool",
    "CodeInterpreterTool",
    "ComputerUsePreviewTool",
    "ConnectedAgentTool",
    "DeepResearchTool",
    "FabricDataAgentTool",
    "FileSearchRankingOptions",
    "FileSearchTool",
    "FunctionTool",
    "MCPTool",
    "OpenAPITool",
    "SharepointGroundingTool",
    "UnknownTool",
]


class CodeInterpreterTool(WireStruct, kw_only=True, gc=False, tag_field="type", tag="code_interpreter"):
    """Runs Python in the server's sandbox."""

    type: ClassVar[Literal["code_interpreter"]] = "code_interpreter"


class FileSearchRankingOptions(WireStruct, kw_only=True, gc=False):
    """How file search ranks what it finds."""

    ranker: Literal["auto", "default_2024_08_21"] | str | None = None
    score_threshold: float | None = None
    """From 0 to 1; results below it are left out."""
    hybrid_search: dict[str, object] | None = None
    """Weights of embedding and text matches; sent by servers, absent from the published schema."""


class AssistantToolFileSearch(WireStruct, kw_only=True, gc=False):
    """The settings of a file search tool."""

    max_num_results: int | None = None
    ranking_options: FileSearchRankingOptions | None = None


class FileSearchTool(WireStruct, kw_only=True, gc=False, tag_field="type", tag="file_search"):
    """Searches the vector stores of the assistant and the thread."""

    type: ClassVar[Literal["file_search"]] = "file_search"
    file_search: AssistantToolFileSearch | None = None


class FunctionTool(WireStruct, kw_only=True, gc=False, tag_field="type", tag="function"):
    """A function of the user's own."""

    type: ClassVar[Literal["function"]] = "function"
    function: FunctionDefinition = field(default_factory=FunctionDefinition)


class AzureAISearchTool(WireStruct, kw_only=True, gc=False, tag_field="type", tag="azure_ai_search"):
    """Azure: an index of Azure AI Search; the index itself stands in `tool_resources`."""

    type: ClassVar[Literal["azure_ai_search"]] = "azure_ai_search"
    azure_ai_search: dict[str, object] | None = None


class AzureFunctionTool(WireStruct, kw_only=True, gc=False, tag_field="type", tag="azure_function"):
    """Azure: a function app that is called through storage queues."""

    type: ClassVar[Literal["azure_function"]] = "azure_function"
    azure_function: dict[str, object] | None = None


class BingCustomSearchTool(WireStruct, kw_only=True, gc=False, tag_field="type", tag="bing_custom_search"):
    """Azure: Bing, limited to chosen domains."""

    type: ClassVar[Literal["bing_custom_search"]] = "bing_custom_search"
    bing_custom_search: dict[str, object] | None = None


class BingGroundingTool(WireStruct, kw_only=True, gc=False, tag_field="type", tag="bing_grounding"):
    """Azure: Bing search."""

    type: ClassVar[Literal["bing_grounding"]] = "bing_grounding"
    bing_grounding: dict[str, object] | None = None


class BrowserAutomationTool(WireStruct, kw_only=True, gc=False, tag_field="type", tag="browser_automation"):
    """Azure: a remote browser."""

    type: ClassVar[Literal["browser_automation"]] = "browser_automation"
    browser_automation: dict[str, object] | None = None


class ComputerUsePreviewTool(WireStruct, kw_only=True, gc=False, tag_field="type", tag="computer_use_preview"):
    """Azure: a screen with mouse and keyboard."""

    type: ClassVar[Literal["computer_use_preview"]] = "computer_use_preview"
    computer_use_preview: dict[str, object] | None = None


class ConnectedAgentTool(WireStruct, kw_only=True, gc=False, tag_field="type", tag="connected_agent"):
    """Azure: another agent."""

    type: ClassVar[Literal["connected_agent"]] = "connected_agent"
    connected_agent: dict[str, object] | None = None


class DeepResearchTool(WireStruct, kw_only=True, gc=False, tag_field="type", tag="deep_research"):
    """Azure: a research model with Bing behind it."""

    type: ClassVar[Literal["deep_research"]] = "deep_research"
    deep_research: dict[str, object] | None = None


class FabricDataAgentTool(WireStruct, kw_only=True, gc=False, tag_field="type", tag="fabric_dataagent"):
    """Azure: a data agent of Microsoft Fabric."""

    type: ClassVar[Literal["fabric_dataagent"]] = "fabric_dataagent"
    fabric_dataagent: dict[str, object] | None = None


class MCPTool(WireStruct, kw_only=True, gc=False, tag_field="type", tag="mcp"):
    """Azure: a server of the Model Context Protocol."""

    type: ClassVar[Literal["mcp"]] = "mcp"
    server_label: str | None = None
    server_url: str | None = None
    allowed_tools: list[str] | None = None
    """None: all tools of the server."""


class OpenAPITool(WireStruct, kw_only=True, gc=False, tag_field="type", tag="openapi"):
    """Azure: an HTTP API, described by an OpenAPI document."""

    type: ClassVar[Literal["openapi"]] = "openapi"
    openapi: dict[str, object] | None = None


class SharepointGroundingTool(WireStruct, kw_only=True, gc=False, tag_field="type", tag="sharepoint_grounding"):
    """Azure: the documents of a SharePoint site."""

    type: ClassVar[Literal["sharepoint_grounding"]] = "sharepoint_grounding"
    sharepoint_grounding: dict[str, object] | None = None


class UnknownTool(WireStruct, kw_only=True, gc=False, tag_field="type", tag="unknown"):
    """A tool of a type that this version does not know."""

    type: ClassVar[Literal["unknown"]] = "unknown"
    wire_type: str
    """The wire's own `type`; "" if it had none."""
    raw: bytes
    """Its JSON as received."""


AssistantTool: TypeAlias = (
    CodeInterpreterTool
    | FileSearchTool
    | FunctionTool
    | AzureAISearchTool
    | AzureFunctionTool
    | BingCustomSearchTool
    | BingGroundingTool
    | BrowserAutomationTool
    | ComputerUsePreviewTool
    | ConnectedAgentTool
    | DeepResearchTool
    | FabricDataAgentTool
    | MCPTool
    | OpenAPITool
    | SharepointGroundingTool
    | UnknownTool
)


class AssistantToolChoiceFunction(WireStruct, kw_only=True, gc=False):
    """The function that a run must call."""

    name: str = ""


class AssistantToolChoice(WireStruct, kw_only=True, gc=False):
    """The one tool that a run must call."""

    type: Literal["function", "code_interpreter", "file_search"] | str = ""
    function: AssistantToolChoiceFunction | None = None
    """Set if `type` is "function"."""


AssistantToolChoiceOption: TypeAlias = Literal["none", "auto", "required"] | str | AssistantToolChoice
