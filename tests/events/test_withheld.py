"""What of an event is not for browsers: each member of each struct is needed by readers, or is in the table."""

from collections.abc import Iterator
from typing import get_args

import pytest
from msgspec import Struct, inspect

from asyncstream.events import AssistantStreamEvent, DoneEvent, ErrorEvent, UnknownEvent
from asyncstream.events.decode import wire_of
from asyncstream.events.withheld import TOLD, Withheld
from asyncstream.types import ChatCompletionChunk

ASSISTANTS, CHAT = wire_of("assistants"), wire_of("chat")

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
}
"""What readers need, by struct. A member that is new stands here, or in the table of its protocol: what it is decides.

What is left out of one event is left out of all that have the struct. `raw` is the JSON of a part whose type nobody
knows; nothing of the table stands in it either. Of the errors, browsers are told what `relay.words` lets through.
"""


def payloads() -> Iterator[tuple[str, type[Struct], Withheld]]:
    """Give each event's name, its payload and the table of its protocol."""
    for event in get_args(AssistantStreamEvent):
        if event not in (ErrorEvent, DoneEvent, UnknownEvent):
            yield event.event, event.__annotations__["data"], ASSISTANTS.withheld
    yield "", ChatCompletionChunk, CHAT.withheld


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


@pytest.mark.parametrize("wire", [ASSISTANTS, CHAT])
def test_what_all_protocols_have_is_left_out_of_every_event_of_the_table(wire):
    assert all(names >= TOLD for names in wire.withheld.members.values())
    assert wire.withheld.names >= TOLD
    # What is an answer is not looked into, so it could not be left out of it.
    assert frozenset() == wire.withheld.names & wire.withheld.answers
