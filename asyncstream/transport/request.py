"""One request, described: method, URL, headers, body. Pure: nothing here sends, and nothing that is sent is unchecked.

`Endpoint` is a row of a resource's table; `Endpoint.request` fills it in and gives the `Request` that the door
(`transport.http`) sends. Whatever would be refused or misread on the wire is refused here, before a byte is sent.

Rule 1: an omitted value is omitted; only a None inside a body becomes null.
Rule 2: no message repeats a header's value or a key: they may be secrets.
"""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Final, Generic, TypeGuard, TypeVar
from urllib.parse import quote, urlencode

import msgspec
from msgspec import Struct
from multidict import CIMultiDict
from yarl import URL

from asyncstream.errors import ConfigurationError
from asyncstream.sse import DEFAULT_MAX_FRAME_BYTES
from asyncstream.transport.timeout import Timeout, TimeoutTypes, as_timeout

if TYPE_CHECKING:
    from asyncstream.transport.upload.file import Upload
    from asyncstream.transport.upload.form import Form
    from asyncstream.types.structs import WireStruct

__all__ = [
    "Endpoint",
    "HeaderValues",
    "Options",
    "Request",
    "check_header",
    "check_id",
    "check_key",
    "check_mapping",
    "encode_body",
    "fill_path",
    "join_url",
    "merge_headers",
    "parse_base_url",
]

T = TypeVar("T")

HeaderValues = Mapping[str, str | None]
"""Header names to values; None removes a header that would be sent otherwise."""

MAX_ANSWER_BYTES: Final = 64 << 20
"""Of a JSON answer; a page of 100 long messages has about 1 MiB."""

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
"""What may not stand in a header: a CR or LF would begin another one. A tab may."""

_is_plain_id = re.compile(r"[0-9A-Za-z_-]+(?:\.[0-9A-Za-z_-]+)*", re.ASCII).fullmatch

_BREAK = re.compile(r"[\r\n\0]")

_FRAMING = frozenset({"content-length", "transfer-encoding"})
"""Set from the body alone: another value would let one request be read as two."""

_PLAIN = frozenset({str, int, bool, type(None)})
"""The types of values that are JSON whatever they are."""

_MAX_DEPTH = 200
"""Levels of lists and objects in a body. Readers stop between 100 (Go protobuf) and 1,000 (Python, Jackson)."""


class Options(Struct, frozen=True):
    """What every call takes besides its own parameters."""

    extra_headers: HeaderValues | None = None
    extra_query: Mapping[str, object] | None = None
    extra_body: Mapping[str, object] | None = None
    timeout: TimeoutTypes = None
    """None is the client's."""

    def for_later(self) -> "Options":
        """Return the options for the requests that follow from the one that these were given for.

        Left out is what was meant for that one alone: `extra_body`, and an idempotency key, under which a server would
        give the first answer again.

        Raises:
            ConfigurationError: `extra_headers` is no mapping.
        """
        if self.extra_headers is None and self.extra_body is None:
            return self
        check_mapping(self.extra_headers, "extra_headers")
        return Options(_without_key(self.extra_headers or {}), self.extra_query, None, self.timeout)


def _without_key(headers: HeaderValues) -> HeaderValues:
    return {name: value for name, value in headers.items() if name.lower() != "idempotency-key"}


class Request(Struct, frozen=True, kw_only=True):
    """One request, ready to be sent except for what the client adds: base URL, key, default headers and query."""

    method: str
    path: str
    """Below the base URL, ids quoted."""
    query: Mapping[str, object] = {}
    """A list stands for ``name[]`` repeated; None removes a default of the client's."""
    endpoint_headers: HeaderValues = {}
    """The endpoint's own; the client's default headers override them."""
    headers: HeaderValues = {}
    """The caller's; they override all others."""
    body: bytes | None = None
    """JSON."""
    form: "Form | None" = None
    """In place of `body`: text fields and a file."""
    timeout: Timeout | None = None
    """None is the client's."""
    route: str = ""
    """The path as a template, its ids unnamed: ``/threads/{thread_id}/runs``."""
    ids: Mapping[str, str] = {}
    """What it is about: the ids in its path, and `model` and `assistant_id` of its body."""
    max_event_bytes: int = DEFAULT_MAX_FRAME_BYTES
    """Of one event, if the answer is a stream; the client may set another limit for all."""
    max_answer_bytes: int = MAX_ANSWER_BYTES
    """Of the answer, if it is JSON."""

    def following(self, body: Mapping[str, object]) -> "Request":
        """Return the request that goes on from this one: the same, with another body.

        It has no idempotency key of the caller's, under which a server would give the first answer again.

        Raises:
            ConfigurationError: The body cannot be sent as it is.
        """
        return msgspec.structs.replace(self, body=encode_body(body), headers=_without_key(self.headers))

    def __repr__(self) -> str:
        """Show what cannot hold a secret."""
        return f"Request({self.method} {self.path})"


class Endpoint(Struct, Generic[T], frozen=True):
    """One row of a resource's table: what is called, and what it answers."""

    method: str
    path: str
    """A template: ``/threads/{thread_id}/runs``."""
    result: type[T]
    headers: HeaderValues = {}
    max_event_bytes: int = DEFAULT_MAX_FRAME_BYTES
    max_answer_bytes: int = MAX_ANSWER_BYTES

    def request(
        self,
        options: Options,
        *,
        ids: Mapping[str, str] | None = None,
        query: Mapping[str, object] | None = None,
        body: Mapping[str, object] | None = None,
        upload: "Upload | None" = None,
    ) -> Request:
        """Return the request with ids, query and body filled in; with `upload` the body goes as the fields of a form.

        None in `query` is omitted. `extra_query` and `extra_body` are merged over the first level, theirs last.

        Raises:
            ConfigurationError: An id, header, timeout or body cannot be sent as it is.
        """
        check_mapping(options.extra_headers, "extra_headers")
        check_mapping(options.extra_query, "extra_query")
        check_mapping(options.extra_body, "extra_body")
        merged_query = {name: value for name, value in (query or {}).items() if value is not None}
        if options.extra_body is not None:
            body = {**(body or {}), **options.extra_body}
        return Request(
            method=self.method,
            path=fill_path(self.path, ids or {}),
            query={**merged_query, **(options.extra_query or {})},
            endpoint_headers=self.headers,
            headers=options.extra_headers or {},
            body=None if body is None or upload is not None else encode_body(body),
            form=None if upload is None else _form(body or {}, upload),
            timeout=None if options.timeout is None else as_timeout(options.timeout),
            route=self.path,
            ids=_subject(ids or {}, body or {}),
            max_event_bytes=self.max_event_bytes,
            max_answer_bytes=self.max_answer_bytes,
        )


def _form(fields: Mapping[str, object], upload: "Upload") -> "Form":
    from asyncstream.transport.upload.form import Form  # who uploads nothing has no use for it

    return Form(fields, upload)


def _subject(ids: Mapping[str, str], body: Mapping[str, object]) -> dict[str, str]:
    named = {name: value for name in ("model", "assistant_id") if isinstance(value := body.get(name), str)}
    return {**named, **ids}


def fill_path(template: str, ids: Mapping[str, str]) -> str:
    """Return a path with its ids filled in, percent-quoted.

    Raises:
        ConfigurationError: An id is empty, no string, or holds a slash, two dots, a line break or NUL.
    """
    return template.format_map({name: _quote_id(name, value) for name, value in ids.items()})


def _quote_id(name: str, value: object) -> str:
    # What nearly all ids are, and what is sent as it stands.
    if isinstance(value, str) and _is_plain_id(value) is not None:
        return value
    return quote(check_id(name, value), safe="")


def check_id(name: str, value: object) -> str:
    """Return an id that can stand in a path.

    Raises:
        ConfigurationError: It is empty, no string, or holds a slash, two dots, a line break or NUL.
    """
    if not isinstance(value, str) or not value.strip():
        raise ConfigurationError(f"{name} must be a non-empty string: {value!r}")
    # Quoted or not, many servers and proxies resolve "%2F" and ".." before they route: the request would go elsewhere.
    if value == "." or ".." in value or any(character in value for character in "/\r\n\0"):
        raise ConfigurationError(f"{name} must hold no '/', '..', line break or NUL: {value!r}")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise ConfigurationError(f"{name} is no valid text: {value!r}") from error
    return value


def parse_base_url(base_url: str, source: str = "base_url") -> URL:
    """Return a base URL without a trailing slash; its query is kept.

    Raises:
        ConfigurationError: It is no absolute http or https URL, or holds blanks, a fragment, or a user and password
            (which belong in a header).
    """
    if not isinstance(base_url, str):
        raise ConfigurationError(f"{source} must be a string, not {type(base_url).__name__}")
    if re.search(r"[\s\x00-\x1f\x7f]", base_url):
        raise ConfigurationError(f"{source} must hold no blanks or control characters")
    try:
        url = URL(base_url)
        origin = url.origin()
    except (ValueError, TypeError):
        raise ConfigurationError(f"{source} must be an absolute http:// or https:// URL") from None
    if "@" in url.raw_authority:
        raise ConfigurationError(f"{source} must hold no user and password; give api_key, or an Authorization header")
    if origin.scheme not in ("http", "https") or not origin.host:
        raise ConfigurationError(f"{source} must be an absolute http:// or https:// URL: {url.with_query(None)!s}")
    if url.raw_fragment:
        raise ConfigurationError(f"{source} must have no fragment ('#...')")
    return url.with_path(url.raw_path.rstrip("/"), encoded=True, keep_query=True)


def join_url(base: URL, path: str, *queries: Mapping[str, object]) -> URL:
    """Return the URL of a path below a base from `parse_base_url`; of queries with the same name the last one wins.

    With no path and no query it is the base itself, as that is spelled: an event source that is followed.

    Raises:
        ConfigurationError: A query value is neither text, number, boolean nor a list of these, or holds a line break or
            NUL. The value is not in the message.
    """
    if not any(queries):
        if not path:
            return base
        if not base.raw_query_string:
            return URL(_root(base) + path, encoded=True)
    merged: dict[str, object] = {}
    for query in (base.query, *queries):
        merged.update(query)
    for name in merged:
        if not isinstance(name, str):
            raise ConfigurationError(f"the name of a query must be a string: {name!r}")
    pairs = [pair for name, value in merged.items() for pair in _query_pairs(name, value)]
    for name, text in pairs:
        # Quoted, they could do no harm on the way; but no API has a use for them, and a key read from a file has one.
        if _BREAK.search(name) or _BREAK.search(text):
            raise ConfigurationError(f"query {name!r} must hold no line break or NUL")
    try:
        encoded = urlencode(pairs, quote_via=quote) if pairs else ""
    except UnicodeEncodeError:
        # Without `from`: the codec's error holds the value.
        raise ConfigurationError("a query value is no valid text") from None
    return URL(f"{_root(base)}{path}" + (f"?{encoded}" if encoded else ""), encoded=True)


@lru_cache(maxsize=16)
def _root(base: URL) -> str:
    return f"{base.origin()}{base.raw_path.rstrip('/')}"


def _query_pairs(name: str, value: object) -> Iterable[tuple[str, str]]:
    match value:
        case None:
            return []
        case bool():
            return [(name, "true" if value else "false")]
        case str() | int() | float():
            return [(name, str(value))]
        case list() | tuple():
            # The brackets are how OpenAI spells a list in a query: `include[]=a&include[]=b`.
            return [pair for item in value for pair in _query_pairs(f"{name.removesuffix('[]')}[]", item)]
        case _:
            kind = type(value).__name__
            raise ConfigurationError(f"query {name!r} must be text, a number, a boolean or a list of these, not {kind}")


def merge_headers(*layers: HeaderValues) -> CIMultiDict[str]:
    """Return the headers of all layers; a later one overrides or, with None, removes, whatever the case of its names.

    Raises:
        ConfigurationError: A name or value cannot be sent. The value is not in the message.
    """
    merged: CIMultiDict[str] = CIMultiDict()
    for layer in layers:
        for name, value in layer.items():
            check_header(name, value)
            if value is None:
                merged.popall(name, None)
            else:
                merged[name] = value
    return merged


def check_header(name: object, value: object) -> None:
    """Refuse a header that cannot be sent.

    Raises:
        ConfigurationError: The name is no token, or one that follows from the body; the value is neither None nor text
            of one line in latin-1. The value is not in the message.
    """
    if not isinstance(name, str) or not _is_token(name):
        raise ConfigurationError(f"a header name must be an HTTP token: {name!r}")
    if name.lower() in _FRAMING:
        raise ConfigurationError(f"header {name!r} follows from the body and cannot be set")
    if value is None or (isinstance(value, str) and value.isascii() and value.isprintable()):
        return
    if not isinstance(value, str):
        raise ConfigurationError(f"the value of header {name!r} must be a string or None, not {type(value).__name__}")
    if _CONTROL.search(value):
        raise ConfigurationError(f"the value of header {name!r} holds a line break, NUL or another control character")
    try:
        value.encode("latin-1")
    except UnicodeEncodeError:
        # Without `from`: the codec's error holds the value.
        raise ConfigurationError(f"the value of header {name!r} holds characters beyond latin-1") from None


@lru_cache(maxsize=256)
def _is_token(name: str) -> bool:
    return _TOKEN.fullmatch(name) is not None


def check_key(key: object, source: str) -> str:
    """Return a key that can stand in a header.

    Raises:
        ConfigurationError: It is no string, or not printable ASCII. The key is not in the message.
    """
    if not isinstance(key, str):
        raise ConfigurationError(f"{source} must be a string, not {type(key).__name__}")
    if not key.isascii():
        raise ConfigurationError(f"{source} holds characters beyond ASCII; was it copied with a typographic dash?")
    if any(character <= " " or character == "\x7f" for character in key):
        raise ConfigurationError(f"{source} holds a blank, line break or control character; was it read from a file?")
    return key


def encode_body(body: Mapping[str, object]) -> bytes:
    """Return a body as JSON. What goes back of an earlier answer is sent as the wire had it, wherever it stands.

    Raises:
        ConfigurationError: A value is not JSON; the message names its place.
    """
    has_structs = _check_value(body, "body", _MAX_DEPTH)
    try:
        return msgspec.json.encode(_plain(body) if has_structs else body)
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise ConfigurationError(f"{_place(body)} cannot be encoded as JSON: {error}") from error


def _check_value(value: object, place: str, depth: int) -> bool:
    """Refuse what msgspec would encode as something else (NaN as null, a Decimal as text), and what has no end.

    Returns:
        Whether there is a struct of an answer in it: msgspec would send what is our own of it, and null for what the
        wire left out.
    """
    # Nearly all there is, and a match goes through all cases first.
    if type(value) in _PLAIN:
        return False
    match value:
        case dict() | list() | tuple():
            if not depth:
                raise ConfigurationError(f"{place[:100]}... is nested deeper than {_MAX_DEPTH} levels")
            has_structs = False
            if isinstance(value, dict):
                for key, item in value.items():
                    if type(item) not in _PLAIN:
                        has_structs |= _check_value(item, f"{place}.{key}", depth - 1)
                return has_structs
            for position, item in enumerate(value):
                if type(item) not in _PLAIN:
                    has_structs |= _check_value(item, f"{place}[{position}]", depth - 1)
            return has_structs
        case float() if not math.isfinite(value):
            raise ConfigurationError(f"{place} must be a finite number: {value!r}")
        case bytes() | bytearray() | memoryview():
            raise ConfigurationError(f"{place} must be text, not {type(value).__name__}; encode it first")
        case Decimal() | timedelta():
            raise ConfigurationError(f"{place} must be a number or text, not {type(value).__name__}; say which first")
    return _is_of_an_answer(value)


def _is_of_an_answer(value: object) -> TypeGuard["WireStruct"]:
    if not isinstance(value, Struct):
        return False
    from asyncstream.types.structs import WireStruct  # who has none needs none

    return isinstance(value, WireStruct)


def _plain(value: object) -> object:
    if _is_of_an_answer(value):
        return value.to_dict()
    match value:
        case dict():
            return {key: _plain(item) for key, item in value.items()}
        case list() | tuple():
            return [_plain(item) for item in value]
    return value


def _parts(value: dict[object, object] | Sequence[object], place: str) -> Iterable[tuple[str, object]]:
    if isinstance(value, dict):
        return [(f"{place}.{key}", item) for key, item in value.items()]
    return [(f"{place}[{position}]", item) for position, item in enumerate(value)]


def _place(value: object, place: str = "body") -> str:
    """Return the place of the first innermost part that cannot be encoded."""
    for inner, item in _parts(value, place) if isinstance(value, dict | list | tuple) else ():
        try:
            msgspec.json.encode(item)
        except (TypeError, ValueError, OverflowError, RecursionError):
            return _place(item, inner)
    return place


def check_mapping(value: object, name: str) -> None:
    """Raise a `ConfigurationError` for what is neither a mapping nor None."""
    if value is not None and not isinstance(value, Mapping):
        raise ConfigurationError(f"{name} must be a mapping, not {type(value).__name__}")
