"""An in-memory server on a loopback port for Assistants and chat: for demos, for users' tests, and for ours.

It is scripted with a `Scenario` and shares no code with the client above the SSE encoder, so that it can contradict it.

    async with serve(Scenario([Turn(Say("Hello."))])) as base_url:
        client = AsyncClient(api_key="any", base_url=base_url)

A service that must stand bad servers meets them with a dialect: ``Scenario(dialect=ChatDialect(call_index="reused"))``.
"""

from asyncstream.server.actions import (
    Action,
    CallCustom,
    CallFunction,
    Citation,
    Cut,
    EmitRaw,
    EndStep,
    ErrorEvent,
    Expire,
    Fail,
    FilePath,
    Incomplete,
    Pause,
    Refuse,
    RequestApproval,
    RunCode,
    Say,
    SearchFiles,
    SearchResult,
    Segment,
    ShowImage,
    Think,
    ToolResult,
    Turn,
    UrlCitation,
)
from asyncstream.server.answers import default_turn
from asyncstream.server.app import run_forever, serve
from asyncstream.server.dialects import DIALECTS, ChatDialect
from asyncstream.server.outcomes import FileOutcome
from asyncstream.server.scenario import Fault, Scenario, SeenRequest

__all__ = [
    "DIALECTS",
    "Action",
    "CallCustom",
    "CallFunction",
    "ChatDialect",
    "Citation",
    "Cut",
    "EmitRaw",
    "EndStep",
    "ErrorEvent",
    "Expire",
    "Fail",
    "Fault",
    "FileOutcome",
    "FilePath",
    "Incomplete",
    "Pause",
    "Refuse",
    "RequestApproval",
    "RunCode",
    "Say",
    "Scenario",
    "SearchFiles",
    "SearchResult",
    "SeenRequest",
    "Segment",
    "ShowImage",
    "Think",
    "ToolResult",
    "Turn",
    "UrlCitation",
    "default_turn",
    "run_forever",
    "serve",
]
