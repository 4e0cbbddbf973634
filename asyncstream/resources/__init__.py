"""The nouns of the API: what each endpoint is called, takes and gives. Nothing here talks HTTP or folds events.

A file is loaded when it is asked for, so that a client loads what the nouns need that are used.
"""

from typing import TYPE_CHECKING

from asyncstream.faces import face

if TYPE_CHECKING:
    from asyncstream.resources import assistants as assistants
    from asyncstream.resources import chat as chat
    from asyncstream.resources import conversations as conversations
    from asyncstream.resources import files as files
    from asyncstream.resources import models as models
    from asyncstream.resources import responses as responses
    from asyncstream.resources import threads as threads
    from asyncstream.resources import vector_stores as vector_stores
else:
    __getattr__, __dir__ = face(__name__)
