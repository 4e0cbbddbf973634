"""What may go back as the output of a tool: text. Pure; knows no protocol.

Rule 1: nothing is turned into text here. How a Decimal, a date or an object is to be read is known to whoever has it;
what a model is shown of it must not depend on what an encoder happens to make of it.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import cast

from asyncstream.errors import ConfigurationError
from asyncstream.tools.content import json_of

__all__ = ["check_outputs", "output_json", "output_text", "outputs_by_id"]


def output_text(id: str, output: object) -> str:
    """Return the output of a call.

    Raises:
        ConfigurationError: It is not text.
    """
    if not isinstance(output, str):
        raise ConfigurationError(f"expected the output of {id!r} as text, got {type(output).__name__}: encode it")
    return output


def check_outputs(outputs: Sequence[Mapping[str, object]]) -> None:
    """Look through outputs as a request carries them: a list of ``{"tool_call_id": ..., "output": str}``.

    Raises:
        ConfigurationError: One is no mapping, or its output is not text.
    """
    for output in cast("Sequence[object]", outputs):
        if not isinstance(output, Mapping):
            raise ConfigurationError(
                f"expected each output as {{'tool_call_id': ..., 'output': ...}}, got {type(output).__name__}"
            )
        if "output" in output:
            output_text(str(output.get("tool_call_id")), output["output"])


def outputs_by_id(outputs: Sequence[Mapping[str, object]], waiting: Collection[str]) -> dict[str, str]:
    """Return the output of each call that waits for one, by its id.

    Raises:
        ConfigurationError: One is left out, is given twice, is not text, or is for a call that is not open.
    """
    found: dict[str, str] = {}
    check_outputs(outputs)
    for output in outputs:
        id = str(output.get("tool_call_id") or output.get("call_id"))
        if id not in waiting:
            raise ConfigurationError(f"no call {id!r} is open; the open ones are {', '.join(map(repr, waiting))}")
        if id in found:
            raise ConfigurationError(f"expected one output for {id!r}, got 2")
        found[id] = output_text(id, output.get("output"))
    missing = [id for id in waiting if id not in found]
    if missing:
        raise ConfigurationError(f"every open call needs an output; there is none for {', '.join(map(repr, missing))}")
    return found


def output_json(item: Mapping[str, object]) -> str:
    """Return what an item that answers a call holds, as text.

    Raises:
        ConfigurationError: JSON cannot say it.
    """
    held = item.get("output")
    if isinstance(held, str):
        return held
    try:
        return json_of(held).decode()
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise ConfigurationError(f"the output of an item {item.get('type')!r} cannot be sent: {error}") from error
