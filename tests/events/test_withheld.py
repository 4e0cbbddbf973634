"""What of an event is not for browsers: each member of each struct is needed by readers, or is in the table."""

import json
from collections.abc import Iterator
from typing import get_args

import pytest
from msgspec import Struct, inspect

from asyncstream.events import (
    AssistantStreamEvent,
    DoneEvent,
    ErrorEvent,
    RemarkEvent,
    ResponseCallStateEvent,
    ResponseStreamEvent,
    UnknownEvent,
)
from asyncstream.events.decode import wire_of
from asyncstream.events.withheld import TOLD, Withheld
from asyncstream.relay.withholding import Withholding
from asyncstream.types import ChatCompletionChunk

ASSISTANTS, CHAT, RESPONSES = wire_of("assistants"), wire_of("chat"), wire_of("responses")

NEEDED = {
    "Thread": "id object created_at",
    "Run": (
        "id object created_at thread_id assistant_id status required_action last_error expires_at started_at "
        "cancelled_at failed_at completed_at incomplete_details model usage temperature top_p reasoning_effort "
        "max_prompt_tokens max_completion_tokens truncation_strategy tool_choice parallel_tool_calls "
        "response_format"
    ),
    "RequiredAction": "type submit_tool_outputs submit_tool_approval",
    "RequiredActionSubmitToolOutputs": "tool_calls",
    "RequiredActionFunctionToolCall": "id type function",
    "RequiredActionFunction": "name arguments",
    "RequiredActionSubmitToolApproval": "tool_calls",
    "RequiredActionMCPToolCall": "id type name server_label arguments",
    "LastError": "code message",
    "IncompleteDetails": "reason",
    "Usage": "prompt_tokens completion_tokens total_tokens prompt_token_details completion_tokens_details",
    "TruncationStrategy": "type last_messages",
    "AssistantToolChoice": "type function",
    "AssistantToolChoiceFunction": "name",
    "ResponseFormatText": "",
    "ResponseFormatJSONObject": "",
    "ResponseFormatJSONSchema": "",
    "UnknownResponseFormat": "wire_type raw",
    "RunStep": (
        "id object created_at assistant_id thread_id run_id type status step_details last_error expired_at "
        "expires_at cancelled_at failed_at completed_at usage"
    ),
    "MessageCreationStepDetails": "message_creation",
    "MessageCreation": "message_id",
    "ToolCallsStepDetails": "tool_calls",
    "FunctionToolCall": "id function",
    "Function": "name arguments output",
    "CodeInterpreterToolCall": "id code_interpreter",
    "CodeInterpreter": "input outputs",
    "CodeInterpreterOutputLogs": "logs",
    "CodeInterpreterToolCallOutputImage": "image",
    "CodeInterpreterOutputImageImage": "file_id",
    "UnknownCodeInterpreterOutput": "wire_type raw",
    "FileSearchToolCall": "id file_search",
    "FileSearch": "ranking_options results",
    "FileSearchRankingOptions": "ranker score_threshold hybrid_search",
    "FileSearchResult": "file_id file_name score content attributes",
    "FileSearchResultContent": "type text",
    "AzureAISearchToolCall": "id azure_ai_search",
    "AzureFunctionToolCall": "id azure_function",
    "BingCustomSearchToolCall": "id bing_custom_search",
    "BingGroundingToolCall": "id bing_grounding",
    "BrowserAutomationToolCall": "id browser_automation",
    "ComputerUsePreviewToolCall": "id computer_use_preview",
    "ConnectedAgentToolCall": "id connected_agent",
    "DeepResearchToolCall": "id deep_research",
    "FabricDataAgentToolCall": "id fabric_dataagent",
    "MCPToolCall": "id name server_label arguments output",
    "OpenAPIToolCall": "id openapi",
    "SharepointGroundingToolCall": "id sharepoint_grounding",
    "UnknownToolCall": "wire_type raw id",
    "UnknownStepDetails": "wire_type raw",
    "RunStepDeltaEvent": "id object delta",
    "RunStepDelta": "step_details",
    "RunStepDeltaMessageDelta": "message_creation tool_calls",
    "MessageCreationDelta": "message_id",
    "FunctionToolCallDelta": "index id function",
    "FunctionDelta": "name arguments output",
    "CodeInterpreterToolCallDelta": "index id code_interpreter",
    "CodeInterpreterDelta": "input outputs",
    "CodeInterpreterLogs": "index logs",
    "CodeInterpreterOutputImage": "index image",
    "Image": "file_id",
    "UnknownCodeInterpreterOutputDelta": "wire_type raw",
    "FileSearchToolCallDelta": "index id file_search",
    "UnknownToolCallDelta": "wire_type raw id",
    "ToolCallDeltaObject": "tool_calls",
    "UnknownStepDeltaDetails": "wire_type raw",
    "Message": (
        "id object created_at thread_id status incomplete_details completed_at incomplete_at role content "
        "assistant_id run_id attachments"
    ),
    "TextContentBlock": "text",
    "Text": "value annotations",
    "FileCitationAnnotation": "text file_citation start_index end_index",
    "FileCitation": "file_id quote",
    "FilePathAnnotation": "text file_path start_index end_index",
    "FilePath": "file_id",
    "URLCitationAnnotation": "text url_citation start_index end_index",
    "URLCitation": "url title",
    "UnknownAnnotation": "wire_type raw",
    "ImageFileContentBlock": "image_file",
    "ImageFile": "file_id detail",
    "ImageURLContentBlock": "image_url",
    "ImageURL": "url detail",
    "RefusalContentBlock": "refusal",
    "UnknownContentBlock": "wire_type raw",
    "Attachment": "file_id",
    "MessageDeltaEvent": "id object delta",
    "MessageDelta": "role content",
    "TextDeltaBlock": "index text",
    "TextDelta": "value annotations",
    "FileCitationDeltaAnnotation": "index text file_citation start_index end_index",
    "FileCitationDelta": "file_id quote",
    "FilePathDeltaAnnotation": "index text file_path start_index end_index",
    "FilePathDelta": "file_id",
    "URLCitationDeltaAnnotation": "index text url_citation start_index end_index",
    "URLCitationDelta": "url title",
    "UnknownAnnotationDelta": "wire_type raw",
    "ImageFileDeltaBlock": "index image_file",
    "ImageFileDelta": "file_id detail",
    "ImageURLDeltaBlock": "index image_url",
    "ImageURLDelta": "url detail",
    "RefusalDeltaBlock": "index refusal",
    "UnknownContentDeltaBlock": "wire_type raw",
    "ChatCompletionChunk": (
        "id object created model choices usage system_fingerprint service_tier obfuscation moderation "
        "prompt_filter_results provider citations search_results error type x_groq <extra"
    ),
    "ChunkChoice": (
        "index delta finish_reason logprobs message usage content_filter_results native_finish_reason <extra"
    ),
    "ChoiceDelta": (
        "role content refusal tool_calls function_call reasoning reasoning_content reasoning_text reasoning_details "
        "thinking_blocks images annotations audio extra_content <content_parts <extra"
    ),
    "ChoiceDeltaToolCall": "index id type function custom extra_content <extra",
    "ChoiceDeltaToolCallFunction": "name arguments",
    "ChoiceDeltaToolCallCustom": "name input",
    "ChoiceDeltaFunctionCall": "name arguments",
    "ChatURLCitationAnnotation": "url_citation",
    "AnnotationURLCitation": "url title start_index end_index content",
    "UnknownChatAnnotation": "wire_type raw",
    "ChoiceDeltaAudio": "id data transcript expires_at",
    "ChoiceLogprobs": "content refusal",
    "ChatCompletionTokenLogprob": "token logprob bytes top_logprobs",
    "TopLogprob": "token logprob bytes",
    "CompletionUsage": (
        "prompt_tokens completion_tokens total_tokens completion_tokens_details prompt_tokens_details extra"
    ),
    "CompletionTokensDetails": (
        "accepted_prediction_tokens audio_tokens reasoning_tokens rejected_prediction_tokens text_tokens"
    ),
    "PromptTokensDetails": "audio_tokens cache_write_tokens cached_tokens image_tokens text_tokens",
    "ChatCompletionModeration": "input output",
    "ChatCompletionModerationResults": "model results",
    "ChatCompletionModerationResult": "type model flagged categories category_scores category_applied_input_types",
    "ChatCompletionModerationError": "code message",
    "UnknownChatModeration": "wire_type raw",
    "PromptFilterResult": "prompt_index content_filter_results",
    "XGroq": "id usage error",
    "AccessPrograms": "cyber <extra",
    "ActionClick": "button keys x y <extra",
    "ActionDoubleClick": "keys x y <extra",
    "ActionDrag": "keys path <extra",
    "ActionDragPath": "x y <extra",
    "ActionFind": "pattern url <extra",
    "ActionKeypress": "keys <extra",
    "ActionMove": "keys x y <extra",
    "ActionOpenPage": "url <extra",
    "ActionScreenshot": "<extra",
    "ActionScroll": "keys scroll_x scroll_y x y <extra",
    "ActionSearch": "queries query sources <extra",
    "ActionSearchSource": "type url <extra",
    "ActionType": "text <extra",
    "ActionWait": "<extra",
    "AdditionalTools": "id role <extra",
    "AnnotationContainerFileCitation": "container_id end_index file_id filename start_index <extra",
    "AnnotationFileCitation": "file_id filename index <extra",
    "AnnotationFilePath": "file_id index <extra",
    "CallerDirect": "<extra",
    "CallerProgram": "caller_id <extra",
    "ContainerReference": "container_id <extra",
    "ImageGenerationCall": (
        "<partial_images action background error id output_format quality result revised_prompt size status "
        "svg_usage <extra"
    ),
    "ImageGenerationCallError": "code message moderation_details param type <extra",
    "ImageGenerationCallErrorModerationDetails": "categories moderation_stage <extra",
    "ImageGenerationCallSvgUsage": "input_tokens model output_tokens reasoning_tokens total_tokens <extra",
    "InputTokensDetails": "cache_write_tokens cache_write_tokens_details cached_tokens <extra",
    "InputTokensDetailsCacheWriteTokensDetails": "ttl_12h_tokens ttl_30m_tokens <extra",
    "InputTransformation": "action id reason <extra",
    "LocalEnvironment": "<extra",
    "LocalShellCall": "action call_id id status <extra",
    "LocalShellCallAction": "command env timeout_ms type working_directory <extra",
    "LocalShellCallOutput": "id output status <extra",
    "Logprob": "bytes logprob token top_logprobs <extra",
    "LogprobTopLogprob": "bytes logprob token <extra",
    "McpApprovalRequest": "arguments id name server_label <extra",
    "McpApprovalResponse": "approval_request_id approve id reason <extra",
    "McpCall": "<cut approval_request_id arguments error id name output server_label status <extra",
    "McpHTTPError": "code message <extra",
    "McpListTools": "error id server_label <extra",
    "McpProtocolError": "code message <extra",
    "McpToolExecutionError": "content <extra",
    "Misalignment": "detailed_explanation error_type review_target steer <extra",
    "MisalignmentSteer": "message <extra",
    "OperationCreateFile": "diff path <extra",
    "OperationDeleteFile": "path <extra",
    "OperationUpdateFile": "diff path <extra",
    "OutcomeExit": "exit_code <extra",
    "OutcomeTimeout": "<extra",
    "OutputImage": "url <extra",
    "OutputLogs": "logs <extra",
    "OutputTokensDetails": "reasoning_tokens <extra",
    "PendingSafetyCheck": "code id message <extra",
    "Program": "call_id code fingerprint id <extra",
    "ProgramOutput": "call_id id result status <extra",
    "PromptCacheBreakpoint": "mode ttl <extra",
    "PromptCacheDiagnosticsCacheHit": "<extra",
    "PromptCacheDiagnosticsCacheMiss": "cache_missed_tokens comparison_reusable_tokens reason <extra",
    "PromptCacheDiagnosticsComparisonResponseNotFound": "<extra",
    "PromptCacheDiagnosticsUnavailable": "<extra",
    "PromptCacheOptions": "comparison_response_id mode prewarm ttl <extra",
    "Reasoning": "context effort generate_summary mode summary <extra",
    "Response": (
        "access_programs background billing completed_at content_filters created_at error frequency_penalty id image "
        "incomplete_details input_transformations max_output_tokens max_tool_calls model moderation object output "
        "parallel_tool_calls presence_penalty prompt_cache_diagnostics prompt_cache_options prompt_cache_retention "
        "reasoning service_tier status store temperature text tool_choice tool_usage top_logprobs top_p truncation "
        "usage <extra"
    ),
    "ResponseAnnotationURLCitation": "end_index start_index title url <extra",
    "ResponseApplyPatchToolCall": "call_id caller created_by id operation status <extra",
    "ResponseApplyPatchToolCallOutput": "call_id caller created_by id output status <extra",
    "ResponseCodeInterpreterToolCall": "code container_id id outputs status <extra",
    "ResponseCompactionItem": "created_by encrypted_content id <extra",
    "ResponseComputerToolCall": "action actions call_id id pending_safety_checks status <extra",
    "ResponseComputerToolCallOutputItem": "acknowledged_safety_checks call_id created_by id output status <extra",
    "ResponseComputerToolCallOutputScreenshot": "file_id image_url type <extra",
    "ResponseCustomToolCall": "<cut async call_id caller created_by id input name namespace status <extra",
    "ResponseCustomToolCallOutputItem": "call_id caller created_by id output status <extra",
    "ResponseError": "code message misalignment param type <extra",
    "ResponseFileSearchResult": "attributes file_id filename score text <extra",
    "ResponseFileSearchToolCall": "id queries results status <extra",
    "ResponseFunctionShellCallOutputContent": "created_by outcome stderr stdout <extra",
    "ResponseFunctionShellToolCall": "action call_id caller created_by environment id status <extra",
    "ResponseFunctionShellToolCallOutput": "call_id caller created_by id max_output_length output status <extra",
    "ResponseFunctionToolCall": "<cut arguments async call_id caller created_by id name namespace status <extra",
    "ResponseFunctionToolCallOutputItem": "call_id caller created_by id name namespace output status <extra",
    "ResponseFunctionWebSearch": "action id status <extra",
    "ResponseImage": "context_compression <extra",
    "ResponseIncompleteDetails": "reason <extra",
    "ResponseInputFile": "detail file_data file_id file_url filename prompt_cache_breakpoint <extra",
    "ResponseInputImage": "detail file_id image_url prompt_cache_breakpoint <extra",
    "ResponseInputText": "prompt_cache_breakpoint text <extra",
    "ResponseModeration": "input output <extra",
    "ResponseModerationError": "code message <extra",
    "ResponseModerationResult": "categories category_applied_input_types category_scores flagged model <extra",
    "ResponseOutputMessage": "content id phase role status <extra",
    "ResponseOutputRefusal": "refusal <extra",
    "ResponseOutputText": "<parsed annotations logprobs text <extra",
    "ResponseReasoningItem": "content encrypted_content id status summary <extra",
    "ResponseReasoningText": "text <extra",
    "ResponseShellCallOutputDelta": "stderr stdout <extra",
    "ResponseSummaryText": "text <extra",
    "ResponseTextConfig": "verbosity <extra",
    "ResponseToolSearchCall": "arguments call_id created_by execution id status <extra",
    "ResponseToolSearchOutputItem": "call_id created_by execution id status <extra",
    "ResponseUsage": "input_tokens input_tokens_details output_tokens output_tokens_details total_tokens <extra",
    "ShellCallAction": "commands max_output_length timeout_ms <extra",
    "ToolChoiceAllowed": "mode <extra",
    "ToolChoiceApplyPatch": "<extra",
    "ToolChoiceCodeInterpreter": "<extra",
    "ToolChoiceComputer": "<extra",
    "ToolChoiceComputerUse": "<extra",
    "ToolChoiceComputerUsePreview": "<extra",
    "ToolChoiceCustom": "name <extra",
    "ToolChoiceFileSearch": "<extra",
    "ToolChoiceFunction": "name <extra",
    "ToolChoiceImageGeneration": "<extra",
    "ToolChoiceMcp": "name server_label <extra",
    "ToolChoiceProgrammaticToolCalling": "<extra",
    "ToolChoiceShell": "<extra",
    "ToolChoiceWebSearchPreview": "<extra",
    "ToolChoiceWebSearchPreview20250311": "<extra",
    "ToolUsage": "image_gen web_search <extra",
    "ToolUsageImageGen": (
        "cached_tokens cached_tokens_details input_tokens input_tokens_details output_tokens output_tokens_details "
        "total_tokens <extra"
    ),
    "ToolUsageImageGenCachedTokensDetails": "cached_image_tokens cached_text_tokens <extra",
    "ToolUsageImageGenTokensDetails": "image_tokens text_tokens <extra",
    "ToolUsageWebSearch": "num_requests <extra",
    "UnknownResponseAnnotation": "raw wire_type",
    "UnknownResponseItem": "id raw wire_type",
    "UnknownResponseObject": "raw wire_type",
    "UnknownResponsePart": "raw wire_type",
}
"""What readers need, by struct. A member that is new stands here, or in the table of its protocol: what it is decides.

What is left out of one event is left out of all that have the struct. `raw` is the JSON of a part whose type nobody
knows; nothing of the table stands in it either. Of the errors, browsers are told what `relay.words` lets through.
"""

NEEDED |= {
    event: f"<raw <repairs sequence_number {members}".rstrip()
    for event, members in {
        **{event.__name__: "item_id output_index" for event in get_args(ResponseCallStateEvent)},
        "ResponseApplyPatchCallOperationDiffDeltaEvent": "delta item_id obfuscation output_index",
        "ResponseApplyPatchCallOperationDiffDoneEvent": "diff item_id output_index",
        "ResponseAudioDeltaEvent": "delta obfuscation",
        "ResponseAudioDoneEvent": "",
        "ResponseAudioTranscriptDeltaEvent": "delta obfuscation",
        "ResponseAudioTranscriptDoneEvent": "",
        "ResponseCancelledEvent": "error response",
        "ResponseCodeInterpreterCallCodeDeltaEvent": "delta item_id obfuscation output_index",
        "ResponseCodeInterpreterCallCodeDoneEvent": "code item_id output_index",
        "ResponseCompactionCompactingEvent": "item_id output_index",
        "ResponseCompletedEvent": "error response",
        "ResponseContentPartAddedEvent": "content_index item_id output_index part",
        "ResponseContentPartDoneEvent": "content_index item_id output_index part",
        "ResponseCreatedEvent": "error response",
        "ResponseCustomToolCallInputDeltaEvent": "<whole call_id delta item_id name obfuscation output_index",
        "ResponseCustomToolCallInputDoneEvent": "call_id input item_id name output_index",
        "ResponseDoneEvent": "error response",
        "ResponseFailedEvent": "error response",
        "ResponseFunctionCallArgumentsDeltaEvent": "<whole call_id delta item_id name obfuscation output_index",
        "ResponseFunctionCallArgumentsDoneEvent": "arguments call_id item_id name output_index",
        "ResponseImageGenCallPartialImageEvent": (
            "background item_id output_format output_index partial_image_b64 partial_image_index quality size"
        ),
        "ResponseInProgressEvent": "error response",
        "ResponseIncompleteEvent": "error response",
        "ResponseMcpCallArgumentsDeltaEvent": "<whole call_id delta item_id name obfuscation output_index",
        "ResponseMcpCallArgumentsDoneEvent": "arguments call_id item_id name output_index",
        "ResponseOutputItemAddedEvent": "item output_index",
        "ResponseOutputItemDoneEvent": "item output_index",
        "ResponseOutputTextAnnotationAddedEvent": "annotation annotation_index content_index item_id output_index",
        "ResponseQueuedEvent": "error response",
        "ResponseReasoningPartAddedEvent": "content_index item_id output_index part",
        "ResponseReasoningPartDoneEvent": "content_index item_id output_index part",
        "ResponseReasoningSummaryPartAddedEvent": "item_id output_index part summary_index",
        "ResponseReasoningSummaryPartDoneEvent": "item_id output_index part status summary_index",
        "ResponseReasoningSummaryTextDeltaEvent": "delta item_id obfuscation output_index summary_index",
        "ResponseReasoningSummaryTextDoneEvent": "item_id output_index summary_index text",
        "ResponseReasoningTextDeltaEvent": "content_index delta item_id obfuscation output_index",
        "ResponseReasoningTextDoneEvent": "content_index item_id output_index text",
        "ResponseRefusalDeltaEvent": "content_index delta item_id obfuscation output_index",
        "ResponseRefusalDoneEvent": "content_index item_id output_index refusal",
        "ResponseShellCallCommandAddedEvent": "command command_index item_id output_index",
        "ResponseShellCallCommandDeltaEvent": "command_index delta item_id obfuscation output_index",
        "ResponseShellCallCommandDoneEvent": "command command_index item_id output_index",
        "ResponseShellCallOutputContentDeltaEvent": "command_index delta item_id obfuscation output_index",
        "ResponseShellCallOutputContentDoneEvent": "command_index item_id output output_index",
        "ResponseTextDeltaEvent": "content_index delta item_id logprobs obfuscation output_index",
        "ResponseTextDoneEvent": "content_index item_id logprobs output_index text",
    }.items()
}
"""Likewise of the events that are their payload."""


def payloads() -> Iterator[tuple[str, type[Struct], Withheld]]:
    """Give each event's name, its payload and the table of its protocol."""
    for event in get_args(AssistantStreamEvent):
        if event not in (ErrorEvent, DoneEvent, UnknownEvent):
            yield event.event, event.__annotations__["data"], ASSISTANTS.withheld
    yield "", ChatCompletionChunk, CHAT.withheld
    for event in get_args(ResponseStreamEvent):
        if event not in (ErrorEvent, DoneEvent, RemarkEvent, UnknownEvent):
            yield event.type, event, RESPONSES.withheld


def members(cls: type[Struct], names: frozenset[str], found: dict[str, set[str]]) -> dict[str, set[str]]:
    """Collect the members of a struct, and of those inside it, that are not left out."""
    if cls.__name__ not in found:
        info = inspect.type_info(cls)
        assert isinstance(info, inspect.StructType)
        kept = [field for field in info.fields if field.encode_name not in names]
        found[cls.__name__] = {field.encode_name for field in kept}
        for field in kept:
            for inner in structs(field.type):
                members(inner, names, found)
    return found


def structs(info: inspect.Type) -> Iterator[type[Struct]]:
    match info:
        case inspect.StructType():
            yield info.cls
        case inspect.UnionType():
            for one in info.types:
                yield from structs(one)
        case inspect.ListType():
            yield from structs(info.item_type)
        case inspect.DictType():
            yield from structs(info.value_type)


@pytest.mark.parametrize(("event", "payload", "withheld"), list(payloads()))
def test_a_member_is_needed_by_readers_or_left_out(event, payload, withheld):
    found = members(payload, withheld.members.get(event, frozenset()), {})

    assert {name: set(NEEDED.get(name, "").split()) for name in found} == found


def test_what_is_needed_is_there():
    found: dict[str, set[str]] = {}
    for event, payload, withheld in payloads():
        for name, kept in members(payload, withheld.members.get(event, frozenset()), {}).items():
            found.setdefault(name, set()).update(kept)

    assert {name: set(needed.split()) for name, needed in NEEDED.items()} == found


def test_a_member_that_is_new_would_be_seen():
    class Thread(Struct):
        id: str
        summary: str = ""

    found = members(Thread, ASSISTANTS.withheld.members["thread.created"], {})

    assert {"summary"} == found["Thread"] - set(NEEDED["Thread"].split())


def test_every_event_is_in_the_table():
    events = {event for event, _, withheld in payloads() if withheld is ASSISTANTS.withheld}

    assert events == set(ASSISTANTS.withheld.members)
    assert {""} == set(CHAT.withheld.members)
    assert {event for event, _, withheld in payloads() if withheld is RESPONSES.withheld} == set(
        RESPONSES.withheld.members
    )


@pytest.mark.parametrize("wire", [ASSISTANTS, CHAT, RESPONSES])
def test_what_all_protocols_have_is_left_out_of_every_event_of_the_table(wire):
    assert all(names >= TOLD for names in wire.withheld.members.values())
    assert wire.withheld.names >= TOLD
    # What is an answer is not looked into, so it could not be left out of it.
    assert frozenset() == wire.withheld.names & wire.withheld.answers


REQUEST = {
    "instructions": "secret",
    "tools": [{"type": "function", "name": "secret"}],
    "metadata": {"k": "secret"},
    "prompt": {"id": "secret"},
    "user": "secret",
    "safety_identifier": "secret",
    "prompt_cache_key": "secret",
    "text": {"format": {"type": "json_schema", "name": "secret"}, "verbosity": "low"},
    "conversation": {"id": "secret"},
    "previous_response_id": "secret",
}
"""What a response repeats of its request and readers are not told."""


def test_what_a_response_repeats_of_its_request_is_left_out():
    listed = {"type": "mcp_list_tools", "id": "mcpl_1", "server_label": "s", "tools": [{"name": "secret"}]}
    skills = [{"name": "secret", "description": "secret", "path": "/secret"}]
    shell = {"type": "shell_call", "id": "sh_1", "environment": {"type": "local", "skills": skills}}
    called = {"type": "function_call", "id": "fc_1", "arguments": '{"tools": "an answer"}'}
    searched = {"type": "tool_search_call", "id": "ts_1", "arguments": {"user": "an answer"}}
    payload = {
        "type": "response.completed",
        "response": {"id": "r", "output": [listed, shell, called, searched], **REQUEST},
    }
    event = RESPONSES.decode_plain(b"data: " + json.dumps(payload).encode())
    assert event is not None
    relayed = Withholding(RESPONSES.withheld, RESPONSES.understood).of_event(event.type, event.raw, event)
    understood = Withholding(RESPONSES.withheld, RESPONSES.understood).of_change(event.response)

    del listed["tools"]
    del shell["environment"]["skills"]  # type: ignore[attr-defined]
    response = {"id": "r", "output": [listed, shell, called, searched], "text": {"verbosity": "low"}}
    assert {"type": "response.completed", "response": response} == json.loads(relayed)
    assert "secret" not in str(understood)
    assert "an answer" in str(understood)


def test_a_delta_goes_out_as_it_came():
    payload = b'{"type":"response.output_text.delta","delta":"tools","item_id":"m","sequence_number":3}'
    event = RESPONSES.decode_plain(b"data: " + payload)
    assert event is not None

    assert payload == Withholding(RESPONSES.withheld, RESPONSES.understood).of_event(event.type, payload, event)
