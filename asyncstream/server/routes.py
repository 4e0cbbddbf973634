"""All endpoints of the server: the one place that knows which nouns it has.

Each noun has a file in its column, with a table `ROUTES` and the fields of its bodies.
"""

from asyncstream.server import models
from asyncstream.server.assistants import assistants, messages, run_steps, runs, threads
from asyncstream.server.calls import Route
from asyncstream.server.chat import completions
from asyncstream.server.files import file_batches, files, vector_store_files, vector_stores
from asyncstream.server.responses import conversations, inputs, responses

__all__ = ["ROUTES"]

# Runs come before threads: POST /threads/runs is no thread. Inputs come before responses for the same reason.
ROUTES: tuple[Route, ...] = (
    *assistants.ROUTES,
    *runs.ROUTES,
    *run_steps.ROUTES,
    *messages.ROUTES,
    *threads.ROUTES,
    *completions.ROUTES,
    *inputs.ROUTES,
    *responses.ROUTES,
    *conversations.ROUTES,
    *files.ROUTES,
    *vector_stores.ROUTES,
    *vector_store_files.ROUTES,
    *file_batches.ROUTES,
    *models.ROUTES,
)
