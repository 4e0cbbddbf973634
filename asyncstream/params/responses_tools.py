"""The tools of a request of the Responses protocol, and how one is chosen.

TypedDicts only: an absent key is left out of the body. What a response repeats of them is in `types.responses_tools`.
"""

from collections.abc import Mapping, Sequence
from typing import Literal, Required, TypeAlias, TypedDict

from asyncstream.types.shared import ReasoningEffort

__all__ = [
    "ApplyPatchToolParam",
    "CodeInterpreterContainerAutoParam",
    "ComputerToolParam",
    "ContainerAutoParam",
    "ContainerNetworkPolicyAllowlistParam",
    "ContainerNetworkPolicyDisabledParam",
    "ContainerNetworkPolicyDomainSecretParam",
    "ContainerNetworkPolicyParam",
    "ContainerReferenceParam",
    "FunctionShellToolParam",
    "ImageGenerationInputImageMaskParam",
    "ImageGenerationParam",
    "ImageGenerationSvgParam",
    "ImageGenerationSvgReasoningParam",
    "InlineSkillParam",
    "InlineSkillSourceParam",
    "LocalEnvironmentParam",
    "LocalShellParam",
    "LocalSkillParam",
    "McpApprovalFilterParam",
    "McpParam",
    "McpToolFilterParam",
    "NamespaceToolParam",
    "ProgrammaticToolCallingParam",
    "RankingOptionsHybridSearchParam",
    "ResponseCodeInterpreterToolParam",
    "ResponseComparisonFilterParam",
    "ResponseCompoundFilterParam",
    "ResponseComputerUsePreviewToolParam",
    "ResponseCustomToolFormatParam",
    "ResponseCustomToolGrammarParam",
    "ResponseCustomToolParam",
    "ResponseCustomToolTextParam",
    "ResponseFileSearchToolParam",
    "ResponseFunctionToolParam",
    "ResponseRankingOptionsParam",
    "ResponseToolChoiceParam",
    "ResponseToolParam",
    "SkillReferenceParam",
    "ToolCallerParam",
    "ToolChoiceAllowedParam",
    "ToolChoiceApplyPatchParam",
    "ToolChoiceCustomParam",
    "ToolChoiceFunctionParam",
    "ToolChoiceMcpParam",
    "ToolChoiceProgrammaticToolCallingParam",
    "ToolChoiceShellParam",
    "ToolChoiceTypesParam",
    "ToolSearchToolParam",
    "WebSearchFiltersParam",
    "WebSearchPreviewToolParam",
    "WebSearchPreviewUserLocationParam",
    "WebSearchToolParam",
    "WebSearchToolUserLocationParam",
]

ToolCallerParam: TypeAlias = Literal["direct", "programmatic"]
"""Who may call a tool: the model itself, or a program that it writes."""


# Functions and custom tools.

_Async = TypedDict("_Async", {"async": bool | None}, total=False)


class ResponseFunctionToolParam(_Async, total=False):
    """A function of the user's own."""

    type: Required[Literal["function"]]
    name: Required[str]
    """Letters, digits, underscores and dashes; at most 64."""
    description: str | None
    parameters: Mapping[str, object] | None
    """A JSON Schema."""
    strict: bool | None
    """Whether the arguments always fit the schema; the API's own default is True."""
    allowed_callers: list[ToolCallerParam] | None
    defer_loading: bool
    """Whether the model finds the tool by a search only."""
    output_schema: Mapping[str, object] | None


class ResponseCustomToolTextParam(TypedDict):
    """The model writes whatever it wants."""

    type: Literal["text"]


class ResponseCustomToolGrammarParam(TypedDict):
    """The model writes what a grammar allows."""

    type: Literal["grammar"]
    definition: str
    syntax: Literal["lark", "regex"]


ResponseCustomToolFormatParam: TypeAlias = ResponseCustomToolTextParam | ResponseCustomToolGrammarParam


class ResponseCustomToolParam(_Async, total=False):
    """A tool that takes text instead of JSON."""

    type: Required[Literal["custom"]]
    name: Required[str]
    description: str
    format: ResponseCustomToolFormatParam
    """Absent: any text."""
    allowed_callers: list[ToolCallerParam] | None
    defer_loading: bool
    """Whether the model finds the tool by a search only."""


class NamespaceToolParam(TypedDict):
    """Tools under a common name."""

    type: Literal["namespace"]
    name: str
    description: str
    tools: Sequence[ResponseFunctionToolParam | ResponseCustomToolParam]


class ToolSearchToolParam(TypedDict, total=False):
    """The model searches for tools that it is not shown."""

    type: Required[Literal["tool_search"]]
    description: str | None
    execution: Literal["server", "client"]
    """Who searches."""
    parameters: Mapping[str, object] | None
    """A JSON Schema of what a search of the client takes."""


class ProgrammaticToolCallingParam(TypedDict):
    """The model writes programs that call tools."""

    type: Literal["programmatic_tool_calling"]


# Searches.


class ResponseComparisonFilterParam(TypedDict):
    """What an attribute of a file must be."""

    type: Literal["eq", "ne", "gt", "gte", "lt", "lte", "in", "nin"]
    key: str
    value: str | float | bool | Sequence[str | float]


class ResponseCompoundFilterParam(TypedDict):
    """Filters, of which all or one must be met."""

    type: Literal["and", "or"]
    filters: Sequence[ResponseComparisonFilterParam | Mapping[str, object]]


class RankingOptionsHybridSearchParam(TypedDict):
    """How much meaning and words count."""

    embedding_weight: float
    text_weight: float


class ResponseRankingOptionsParam(TypedDict, total=False):
    """How what is found is ranked."""

    ranker: Literal["auto", "default-2024-11-15"]
    score_threshold: float
    """From 0 to 1; what scores less is left out."""
    hybrid_search: RankingOptionsHybridSearchParam


class ResponseFileSearchToolParam(TypedDict, total=False):
    """A search in vector stores."""

    type: Required[Literal["file_search"]]
    vector_store_ids: Required[list[str]]
    filters: ResponseComparisonFilterParam | ResponseCompoundFilterParam | None
    max_num_results: int
    """From 1 to 50."""
    ranking_options: ResponseRankingOptionsParam


class WebSearchFiltersParam(TypedDict, total=False):
    """Where the web is searched."""

    allowed_domains: list[str] | None


class WebSearchToolUserLocationParam(TypedDict, total=False):
    """Roughly where the user is."""

    type: Literal["approximate"]
    city: str | None
    country: str | None
    """Two letters, as ISO 3166-1 has them."""
    region: str | None
    timezone: str | None
    """As IANA names it: Europe/Oslo."""


class WebSearchToolParam(TypedDict, total=False):
    """A search in the web."""

    type: Required[Literal["web_search", "web_search_2025_08_26"]]
    external_web_access: bool
    """False: only in what the server has of it."""
    filters: WebSearchFiltersParam | None
    search_context_size: Literal["low", "medium", "high"]
    user_location: WebSearchToolUserLocationParam | None


class WebSearchPreviewUserLocationParam(TypedDict, total=False):
    """Roughly where the user is."""

    type: Required[Literal["approximate"]]
    city: str | None
    country: str | None
    """Two letters, as ISO 3166-1 has them."""
    region: str | None
    timezone: str | None
    """As IANA names it: Europe/Oslo."""


class WebSearchPreviewToolParam(TypedDict, total=False):
    """The older search in the web."""

    type: Required[Literal["web_search_preview", "web_search_preview_2025_03_11"]]
    search_content_types: list[Literal["text", "image"]]
    search_context_size: Literal["low", "medium", "high"]
    user_location: WebSearchPreviewUserLocationParam | None


# Screens, code and shells.


class ComputerToolParam(TypedDict):
    """A screen that the model works on."""

    type: Literal["computer"]


class ResponseComputerUsePreviewToolParam(TypedDict):
    """The older form of a screen that the model works on."""

    type: Literal["computer_use_preview"]
    display_width: int
    display_height: int
    environment: Literal["windows", "mac", "linux", "ubuntu", "browser"]


class ContainerNetworkPolicyDisabledParam(TypedDict):
    """A container without a network."""

    type: Literal["disabled"]


class ContainerNetworkPolicyDomainSecretParam(TypedDict):
    """A secret that is put in where a domain is asked."""

    domain: str
    name: str
    value: str


class ContainerNetworkPolicyAllowlistParam(TypedDict, total=False):
    """A container that reaches some domains."""

    type: Required[Literal["allowlist"]]
    allowed_domains: Required[list[str]]
    domain_secrets: Sequence[ContainerNetworkPolicyDomainSecretParam]


ContainerNetworkPolicyParam: TypeAlias = ContainerNetworkPolicyDisabledParam | ContainerNetworkPolicyAllowlistParam


class SkillReferenceParam(TypedDict, total=False):
    """A skill that the server has."""

    type: Required[Literal["skill_reference"]]
    skill_id: Required[str]
    version: str
    """A number, or "latest"."""


class InlineSkillSourceParam(TypedDict):
    """The archive of a skill."""

    type: Literal["base64"]
    data: str
    media_type: Literal["application/zip"]


class InlineSkillParam(TypedDict):
    """A skill that comes with the request."""

    type: Literal["inline"]
    name: str
    description: str
    source: InlineSkillSourceParam


class ContainerAutoParam(TypedDict, total=False):
    """A container that the server makes for the shell."""

    type: Required[Literal["container_auto"]]
    file_ids: list[str]
    memory_limit: Literal["1g", "4g", "16g", "64g"] | None
    network_policy: ContainerNetworkPolicyParam
    skills: Sequence[SkillReferenceParam | InlineSkillParam]


class LocalSkillParam(TypedDict):
    """A skill on the user's machine."""

    name: str
    description: str
    path: str


class LocalEnvironmentParam(TypedDict, total=False):
    """A shell on the user's machine."""

    type: Required[Literal["local"]]
    skills: Sequence[LocalSkillParam]


class ContainerReferenceParam(TypedDict):
    """A container that is there."""

    type: Literal["container_reference"]
    container_id: str


class CodeInterpreterContainerAutoParam(TypedDict, total=False):
    """A container that the server makes for the code interpreter."""

    type: Required[Literal["auto"]]
    file_ids: list[str]
    memory_limit: Literal["1g", "4g", "16g", "64g"] | None
    network_policy: ContainerNetworkPolicyParam


class ResponseCodeInterpreterToolParam(TypedDict, total=False):
    """Python in a container of the server."""

    type: Required[Literal["code_interpreter"]]
    container: Required[str | CodeInterpreterContainerAutoParam]
    """The id of one, or what one is made of."""
    allowed_callers: list[ToolCallerParam] | None


class LocalShellParam(TypedDict):
    """The older form of a shell on the user's machine."""

    type: Literal["local_shell"]


class FunctionShellToolParam(TypedDict, total=False):
    """A shell."""

    type: Required[Literal["shell"]]
    allowed_callers: list[ToolCallerParam] | None
    environment: ContainerAutoParam | LocalEnvironmentParam | ContainerReferenceParam | None


class ApplyPatchToolParam(TypedDict, total=False):
    """The model makes, changes and deletes files."""

    type: Required[Literal["apply_patch"]]
    allowed_callers: list[ToolCallerParam] | None


# Pictures.


class ImageGenerationInputImageMaskParam(TypedDict, total=False):
    """Where a picture may be changed."""

    file_id: str
    image_url: str
    """An address, or the mask itself in base64."""


class ImageGenerationSvgReasoningParam(TypedDict, total=False):
    """How long the model thinks before it draws."""

    effort: ReasoningEffort | None


class ImageGenerationSvgParam(TypedDict, total=False):
    """How a drawing is made."""

    model: str
    reasoning: ImageGenerationSvgReasoningParam


class ImageGenerationParam(TypedDict, total=False):
    """The model makes pictures."""

    type: Required[Literal["image_generation"]]
    action: Literal["generate", "edit", "auto"]
    background: Literal["transparent", "opaque", "auto"]
    complexity: Literal["low", "medium", "high"]
    frame_count: int
    frame_duration_ms: int
    input_fidelity: Literal["high", "low"] | None
    input_image_mask: ImageGenerationInputImageMaskParam
    model: str
    moderation: Literal["auto", "low"]
    output_compression: int
    """In percent."""
    output_format: Literal["png", "webp", "jpeg", "gif", "svg"]
    partial_images: int
    """How many come before the picture is done, from 0 to 3."""
    quality: Literal["low", "medium", "high", "xhigh", "max", "auto"]
    size: str
    """Such as "1024x1024", or "auto"."""
    svg: ImageGenerationSvgParam


# MCP.


class McpToolFilterParam(TypedDict, total=False):
    """Some of the tools of a server."""

    read_only: bool
    tool_names: list[str]


class McpApprovalFilterParam(TypedDict, total=False):
    """Which tools need an approval, and which do not."""

    always: McpToolFilterParam
    never: McpToolFilterParam


class McpParam(TypedDict, total=False):
    """The tools of an MCP server, or of a connector."""

    type: Required[Literal["mcp"]]
    server_label: Required[str]
    """What calls name the server by."""
    server_url: str
    server_description: str
    connector_id: Literal[
        "connector_dropbox",
        "connector_gmail",
        "connector_googlecalendar",
        "connector_googledrive",
        "connector_microsoftteams",
        "connector_outlookcalendar",
        "connector_outlookemail",
        "connector_sharepoint",
    ]
    tunnel_id: str
    allowed_callers: list[ToolCallerParam] | None
    allowed_tools: list[str] | McpToolFilterParam | None
    authorization: str
    """A token for the server or the connector."""
    headers: Mapping[str, str] | None
    defer_loading: bool
    """Whether the model finds the tools by a search only."""
    require_approval: McpApprovalFilterParam | Literal["always", "never"] | None


ResponseToolParam: TypeAlias = (
    ResponseFunctionToolParam
    | ResponseFileSearchToolParam
    | ComputerToolParam
    | ResponseComputerUsePreviewToolParam
    | WebSearchToolParam
    | McpParam
    | ResponseCodeInterpreterToolParam
    | ProgrammaticToolCallingParam
    | ImageGenerationParam
    | LocalShellParam
    | FunctionShellToolParam
    | ResponseCustomToolParam
    | NamespaceToolParam
    | ToolSearchToolParam
    | WebSearchPreviewToolParam
    | ApplyPatchToolParam
)


# Which tool is chosen.


class ToolChoiceAllowedParam(TypedDict):
    """Some of the tools, while all stay in the prompt and so in its cache."""

    type: Literal["allowed_tools"]
    mode: Literal["auto", "required"]
    """"required": it must call one of them."""
    tools: Sequence[Mapping[str, object]]
    """Such as `{"type": "function", "name": "get_weather"}`."""


class ToolChoiceTypesParam(TypedDict):
    """One of the tools that the server has."""

    type: Literal[
        "file_search",
        "web_search_preview",
        "computer",
        "computer_use_preview",
        "computer_use",
        "web_search_preview_2025_03_11",
        "image_generation",
        "code_interpreter",
    ]


class ToolChoiceFunctionParam(TypedDict):
    """One function."""

    type: Literal["function"]
    name: str


class ToolChoiceMcpParam(TypedDict, total=False):
    """The tools of an MCP server, or one of them."""

    type: Required[Literal["mcp"]]
    server_label: Required[str]
    name: str | None


class ToolChoiceCustomParam(TypedDict):
    """One custom tool."""

    type: Literal["custom"]
    name: str


class ToolChoiceProgrammaticToolCallingParam(TypedDict):
    """A program that calls tools."""

    type: Literal["programmatic_tool_calling"]


class ToolChoiceApplyPatchParam(TypedDict):
    """The tool that changes files."""

    type: Literal["apply_patch"]


class ToolChoiceShellParam(TypedDict):
    """The shell."""

    type: Literal["shell"]


ResponseToolChoiceParam: TypeAlias = (
    Literal["none", "auto", "required"]
    | ToolChoiceAllowedParam
    | ToolChoiceTypesParam
    | ToolChoiceFunctionParam
    | ToolChoiceMcpParam
    | ToolChoiceCustomParam
    | ToolChoiceProgrammaticToolCallingParam
    | ToolChoiceApplyPatchParam
    | ToolChoiceShellParam
)
