"""Decode JSON text that a model wrote into a type of the user's. Pure; below it stand `errors` and msgspec only.

The other way, from a type to the schema that the model is shown, is `tools`. No pydantic is needed; its models are
recognised by their methods, so nothing is imported for them either.

Rule 1: what a model wrote is never mended and never completed. It fits, or a `ParseError` says where it does not.
"""

import re
from typing import Any, TypeVar, cast

import msgspec

from asyncstream.errors import ConfigurationError, ParseError

__all__ = ["parse_json"]

T = TypeVar("T")

_PATH = r" - at `(?:key in )?(.+)`$"


def parse_json(text: str, target: type[T], *, what: str, cut: str | None = None, empty: str = "") -> T:
    """Decode a text into a type.

    Args:
        text: JSON as the model wrote it.
        target: A `msgspec.Struct`, dataclass, TypedDict, pydantic model, or whatever msgspec decodes.
        what: What the text is, for the error.
        cut: Why the text is not whole: a finish reason, or "unfinished"; None if it is.
        empty: What a blank text stands for.

    Raises:
        ParseError: The text is cut, is no JSON, or does not fit.
        ConfigurationError: Nothing can be decoded into this type.
    """
    if cut is not None:
        raise ParseError(
            f"{what} {'is unfinished' if cut == 'unfinished' else f'was cut (finish reason {cut!r})'} "
            f"after {len(text)} characters and is not parsed",
            raw=text,
        )
    validate = getattr(target, "model_validate_json", None)
    if validate is not None:
        return cast("T", _parse_pydantic(text, empty, validate, what, _name(target)))
    try:
        decoder = msgspec.json.Decoder(target)
    except TypeError as error:
        raise ConfigurationError(f"cannot parse into {_name(target)}: {error}") from error
    try:
        return decoder.decode((text if text.strip() else empty).encode("utf-8", "surrogatepass"))
    except msgspec.ValidationError as error:
        reason = str(error)
        found = re.search(_PATH, reason)
        path = found.group(1) if found else "$"
        raise _unfit(what, target, path, reason[: found.start()] if found else reason, text) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ParseError(f"{what} is not JSON: {error}", raw=text) from error
    except RecursionError as error:
        raise ParseError(f"{what} is nested too deep", raw=text) from error


def _parse_pydantic(text: str, empty: str, validate: Any, what: str, name: str) -> Any:
    try:
        return validate((text if text.strip() else empty).encode("utf-8", "replace"))
    except ValueError as error:
        # What pydantic raises is a ValueError with a list of what is wrong.
        list_errors = getattr(error, "errors", None)
        errors = [] if list_errors is None else list_errors()
        if not errors:
            raise _unfit(what, name, "$", str(error), text) from error
        steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in errors[0]["loc"])
        raise _unfit(what, name, "$" + "".join(steps), str(errors[0]["msg"]), text) from error


def _unfit(what: str, target: Any, path: str, reason: str, text: str) -> ParseError:
    return ParseError(f"{what} does not fit {_name(target)} at {path}: {reason}", path=path, raw=text)


def _name(target: Any) -> str:
    return target if isinstance(target, str) else getattr(target, "__name__", repr(target))
