"""The structs that the wire speaks, one file a noun. Plain data, with `to_dict`; chat messages and calls do more."""

from typing import TYPE_CHECKING

from asyncstream.faces import face

if TYPE_CHECKING:
    from asyncstream.types.assistants import *
    from asyncstream.types.chat import *
    from asyncstream.types.chat_chunks import *
    from asyncstream.types.chat_parts import *
    from asyncstream.types.conversations import *
    from asyncstream.types.files import *
    from asyncstream.types.function_calls import *
    from asyncstream.types.messages import *
    from asyncstream.types.models import *
    from asyncstream.types.responses import *
    from asyncstream.types.responses_items import *
    from asyncstream.types.responses_parts import *
    from asyncstream.types.responses_tools import *
    from asyncstream.types.run_steps import *
    from asyncstream.types.runs import *
    from asyncstream.types.shared import *
    from asyncstream.types.structs import *
    from asyncstream.types.threads import *
    from asyncstream.types.tool_calls import *
    from asyncstream.types.tools import *
    from asyncstream.types.vector_stores import *
else:
    __getattr__, __dir__ = face(
        __name__,
        "assistants",
        "chat",
        "chat_chunks",
        "chat_parts",
        "conversations",
        "files",
        "function_calls",
        "messages",
        "models",
        "responses",
        "responses_items",
        "responses_parts",
        "responses_tools",
        "run_steps",
        "runs",
        "shared",
        "structs",
        "threads",
        "tool_calls",
        "tools",
        "vector_stores",
    )
