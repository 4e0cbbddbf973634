"""Decode JSON text that a model wrote into a type of the user's. Pure; needs `errors`, `nesting` and msgspec only.

The other way, from a type to the schema that the model is shown, is `tools`. No pydantic is needed; its models are
recognised by their methods, so nothing is imported for them either.

Rule 1: what a model wrote is never mended and never completed. It fits, or a `ParseError` says where it does not.
"""

from typing import Any, Final, TypeVar, cast

import msgspec

from asyncstream.errors import ConfigurationError, ParseError
from asyncstream.nesting import MAX_DEPTH, nested_too_deep

__all__ = ["parse_json"]

T = TypeVar("T")

_REASON: Final = 500
"""Characters of a decoder's reason that a message shows: it may repeat a value of any length."""


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
    # Half a surrogate pair has no UTF-8: msgspec says where it is, pydantic would say only that there is one.
    data = (text if text.strip() else empty).encode("utf-8", "surrogatepass" if validate is None else "replace")
    if nested_too_deep(data):
        raise ParseError(f"{what} is nested deeper than {MAX_DEPTH} levels", raw=text)
    if validate is not None:
        return cast("T", _parse_pydantic(text, data, validate, what, _name(target)))
    try:
        decoder = msgspec.json.Decoder(target)
    except TypeError as error:
        raise ConfigurationError(f"cannot parse into {_name(target)}: {error}") from error
    try:
        return decoder.decode(data)
    except msgspec.ValidationError as error:
        # "Expected `int`, got `str` - at `$.a`", or "- at `key` in `$.a`"; at the top nothing follows.
        reason, at, place = str(error).removesuffix("`").rpartition(" - at `")
        if not at:
            reason, place = str(error), "$"
        raise _unfit(what, target, place.removeprefix("key` in `"), reason, text) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ParseError(f"{what} is not JSON: {error}", raw=text) from error
    except RecursionError as error:
        # The caller has left less of the stack than the depth that is let in takes.
        raise ParseError(f"{what} is nested too deep", raw=text) from error


def _parse_pydantic(text: str, data: bytes, validate: Any, what: str, name: str) -> Any:
    try:
        return validate(data)
    except ValueError as error:
        # What pydantic raises is a ValueError with a list of what is wrong.
        list_errors = getattr(error, "errors", None)
        errors = [] if list_errors is None else list_errors()
        if not errors:
            raise _unfit(what, name, "$", str(error), text) from error
        steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in errors[0]["loc"])
        raise _unfit(what, name, "$" + "".join(steps), str(errors[0]["msg"]), text) from error


def _unfit(what: str, target: Any, path: str, reason: str, text: str) -> ParseError:
    return ParseError(f"{what} does not fit {_name(target)} at {path}: {reason[:_REASON]}", path=path, raw=text)


def _name(target: Any) -> str:
    return target if isinstance(target, str) else getattr(target, "__name__", repr(target))
