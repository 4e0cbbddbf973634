"""What users hold while a response runs: the streams and the event handlers. Public names only."""

from typing import TYPE_CHECKING

from asyncstream.faces import face

if TYPE_CHECKING:
    from asyncstream.streaming.assistants.stream import *
    from asyncstream.streaming.chat import *
    from asyncstream.streaming.file_content import *
    from asyncstream.streaming.responses import *
    from asyncstream.streaming.view import *
else:
    __getattr__, __dir__ = face(
        __name__,
        "assistants.stream",
        "chat",
        "file_content",
        "responses",
        "view",
    )
