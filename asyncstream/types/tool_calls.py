"""The wire structs of the tool calls in run steps, and of their deltas.

Each call says by `name` and `arguments` what was called and with what, as the calls of every protocol do; of those that
the server answers itself the wire tells that in a payload of their own kind.

The calls as made by a model; the tools as configured are in `tools`. Besides OpenAI's three types stand the twelve of
Azure AI Foundry: their payloads are plain JSON objects here, and their deltas are `UnknownToolCallDelta`, because the
wire fixes no shape for either. Imports `function_calls`, `structs`, `tools` and msgspec only; the steps around
the calls are in `run_steps`.
"""

import json
from typing import ClassVar, Literal, TypeAlias

from msgspec import field

from asyncstream.types.function_calls import CallArguments
from asyncstream.types.structs import WireStruct
from asyncstream.types.tools import FileSearchRankingOptions

__all__ = [
    "AzureAISearchToolCall",
    "AzureFunctionToolCall",
    "BingCustomSearchToolCall",
    "BingGroundingToolCall",
    "BrowserAutomationToolCall",
    "CodeInterpreter",
    "CodeInterpreterDelta",
    "CodeInterpreterLogs",
    "CodeInterpreterOutput",
    "CodeInterpreterOutputDelta",
    "CodeInterpreterOutputImage",
    "CodeInterpreterOutputImageImage",
    "CodeInterpreterOutputLogs",
    "CodeInterpreterToolCall",
    "CodeInterpreterToolCallDelta",
    "CodeInterpreterToolCallOutputImage",
    "ComputerUsePreviewToolCall",
    "ConnectedAgentToolCall",
    "DeepResearchToolCall",
    "FabricDataAgentToolCall",
    "FileSearch",
    "FileSearchResult",
    "FileSearchResultContent",
    "FileSearchToolCall",
    "FileSearchToolCallDelta",
    "Function",
    "FunctionDelta",
    "FunctionToolCall",
    "FunctionToolCallDelta",
    "Image",
    "MCPToolCall",
    "OpenAPIToolCall",
    "SharepointGroundingToolCall",
    "ToolCall",
    "ToolCallDelta",
    "UnknownCodeInterpreterOutput",
    "UnknownCodeInterpreterOutputDelta",
    "UnknownToolCall",
    "UnknownToolCallDelta",
]


# Snapshots.


class Function(WireStruct, kw_only=True, gc=False):
    """The function that a step called, with what, and what came back."""

    name: str = ""
    arguments: str = ""
    """JSON text, written by the model: it may be invalid."""
    output: str | None = None
    """None until the outputs are submitted."""


class FunctionToolCall(CallArguments, kw_only=True, gc=False, tag_field="type", tag="function"):
    """A call of one of the user's functions."""

    type: ClassVar[Literal["function"]] = "function"
    id: str = ""
    function: Function = field(default_factory=Function)

    @property
    def name(self) -> str:
        """The function's."""
        return self.function.name

    @property
    def arguments(self) -> str:
        """JSON text, written by the model: it may be invalid."""
        return self.function.arguments


class CodeInterpreterOutputLogs(WireStruct, kw_only=True, gc=False, tag_field="type", tag="logs"):
    """What the code printed."""

    type: ClassVar[Literal["logs"]] = "logs"
    logs: str = ""


class CodeInterpreterOutputImageImage(WireStruct, kw_only=True, gc=False):
    """The file of an image that the code made."""

    file_id: str = ""


class CodeInterpreterToolCallOutputImage(WireStruct, kw_only=True, gc=False, tag_field="type", tag="image"):
    """An image that the code made; `CodeInterpreterOutputImage` is its delta."""

    type: ClassVar[Literal["image"]] = "image"
    image: CodeInterpreterOutputImageImage = field(default_factory=CodeInterpreterOutputImageImage)


class UnknownCodeInterpreterOutput(WireStruct, kw_only=True, gc=False, tag_field="type", tag="unknown"):
    """An output of a type that this version does not know."""

    type: ClassVar[Literal["unknown"]] = "unknown"
    wire_type: str
    """The wire's own `type`; "" if it had none."""
    raw: bytes
    """Its JSON as received."""


CodeInterpreterOutput: TypeAlias = (
    CodeInterpreterOutputLogs | CodeInterpreterToolCallOutputImage | UnknownCodeInterpreterOutput
)


class CodeInterpreter(WireStruct, kw_only=True, gc=False):
    """The code that was run and its outputs."""

    input: str = ""
    outputs: list[CodeInterpreterOutput] = []


class CodeInterpreterToolCall(CallArguments, kw_only=True, gc=False, tag_field="type", tag="code_interpreter"):
    """A run of code in the server's sandbox."""

    type: ClassVar[Literal["code_interpreter"]] = "code_interpreter"
    id: str = ""
    code_interpreter: CodeInterpreter = field(default_factory=CodeInterpreter)

    @property
    def name(self) -> str:
        """The tool's, which is its type."""
        return self.type

    @property
    def arguments(self) -> str:
        """What the tool is called with: the code, which is no JSON."""
        return self.code_interpreter.input


class FileSearchResultContent(WireStruct, kw_only=True, gc=False):
    """A found passage."""

    type: Literal["text"] | str | None = None
    text: str | None = None


class FileSearchResult(WireStruct, kw_only=True, gc=False):
    """A file in which something was found."""

    file_id: str = ""
    file_name: str = ""
    score: float | None = None
    """From 0 to 1."""
    content: list[FileSearchResultContent] | None = None
    """None unless the request asked for it with `include`."""
    attributes: dict[str, object] | None = None
    """The file's attributes in its vector store."""


class FileSearch(WireStruct, kw_only=True, gc=False):
    """How a search was ranked and what it found."""

    ranking_options: FileSearchRankingOptions | None = None
    results: list[FileSearchResult] | None = None


class FileSearchToolCall(CallArguments, kw_only=True, gc=False, tag_field="type", tag="file_search"):
    """A search in vector stores."""

    type: ClassVar[Literal["file_search"]] = "file_search"
    id: str = ""
    file_search: FileSearch = field(default_factory=FileSearch)

    @property
    def name(self) -> str:
        """The tool's, which is its type."""
        return self.type

    @property
    def arguments(self) -> str:
        """Nothing: what was looked for is not told."""
        return ""


class _HostedToolCall(CallArguments, gc=False):
    """A call that the server answers itself, with a payload under its type."""

    @property
    def _payload(self) -> dict[str, object]:
        return getattr(self, str(self.__struct_config__.tag)) or {}

    @property
    def name(self) -> str:
        """What is called, if the payload names it; else the type of the tool."""
        return _name_in(self._payload) or str(self.__struct_config__.tag)

    @property
    def arguments(self) -> str:
        """JSON text: the arguments, if the payload has some; else all that it says."""
        return _arguments_in(self._payload)


def _name_in(payload: dict[str, object]) -> str:
    name = payload.get("name")
    return name if isinstance(name, str) else ""


def _arguments_in(payload: dict[str, object]) -> str:
    arguments = payload.get("arguments", payload)
    return arguments if isinstance(arguments, str) else json.dumps(arguments)


class AzureAISearchToolCall(_HostedToolCall, kw_only=True, gc=False, tag_field="type", tag="azure_ai_search"):
    """Azure: a search in an index of Azure AI Search."""

    type: ClassVar[Literal["azure_ai_search"]] = "azure_ai_search"
    id: str = ""
    azure_ai_search: dict[str, object] | None = None


class AzureFunctionToolCall(_HostedToolCall, kw_only=True, gc=False, tag_field="type", tag="azure_function"):
    """Azure: a call of a function app."""

    type: ClassVar[Literal["azure_function"]] = "azure_function"
    id: str = ""
    azure_function: dict[str, object] | None = None


class BingCustomSearchToolCall(_HostedToolCall, kw_only=True, gc=False, tag_field="type", tag="bing_custom_search"):
    """Azure: a Bing search of chosen domains."""

    type: ClassVar[Literal["bing_custom_search"]] = "bing_custom_search"
    id: str = ""
    bing_custom_search: dict[str, object] | None = None


class BingGroundingToolCall(_HostedToolCall, kw_only=True, gc=False, tag_field="type", tag="bing_grounding"):
    """Azure: a Bing search."""

    type: ClassVar[Literal["bing_grounding"]] = "bing_grounding"
    id: str = ""
    bing_grounding: dict[str, object] | None = None


class BrowserAutomationToolCall(_HostedToolCall, kw_only=True, gc=False, tag_field="type", tag="browser_automation"):
    """Azure: the work of a remote browser."""

    type: ClassVar[Literal["browser_automation"]] = "browser_automation"
    id: str = ""
    browser_automation: dict[str, object] | None = None


class ComputerUsePreviewToolCall(_HostedToolCall, kw_only=True, gc=False, tag_field="type", tag="computer_use_preview"):
    """Azure: an action on a screen."""

    type: ClassVar[Literal["computer_use_preview"]] = "computer_use_preview"
    id: str = ""
    computer_use_preview: dict[str, object] | None = None


class ConnectedAgentToolCall(_HostedToolCall, kw_only=True, gc=False, tag_field="type", tag="connected_agent"):
    """Azure: a question to another agent."""

    type: ClassVar[Literal["connected_agent"]] = "connected_agent"
    id: str = ""
    connected_agent: dict[str, object] | None = None


class DeepResearchToolCall(_HostedToolCall, kw_only=True, gc=False, tag_field="type", tag="deep_research"):
    """Azure: a piece of research."""

    type: ClassVar[Literal["deep_research"]] = "deep_research"
    id: str = ""
    deep_research: dict[str, object] | None = None


class FabricDataAgentToolCall(_HostedToolCall, kw_only=True, gc=False, tag_field="type", tag="fabric_dataagent"):
    """Azure: a question to a data agent of Microsoft Fabric."""

    type: ClassVar[Literal["fabric_dataagent"]] = "fabric_dataagent"
    id: str = ""
    fabric_dataagent: dict[str, object] | None = None


class MCPToolCall(CallArguments, kw_only=True, gc=False, tag_field="type", tag="mcp"):
    """Azure: a call to an MCP server; its fields stand flat, without a payload object."""

    type: ClassVar[Literal["mcp"]] = "mcp"
    id: str = ""
    name: str | None = None
    server_label: str | None = None
    arguments: str | None = None
    """JSON text, written by the model: it may be invalid."""
    output: str | None = None
    """None until the server has answered."""


class OpenAPIToolCall(_HostedToolCall, kw_only=True, gc=False, tag_field="type", tag="openapi"):
    """Azure: a call of an HTTP API."""

    type: ClassVar[Literal["openapi"]] = "openapi"
    id: str = ""
    openapi: dict[str, object] | None = None


class SharepointGroundingToolCall(
    _HostedToolCall, kw_only=True, gc=False, tag_field="type", tag="sharepoint_grounding"
):
    """Azure: a search in a SharePoint site."""

    type: ClassVar[Literal["sharepoint_grounding"]] = "sharepoint_grounding"
    id: str = ""
    sharepoint_grounding: dict[str, object] | None = None


class UnknownToolCall(CallArguments, kw_only=True, gc=False, tag_field="type", tag="unknown"):
    """A call of a type that this version does not know."""

    type: ClassVar[Literal["unknown"]] = "unknown"
    wire_type: str
    """The wire's own `type`; "" if it had none."""
    raw: bytes
    """Its JSON as received or, after deltas, as folded."""
    id: str = ""

    @property
    def _payload(self) -> dict[str, object]:
        members = self.to_dict()
        payload = members.get(self.wire_type)
        if isinstance(payload, dict):
            return payload
        return {key: value for key, value in members.items() if key not in ("id", "index", "type")}

    @property
    def name(self) -> str:
        """What is called, if the call names it; else the wire's type."""
        return _name_in(self._payload) or self.wire_type

    @property
    def arguments(self) -> str:
        """JSON text: the arguments, if the call has some; else all that it says."""
        return _arguments_in(self._payload)


ToolCall: TypeAlias = (
    FunctionToolCall
    | CodeInterpreterToolCall
    | FileSearchToolCall
    | AzureAISearchToolCall
    | AzureFunctionToolCall
    | BingCustomSearchToolCall
    | BingGroundingToolCall
    | BrowserAutomationToolCall
    | ComputerUsePreviewToolCall
    | ConnectedAgentToolCall
    | DeepResearchToolCall
    | FabricDataAgentToolCall
    | MCPToolCall
    | OpenAPIToolCall
    | SharepointGroundingToolCall
    | UnknownToolCall
)


# Deltas. `index` is the place in the list that the delta goes to; None where the server left it out.


class FunctionDelta(WireStruct, kw_only=True, gc=False):
    """What a delta adds to a function call."""

    name: str | None = None
    arguments: str | dict[str, object] | list[object] | None = None
    """A piece of JSON text; from some servers the whole arguments as JSON."""
    output: str | None = None


class FunctionToolCallDelta(WireStruct, kw_only=True, gc=False, tag_field="type", tag="function"):
    """A delta to a function call."""

    type: ClassVar[Literal["function"]] = "function"
    index: int | None = None
    id: str | None = None
    function: FunctionDelta | None = None


class CodeInterpreterLogs(WireStruct, kw_only=True, gc=False, tag_field="type", tag="logs"):
    """A delta to what the code printed."""

    type: ClassVar[Literal["logs"]] = "logs"
    index: int | None = None
    logs: str | None = None


class Image(WireStruct, kw_only=True, gc=False):
    """What a delta says of an image's file."""

    file_id: str | None = None


class CodeInterpreterOutputImage(WireStruct, kw_only=True, gc=False, tag_field="type", tag="image"):
    """A delta to an image that the code made."""

    type: ClassVar[Literal["image"]] = "image"
    index: int | None = None
    image: Image | None = None


class UnknownCodeInterpreterOutputDelta(WireStruct, kw_only=True, gc=False, tag_field="type", tag="unknown"):
    """A delta to an output of a type that this version does not know."""

    type: ClassVar[Literal["unknown"]] = "unknown"
    wire_type: str
    """The wire's own `type`; "" if it had none."""
    raw: bytes
    """Its JSON as received."""


CodeInterpreterOutputDelta: TypeAlias = (
    CodeInterpreterLogs | CodeInterpreterOutputImage | UnknownCodeInterpreterOutputDelta
)


class CodeInterpreterDelta(WireStruct, kw_only=True, gc=False):
    """What a delta adds to a run of code."""

    input: str | None = None
    outputs: list[CodeInterpreterOutputDelta] | None = None


class CodeInterpreterToolCallDelta(WireStruct, kw_only=True, gc=False, tag_field="type", tag="code_interpreter"):
    """A delta to a run of code."""

    type: ClassVar[Literal["code_interpreter"]] = "code_interpreter"
    index: int | None = None
    id: str | None = None
    code_interpreter: CodeInterpreterDelta | None = None


class FileSearchToolCallDelta(WireStruct, kw_only=True, gc=False, tag_field="type", tag="file_search"):
    """A delta to a search in vector stores."""

    type: ClassVar[Literal["file_search"]] = "file_search"
    index: int | None = None
    id: str | None = None
    file_search: dict[str, object] | None = None
    """The wire fixes no shape; when whole, that of `FileSearch`."""


class UnknownToolCallDelta(WireStruct, kw_only=True, gc=False, tag_field="type", tag="unknown"):
    """A delta to a call of any other type, Azure's included."""

    type: ClassVar[Literal["unknown"]] = "unknown"
    wire_type: str
    """The wire's own `type`; "" if it had none."""
    raw: bytes
    """Its JSON as received."""
    id: str | None = None


ToolCallDelta: TypeAlias = (
    FunctionToolCallDelta | CodeInterpreterToolCallDelta | FileSearchToolCallDelta | UnknownToolCallDelta
)
