"""The wire structs of the tools of the Responses protocol, as a response repeats them, and of how one is chosen.

Data only. Above it: `responses_items` (some items list tools) and `responses`; below it: `responses_parts`. What a
request carries is in `params.responses_tools`.
"""

from typing import ClassVar, Literal, TypeAlias

from msgspec import field

from asyncstream.types.responses_parts import ResponseStruct, UnknownResponseObject
from asyncstream.types.shared import JSONValue, ReasoningEffort
from asyncstream.types.structs import WireStruct

__all__ = [
    "ApplyPatchTool",
    "CodeInterpreterContainerAuto",
    "ComparisonFilter",
    "ComputerTool",
    "ContainerAuto",
    "ContainerNetworkPolicy",
    "ContainerNetworkPolicyAllowlist",
    "ContainerNetworkPolicyDisabled",
    "ContainerNetworkPolicyDomainSecret",
    "ContainerReference",
    "ContainerSkill",
    "CustomTool",
    "CustomToolFormat",
    "CustomToolFormatGrammar",
    "CustomToolFormatText",
    "FunctionShellTool",
    "ImageGeneration",
    "ImageGenerationInputImageMask",
    "ImageGenerationSvg",
    "ImageGenerationSvgReasoning",
    "InlineSkill",
    "InlineSkillSource",
    "LocalEnvironment",
    "LocalShell",
    "LocalSkill",
    "Mcp",
    "McpApprovalFilter",
    "McpToolFilter",
    "NamespaceTool",
    "ProgrammaticToolCalling",
    "RankingOptions",
    "RankingOptionsHybridSearch",
    "ResponseCodeInterpreterTool",
    "ResponseComputerUsePreviewTool",
    "ResponseFileSearchTool",
    "ResponseFunctionTool",
    "ResponseTool",
    "ResponseToolChoice",
    "ShellEnvironment",
    "SkillReference",
    "ToolCaller",
    "ToolChoiceAllowed",
    "ToolChoiceApplyPatch",
    "ToolChoiceCodeInterpreter",
    "ToolChoiceComputer",
    "ToolChoiceComputerUse",
    "ToolChoiceComputerUsePreview",
    "ToolChoiceCustom",
    "ToolChoiceFileSearch",
    "ToolChoiceFunction",
    "ToolChoiceImageGeneration",
    "ToolChoiceMcp",
    "ToolChoiceOptions",
    "ToolChoiceProgrammaticToolCalling",
    "ToolChoiceShell",
    "ToolChoiceTypes",
    "ToolChoiceWebSearchPreview",
    "ToolChoiceWebSearchPreview20250311",
    "ToolSearchTool",
    "UnknownResponseTool",
    "WebSearchFilters",
    "WebSearchPreviewTool",
    "WebSearchPreviewTool20250311",
    "WebSearchTool",
    "WebSearchTool20250826",
    "WebSearchUserLocation",
]

ToolCaller: TypeAlias = Literal["direct", "programmatic"] | str
"""Who may call a tool: the model itself, or a program that it wrote."""


# Functions and custom tools.


class ResponseFunctionTool(ResponseStruct, kw_only=True, gc=False, tag_field="type", tag="function"):
    """A function of the user's own."""

    type: ClassVar[Literal["function"]] = "function"
    name: str = ""
    description: str | None = None
    parameters: dict[str, JSONValue] | None = None
    """A JSON Schema."""
    strict: bool | None = None
    allowed_callers: list[ToolCaller] | None = None
    async_: bool | None = field(default=None, name="async")
    """Whether the model goes on before the answer is there."""
    defer_loading: bool | None = None
    """Whether the model finds the tool by a search only."""
    output_schema: dict[str, JSONValue] | None = None


class CustomToolFormatText(ResponseStruct, kw_only=True, gc=False, tag_field="type", tag="text"):
    """The model writes whatever it wants."""

    type: ClassVar[Literal["text"]] = "text"


class CustomToolFormatGrammar(ResponseStruct, kw_only=True, gc=False, tag_field="type", tag="grammar"):
    """The model writes what a grammar allows."""

    type: ClassVar[Literal["grammar"]] = "grammar"
    definition: str = ""
    syntax: Literal["lark", "regex"] | str = ""


CustomToolFormat: TypeAlias = CustomToolFormatText | CustomToolFormatGrammar | UnknownResponseObject


class CustomTool(ResponseStruct, kw_only=True, gc=False, tag_field="type", tag="custom"):
    """A tool that takes text instead of JSON."""

    type: ClassVar[Literal["custom"]] = "custom"
    name: str = ""
    description: str | None = None
    format: CustomToolFormat | None = None
    allowed_callers: list[ToolCaller] | None = None
    async_: bool | None = field(default=None, name="async")
    """Whether the model goes on before the answer is there."""
    defer_loading: bool | None = None
    """Whether the model finds the tool by a search only."""


class NamespaceTool(ResponseStruct, kw_only=True, gc=False, tag_field="type", tag="namespace"):
    """Tools under a common name."""

    type: ClassVar[Literal["namespace"]] = "namespace"
    name: str = ""
    description: str = ""
    tools: list[ResponseFunctionTool | CustomTool | UnknownResponseObject] = []


class ToolSearchTool(ResponseStruct, kw_only=True, gc=False, tag_field="type", tag="tool_search"):
    """The model searches for tools that it was not shown."""

    type: ClassVar[Literal["tool_search"]] = "tool_search"
    description: str | None = None
    execution: Literal["server", "client"] | str | None = None
    parameters: JSONValue = None
    """A JSON Schema."""


class ProgrammaticToolCalling(
    ResponseStruct, kw_only=True, gc=False, tag_field="type", tag="programmatic_tool_calling"
):
    """The model writes programs that call tools."""

    type: ClassVar[Literal["programmatic_tool_calling"]] = "programmatic_tool_calling"


# Searches.


class ComparisonFilter(ResponseStruct, kw_only=True, gc=False):
    """What the attributes of a file must be; the filters in `filters` are joined by `and` or `or`."""

    type: Literal["eq", "ne", "gt", "gte", "lt", "lte", "in", "nin", "and", "or"] | str = ""
    key: str | None = None
    value: JSONValue = None
    filters: list[JSONValue] | None = None


class RankingOptionsHybridSearch(ResponseStruct, kw_only=True, gc=False):
    """How much meaning and words count."""

    embedding_weight: float | None = None
    text_weight: float | None = None


class RankingOptions(ResponseStruct, kw_only=True, gc=False):
    """How what is found is ranked."""

    ranker: str | None = None
    score_threshold: float | None = None
    hybrid_search: RankingOptionsHybridSearch | None = None


class ResponseFileSearchTool(ResponseStruct, kw_only=True, gc=False, tag_field="type", tag="file_search"):
    """A search in vector stores."""

    type: ClassVar[Literal["file_search"]] = "file_search"
    vector_store_ids: list[str] = []
    filters: ComparisonFilter | None = None
    max_num_results: int | None = None
    ranking_options: RankingOptions | None = None


class WebSearchFilters(ResponseStruct, kw_only=True, gc=False):
    """Where the web is searched."""

    allowed_domains: list[str] | None = None
    blocked_domains: list[str] | None = None


class WebSearchUserLocation(ResponseStruct, kw_only=True, gc=False):
    """Roughly where the user is."""

    type: Literal["approximate"] | str | None = None
    city: str | None = None
    country: str | None = None
    region: str | None = None
    timezone: str | None = None


class WebSearchTool(ResponseStruct, kw_only=True, gc=False, tag_field="type", tag="web_search"):
    """A search in the web."""

    type: ClassVar[Literal["web_search"]] = "web_search"
    external_web_access: bool | None = None
    filters: WebSearchFilters | None = None
    return_token_budget: str | None = None
    """How much of what is found the model is shown, as OpenAI's server says beyond its schema."""
    search_content_types: list[Literal["text", "image"] | str] | None = None
    search_context_size: Literal["low", "medium", "high"] | str | None = None
    user_location: WebSearchUserLocation | None = None


class WebSearchTool20250826(ResponseStruct, kw_only=True, gc=False, tag_field="type", tag="web_search_2025_08_26"):
    """A search in the web, as it was on this day."""

    type: ClassVar[Literal["web_search_2025_08_26"]] = "web_search_2025_08_26"
    external_web_access: bool | None = None
    filters: WebSearchFilters | None = None
    return_token_budget: str | None = None
    """How much of what is found the model is shown, as OpenAI's server says beyond its schema."""
    search_content_types: list[Literal["text", "image"] | str] | None = None
    search_context_size: Literal["low", "medium", "high"] | str | None = None
    user_location: WebSearchUserLocation | None = None


class WebSearchPreviewTool(ResponseStruct, kw_only=True, gc=False, tag_field="type", tag="web_search_preview"):
    """The older search in the web."""

    type: ClassVar[Literal["web_search_preview"]] = "web_search_preview"
    search_content_types: list[Literal["text", "image"] | str] | None = None
    search_context_size: Literal["low", "medium", "high"] | str | None = None
    user_location: WebSearchUserLocation | None = None


class WebSearchPreviewTool20250311(
    ResponseStruct, kw_only=True, gc=False, tag_field="type", tag="web_search_preview_2025_03_11"
):
    """The older search in the web, as it was on this day."""

    type: ClassVar[Literal["web_search_preview_2025_03_11"]] = "web_search_preview_2025_03_11"
    search_content_types: list[Literal["text", "image"] | str] | None = None
    search_context_size: Literal["low", "medium", "high"] | str | None = None
    user_location: WebSearchUserLocation | None = None


# Screens, code and shells.


class ComputerTool(ResponseStruct, kw_only=True, gc=False, tag_field="type", tag="computer"):
    """A screen that the model works on."""

    type: ClassVar[Literal["computer"]] = "computer"


class ResponseComputerUsePreviewTool(
    ResponseStruct, kw_only=True, gc=False, tag_field="type", tag="computer_use_preview"
):
    """The older form of a screen that the model works on."""

    type: ClassVar[Literal["computer_use_preview"]] = "computer_use_preview"
    display_width: int | None = None
    display_height: int | None = None
    environment: Literal["windows", "mac", "linux", "ubuntu", "browser"] | str | None = None


class ContainerNetworkPolicyDisabled(ResponseStruct, kw_only=True, gc=False, tag_field="type", tag="disabled"):
    """A container without a network."""

    type: ClassVar[Literal["disabled"]] = "disabled"


class ContainerNetworkPolicyDomainSecret(ResponseStruct, kw_only=True, gc=False):
    """A secret that is put in where a domain is asked."""

    domain: str = ""
    name: str = ""
    value: str | None = None


class ContainerNetworkPolicyAllowlist(ResponseStruct, kw_only=True, gc=False, tag_field="type", tag="allowlist"):
    """A container that reaches some domains."""

    type: ClassVar[Literal["allowlist"]] = "allowlist"
    allowed_domains: list[str] = []
    domain_secrets: list[ContainerNetworkPolicyDomainSecret] | None = None


ContainerNetworkPolicy: TypeAlias = (
    ContainerNetworkPolicyDisabled | ContainerNetworkPolicyAllowlist | UnknownResponseObject
)


class SkillReference(ResponseStruct, kw_only=True, gc=False, tag_field="type", tag="skill_reference"):
    """A skill that the server has."""

    type: ClassVar[Literal["skill_reference"]] = "skill_reference"
    skill_id: str = ""
    version: str | None = None


class InlineSkillSource(ResponseStruct, kw_only=True, gc=False):
    """The archive of a skill."""

    type: Literal["base64"] | str = ""
    data: str = ""
    media_type: Literal["application/zip"] | str = ""


class InlineSkill(ResponseStruct, kw_only=True, gc=False, tag_field="type", tag="inline"):
    """A skill that came with the request."""

    type: ClassVar[Literal["inline"]] = "inline"
    name: str = ""
    description: str = ""
    source: InlineSkillSource | None = None


ContainerSkill: TypeAlias = SkillReference | InlineSkill | UnknownResponseObject


class ContainerAuto(ResponseStruct, kw_only=True, gc=False, tag_field="type", tag="container_auto"):
    """A container that the server makes for the shell."""

    type: ClassVar[Literal["container_auto"]] = "container_auto"
    file_ids: list[str] | None = None
    memory_limit: Literal["1g", "4g", "16g", "64g"] | str | None = None
    network_policy: ContainerNetworkPolicy | None = None
    skills: list[ContainerSkill] | None = None


class LocalSkill(ResponseStruct, kw_only=True, gc=False):
    """A skill on the user's machine."""

    name: str = ""
    description: str = ""
    path: str = ""


class LocalEnvironment(ResponseStruct, kw_only=True, gc=False, tag_field="type", tag="local"):
    """A shell on the user's machine."""

    type: ClassVar[Literal["local"]] = "local"
    skills: list[LocalSkill] | None = None


class ContainerReference(ResponseStruct, kw_only=True, gc=False, tag_field="type", tag="container_reference"):
    """A container that is there."""

    type: ClassVar[Literal["container_reference"]] = "container_reference"
    container_id: str = ""


ShellEnvironment: TypeAlias = ContainerAuto | LocalEnvironment | ContainerReference | UnknownResponseObject
"""Where the commands of a shell run."""


class CodeInterpreterContainerAuto(ResponseStruct, kw_only=True, gc=False):
    """A container that the server makes for the code interpreter."""

    type: Literal["auto"] | str = ""
    file_ids: list[str] | None = None
    memory_limit: Literal["1g", "4g", "16g", "64g"] | str | None = None
    network_policy: ContainerNetworkPolicy | None = None


class ResponseCodeInterpreterTool(ResponseStruct, kw_only=True, gc=False, tag_field="type", tag="code_interpreter"):
    """Python in a container of the server."""

    type: ClassVar[Literal["code_interpreter"]] = "code_interpreter"
    container: str | CodeInterpreterContainerAuto | None = None
    """The id of one, or what one is made of."""
    allowed_callers: list[ToolCaller] | None = None


class LocalShell(ResponseStruct, kw_only=True, gc=False, tag_field="type", tag="local_shell"):
    """The older form of a shell on the user's machine."""

    type: ClassVar[Literal["local_shell"]] = "local_shell"


class FunctionShellTool(ResponseStruct, kw_only=True, gc=False, tag_field="type", tag="shell"):
    """A shell."""

    type: ClassVar[Literal["shell"]] = "shell"
    allowed_callers: list[ToolCaller] | None = None
    environment: ShellEnvironment | None = None


class ApplyPatchTool(ResponseStruct, kw_only=True, gc=False, tag_field="type", tag="apply_patch"):
    """The model makes, changes and deletes files."""

    type: ClassVar[Literal["apply_patch"]] = "apply_patch"
    allowed_callers: list[ToolCaller] | None = None


# Pictures.


class ImageGenerationInputImageMask(ResponseStruct, kw_only=True, gc=False):
    """Where a picture may be changed."""

    file_id: str | None = None
    image_url: str | None = None


class ImageGenerationSvgReasoning(ResponseStruct, kw_only=True, gc=False):
    """How long the model thinks before it draws."""

    effort: ReasoningEffort | None = None


class ImageGenerationSvg(ResponseStruct, kw_only=True, gc=False):
    """How a drawing is made."""

    model: str | None = None
    reasoning: ImageGenerationSvgReasoning | None = None


class ImageGeneration(ResponseStruct, kw_only=True, gc=False, tag_field="type", tag="image_generation"):
    """The model makes pictures."""

    type: ClassVar[Literal["image_generation"]] = "image_generation"
    action: Literal["generate", "edit", "auto"] | str | None = None
    background: Literal["transparent", "opaque", "auto"] | str | None = None
    complexity: Literal["low", "medium", "high"] | str | None = None
    frame_count: int | None = None
    frame_duration_ms: int | None = None
    input_fidelity: Literal["high", "low"] | str | None = None
    input_image_mask: ImageGenerationInputImageMask | None = None
    model: str | None = None
    moderation: Literal["auto", "low"] | str | None = None
    n: int | None = None
    """How many pictures, as OpenAI's and Azure's servers say beyond their schema."""
    output_compression: int | None = None
    """In percent."""
    output_format: Literal["png", "webp", "jpeg", "gif", "svg"] | str | None = None
    partial_images: int | None = None
    """How many come before the picture is done."""
    quality: Literal["low", "medium", "high", "xhigh", "max", "auto"] | str | None = None
    size: Literal["1024x1024", "1024x1536", "1536x1024", "auto"] | str | None = None
    svg: ImageGenerationSvg | None = None


# MCP.


class McpToolFilter(ResponseStruct, kw_only=True, gc=False):
    """Some of the tools of a server."""

    read_only: bool | None = None
    tool_names: list[str] | None = None


class McpApprovalFilter(ResponseStruct, kw_only=True, gc=False):
    """Which tools need an approval, and which do not."""

    always: McpToolFilter | None = None
    never: McpToolFilter | None = None


class Mcp(ResponseStruct, kw_only=True, gc=False, tag_field="type", tag="mcp"):
    """The tools of an MCP server, or of a connector."""

    type: ClassVar[Literal["mcp"]] = "mcp"
    server_label: str = ""
    server_url: str | None = None
    server_description: str | None = None
    connector_id: (
        Literal[
            "connector_dropbox",
            "connector_gmail",
            "connector_googlecalendar",
            "connector_googledrive",
            "connector_microsoftteams",
            "connector_outlookcalendar",
            "connector_outlookemail",
            "connector_sharepoint",
        ]
        | str
        | None
    ) = None
    tunnel_id: str | None = None
    allowed_callers: list[ToolCaller] | None = None
    allowed_tools: list[str] | McpToolFilter | None = None
    authorization: str | None = None
    """A token; servers do not repeat it."""
    headers: dict[str, str] | None = None
    defer_loading: bool | None = None
    """Whether the model finds the tools by a search only."""
    require_approval: Literal["always", "never"] | str | McpApprovalFilter | None = None


class UnknownResponseTool(WireStruct, kw_only=True, gc=False, tag_field="type", tag="unknown"):
    """A tool of a type that this version does not know."""

    type: ClassVar[Literal["unknown"]] = "unknown"
    wire_type: str
    """The wire's own `type`; "" if it had none."""
    raw: bytes
    """Its JSON as received."""


ResponseTool: TypeAlias = (
    ResponseFunctionTool
    | ResponseFileSearchTool
    | ComputerTool
    | ResponseComputerUsePreviewTool
    | WebSearchTool
    | WebSearchTool20250826
    | Mcp
    | ResponseCodeInterpreterTool
    | ProgrammaticToolCalling
    | ImageGeneration
    | LocalShell
    | FunctionShellTool
    | CustomTool
    | NamespaceTool
    | ToolSearchTool
    | WebSearchPreviewTool
    | WebSearchPreviewTool20250311
    | ApplyPatchTool
    | UnknownResponseTool
)


# Which tool is chosen.


class ToolChoiceAllowed(ResponseStruct, kw_only=True, gc=False, tag_field="type", tag="allowed_tools"):
    """Some of the tools."""

    type: ClassVar[Literal["allowed_tools"]] = "allowed_tools"
    mode: Literal["auto", "required"] | str = ""
    tools: list[dict[str, JSONValue]] = []


class ToolChoiceFunction(ResponseStruct, kw_only=True, gc=False, tag_field="type", tag="function"):
    """One function."""

    type: ClassVar[Literal["function"]] = "function"
    name: str = ""


class ToolChoiceMcp(ResponseStruct, kw_only=True, gc=False, tag_field="type", tag="mcp"):
    """The tools of an MCP server, or one of them."""

    type: ClassVar[Literal["mcp"]] = "mcp"
    server_label: str = ""
    name: str | None = None


class ToolChoiceCustom(ResponseStruct, kw_only=True, gc=False, tag_field="type", tag="custom"):
    """One custom tool."""

    type: ClassVar[Literal["custom"]] = "custom"
    name: str = ""


class ToolChoiceProgrammaticToolCalling(
    ResponseStruct, kw_only=True, gc=False, tag_field="type", tag="programmatic_tool_calling"
):
    """A program that calls tools."""

    type: ClassVar[Literal["programmatic_tool_calling"]] = "programmatic_tool_calling"


class ToolChoiceApplyPatch(ResponseStruct, kw_only=True, gc=False, tag_field="type", tag="apply_patch"):
    """The tool that changes files."""

    type: ClassVar[Literal["apply_patch"]] = "apply_patch"


class ToolChoiceShell(ResponseStruct, kw_only=True, gc=False, tag_field="type", tag="shell"):
    """The shell."""

    type: ClassVar[Literal["shell"]] = "shell"


class ToolChoiceTypes(ResponseStruct, kw_only=True, gc=False):
    """One of the tools that the server has; what they have in common."""


class ToolChoiceFileSearch(ToolChoiceTypes, kw_only=True, gc=False, tag_field="type", tag="file_search"):
    """The search in vector stores."""

    type: ClassVar[Literal["file_search"]] = "file_search"


class ToolChoiceWebSearchPreview(ToolChoiceTypes, kw_only=True, gc=False, tag_field="type", tag="web_search_preview"):
    """The search in the web."""

    type: ClassVar[Literal["web_search_preview"]] = "web_search_preview"


class ToolChoiceWebSearchPreview20250311(
    ToolChoiceTypes, kw_only=True, gc=False, tag_field="type", tag="web_search_preview_2025_03_11"
):
    """The search in the web, as it was on this day."""

    type: ClassVar[Literal["web_search_preview_2025_03_11"]] = "web_search_preview_2025_03_11"


class ToolChoiceComputer(ToolChoiceTypes, kw_only=True, gc=False, tag_field="type", tag="computer"):
    """The screen."""

    type: ClassVar[Literal["computer"]] = "computer"


class ToolChoiceComputerUse(ToolChoiceTypes, kw_only=True, gc=False, tag_field="type", tag="computer_use"):
    """The screen, under another name."""

    type: ClassVar[Literal["computer_use"]] = "computer_use"


class ToolChoiceComputerUsePreview(
    ToolChoiceTypes, kw_only=True, gc=False, tag_field="type", tag="computer_use_preview"
):
    """The older form of the screen."""

    type: ClassVar[Literal["computer_use_preview"]] = "computer_use_preview"


class ToolChoiceImageGeneration(ToolChoiceTypes, kw_only=True, gc=False, tag_field="type", tag="image_generation"):
    """Pictures."""

    type: ClassVar[Literal["image_generation"]] = "image_generation"


class ToolChoiceCodeInterpreter(ToolChoiceTypes, kw_only=True, gc=False, tag_field="type", tag="code_interpreter"):
    """Python in a container."""

    type: ClassVar[Literal["code_interpreter"]] = "code_interpreter"


ToolChoiceOptions: TypeAlias = Literal["none", "auto", "required"]
"""Whether the model calls tools at all."""

ResponseToolChoice: TypeAlias = (
    ToolChoiceOptions
    | str
    | ToolChoiceAllowed
    | ToolChoiceFunction
    | ToolChoiceMcp
    | ToolChoiceCustom
    | ToolChoiceProgrammaticToolCalling
    | ToolChoiceApplyPatch
    | ToolChoiceShell
    | ToolChoiceFileSearch
    | ToolChoiceWebSearchPreview
    | ToolChoiceWebSearchPreview20250311
    | ToolChoiceComputer
    | ToolChoiceComputerUse
    | ToolChoiceComputerUsePreview
    | ToolChoiceImageGeneration
    | ToolChoiceCodeInterpreter
    | UnknownResponseObject
)
