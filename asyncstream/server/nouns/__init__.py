"""The endpoints, one file a noun. Each has a table `ROUTES` and the fields of its bodies; `app` collects the tables."""

from asyncstream.server.calls import Route
from asyncstream.server.nouns import (
    assistants,
    chat_completions,
    file_batches,
    files,
    messages,
    models,
    run_steps,
    runs,
    threads,
    vector_store_files,
    vector_stores,
)

__all__ = ["ROUTES"]

# Runs come before threads: POST /threads/runs is no thread.
ROUTES: tuple[Route, ...] = (
    *assistants.ROUTES,
    *runs.ROUTES,
    *run_steps.ROUTES,
    *messages.ROUTES,
    *threads.ROUTES,
    *chat_completions.ROUTES,
    *files.ROUTES,
    *vector_stores.ROUTES,
    *vector_store_files.ROUTES,
    *file_batches.ROUTES,
    *models.ROUTES,
)
