"""Request bodies as TypedDicts, one a body: an absent key is omitted, None is sent as null. Nothing here behaves."""

from typing import TYPE_CHECKING

from asyncstream.faces import face

if TYPE_CHECKING:
    from asyncstream.params.assistants import *
    from asyncstream.params.chat import *
    from asyncstream.params.chat_messages import *
    from asyncstream.params.conversations import *
    from asyncstream.params.files import *
    from asyncstream.params.messages import *
    from asyncstream.params.responses import *
    from asyncstream.params.responses_items import *
    from asyncstream.params.responses_tools import *
    from asyncstream.params.runs import *
    from asyncstream.params.shared import *
    from asyncstream.params.threads import *
    from asyncstream.params.tools import *
    from asyncstream.params.uploads import *
    from asyncstream.params.vector_stores import *
else:
    __getattr__, __dir__ = face(
        __name__,
        "assistants",
        "chat",
        "chat_messages",
        "conversations",
        "files",
        "messages",
        "responses",
        "responses_items",
        "responses_tools",
        "runs",
        "shared",
        "threads",
        "tools",
        "uploads",
        "vector_stores",
    )
