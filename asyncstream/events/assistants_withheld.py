"""What of the Assistants' events is not for browsers: `WITHHELD`. Pure."""

from asyncstream.events.withheld import TOLD, Withheld

__all__ = ["WITHHELD"]

_RUN = TOLD | {"json_schema"}
"""The schema of a `response_format` is part of the prompt."""

WITHHELD = Withheld(
    members={
        "thread.created": TOLD,
        "thread.run.created": _RUN,
        "thread.run.queued": _RUN,
        "thread.run.in_progress": _RUN,
        "thread.run.requires_action": _RUN,
        "thread.run.completed": _RUN,
        "thread.run.incomplete": _RUN,
        "thread.run.failed": _RUN,
        "thread.run.cancelling": _RUN,
        "thread.run.cancelled": _RUN,
        "thread.run.expired": _RUN,
        # Of the steps, Azure's list the tools of an MCP server, as a whole or as a delta.
        "thread.run.step.created": TOLD,
        "thread.run.step.in_progress": TOLD,
        "thread.run.step.delta": TOLD,
        "thread.run.step.completed": TOLD,
        "thread.run.step.failed": TOLD,
        "thread.run.step.cancelled": TOLD,
        "thread.run.step.expired": TOLD,
        # Of a message also the tools of its attachments.
        "thread.message.created": TOLD,
        "thread.message.in_progress": TOLD,
        "thread.message.delta": TOLD,
        "thread.message.completed": TOLD,
        "thread.message.incomplete": TOLD,
    },
    answers=frozenset({"arguments", "content", "input", "output", "outputs", "results"}),
    texts={"thread.message.delta": frozenset({"value"})},
)
