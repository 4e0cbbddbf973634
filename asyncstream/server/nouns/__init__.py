"""The endpoints, one file a noun. Each has a table `ROUTES` and the fields of its bodies; `app` collects the tables."""

from asyncstream.server.calls import Route
from asyncstream.server.nouns import assistants, messages, run_steps, runs, threads

__all__ = ["ROUTES"]

# Runs come before threads: POST /threads/runs is no thread.
ROUTES: tuple[Route, ...] = (
    *assistants.ROUTES,
    *runs.ROUTES,
    *run_steps.ROUTES,
    *messages.ROUTES,
    *threads.ROUTES,
)
