"""Read JSON that is still being written: what can be said of it so far. Pure; needs the extra `[partial]`.

Below it stand `errors`, `nesting` and, once it is called, jiter. For showing only: a number that is read here may still
grow.
"""

from importlib import import_module

from asyncstream.errors import ConfigurationError, ParseError
from asyncstream.nesting import MAX_DEPTH, nested_too_deep

__all__ = ["parse_partial"]


def parse_partial(text: str) -> object:
    """Parse the beginning of a JSON text: open strings, lists and objects end where the text ends.

    Returns:
        The value so far; None before it begins.

    Raises:
        ConfigurationError: jiter is not installed.
        ParseError: The text is no beginning of JSON, or is nested too deep.
    """
    try:
        jiter = import_module("jiter")
    except ImportError as error:
        raise ConfigurationError("partially parsed JSON needs jiter: pip install 'asyncstream[partial]'") from error
    if not text.strip():
        return None
    data = text.encode("utf-8", "replace")
    if nested_too_deep(data):
        raise ParseError(f"{len(text)} characters are nested deeper than {MAX_DEPTH} levels", raw=text)
    try:
        value: object = jiter.from_json(data, partial_mode="trailing-strings")
    except ValueError as error:
        raise ParseError(f"{len(text)} characters are no beginning of JSON: {error}", raw=text) from error
    return value
