import json
from datetime import timedelta
from decimal import Decimal

import msgspec
import pytest
from msgspec import defstruct
from yarl import URL

from asyncstream.errors import ConfigurationError
from asyncstream.events.responses_mending import output_item
from asyncstream.transport.request import (
    Endpoint,
    Options,
    check_key,
    encode_body,
    fill_path,
    join_url,
    merge_headers,
    parse_base_url,
)
from asyncstream.transport.timeout import Timeout
from asyncstream.types import Run, Thread
from asyncstream.types.chat import ChatCompletionMessageFunctionToolCall
from asyncstream.types.responses_items import ResponseOutputMessage

SECRET = "sk-very-secret-0123456789"
RUN = Endpoint("POST", "/threads/{thread_id}/runs/{run_id}", Run, {"OpenAI-Beta": "assistants=v2"})


def test_an_endpoint_fills_in_ids_query_and_body() -> None:
    request = RUN.request(
        Options(),
        ids={"thread_id": "thread_1", "run_id": "run/1".replace("/", ":")},
        query={"limit": 3, "after": None},
        body={"metadata": None},
    )

    assert request.method == "POST"
    assert request.path == "/threads/thread_1/runs/run%3A1"
    assert request.query == {"limit": 3}
    assert request.body == b'{"metadata":null}'
    assert request.endpoint_headers == {"OpenAI-Beta": "assistants=v2"}
    assert request.timeout is None


def test_extra_values_come_last() -> None:
    options = Options({"X-A": "1"}, {"limit": 9, "x": None}, {"b": 2, "c": 3}, 7)
    request = RUN.request(options, ids={"thread_id": "t", "run_id": "r"}, query={"limit": 1}, body={"a": 1, "b": 1})

    assert request.headers == {"X-A": "1"}
    assert request.query == {"limit": 9, "x": None}
    assert request.body == b'{"a":1,"b":2,"c":3}'
    assert Timeout(response=7, event=7) == request.timeout


def test_an_extra_body_makes_a_body() -> None:
    endpoint = Endpoint("DELETE", "/threads/{thread_id}", Thread)

    assert endpoint.request(Options(), ids={"thread_id": "t"}).body is None
    assert endpoint.request(Options(extra_body={"a": 1}), ids={"thread_id": "t"}).body == b'{"a":1}'


@pytest.mark.parametrize("name", ["extra_headers", "extra_query", "extra_body"])
def test_extra_values_must_be_mappings(name: str) -> None:
    with pytest.raises(ConfigurationError, match=f"{name} must be a mapping, not list"):
        RUN.request(Options(**{name: [("a", "b")]}), ids={"thread_id": "t", "run_id": "r"})  # type: ignore[arg-type]


def test_a_request_shows_no_headers_and_no_body() -> None:
    request = RUN.request(
        Options({"Authorization": SECRET}, None, {"a": SECRET}), ids={"thread_id": "t", "run_id": "r"}
    )

    assert repr(request) == "Request(POST /threads/t/runs/r)"


@pytest.mark.parametrize("id", ["../x", "..", "a..b", ".", "a/b", "/", "a\rb", "a\nb", "a\0b", "", "  ", "\ud800"])
def test_an_id_that_could_lead_elsewhere_is_refused(id: str) -> None:
    with pytest.raises(ConfigurationError, match="thread_id"):
        fill_path("/threads/{thread_id}", {"thread_id": id})


@pytest.mark.parametrize("id", [None, 3, b"t", ["t"]])
def test_an_id_that_is_no_text_is_refused(id: object) -> None:
    with pytest.raises(ConfigurationError, match="thread_id must be a non-empty string"):
        fill_path("/threads/{thread_id}", {"thread_id": id})  # type: ignore[dict-item]


@pytest.mark.parametrize(
    ("id", "quoted"),
    [
        ("thread_abc-1.2~", "thread_abc-1.2~"),
        ("a b", "a%20b"),
        ("a?b#c", "a%3Fb%23c"),
        ("%2e%2e", "%252e%252e"),
        ("a\\b", "a%5Cb"),
        ("ü", "%C3%BC"),
        ("{x}", "%7Bx%7D"),
        ("\x01", "%01"),
    ],
)
def test_other_odd_characters_are_quoted(id: str, quoted: str) -> None:
    assert f"/threads/{quoted}" == fill_path("/threads/{thread_id}", {"thread_id": id})


@pytest.mark.parametrize(
    ("base", "url"),
    [
        ("https://api.openai.com/v1", "https://api.openai.com/v1/threads"),
        ("https://api.openai.com/v1/", "https://api.openai.com/v1/threads"),
        ("https://api.openai.com/v1//", "https://api.openai.com/v1/threads"),
        ("http://localhost:8000", "http://localhost:8000/threads"),
        ("http://localhost:8000/", "http://localhost:8000/threads"),
        ("http://[::1]:8000/v1", "http://[::1]:8000/v1/threads"),
        ("https://h/openai?api-version=2024-05-01", "https://h/openai/threads?api-version=2024-05-01"),
        ("https://h/openai/?api-version=v1", "https://h/openai/threads?api-version=v1"),
        ("https://h/a%2Fb/v1", "https://h/a%2Fb/v1/threads"),
        ("https://exämple.org/v1", "https://xn--exmple-cua.org/v1/threads"),
    ],
)
def test_paths_are_joined_to_base_urls(base: str, url: str) -> None:
    assert url == str(join_url(parse_base_url(base), "/threads"))


@pytest.mark.parametrize(
    "base",
    [
        "",
        "/v1",
        "api.openai.com/v1",
        "localhost:8000/v1",
        "//host/v1",
        "ftp://host/v1",
        "file:///v1",
        "http://",
        "http:///v1",
        "http://host:port/",
        "http://host:99999/",
        "http://a b/",
        " http://host/",
        "http://host/\n",
        "http://host/#part",
    ],
)
def test_what_is_no_http_url_is_refused(base: str) -> None:
    with pytest.raises(ConfigurationError, match="base_url must"):
        parse_base_url(base)


def test_a_password_in_a_base_url_is_refused_and_not_repeated() -> None:
    with pytest.raises(ConfigurationError, match="no user and password") as caught:
        parse_base_url(f"https://user:{SECRET}@host/v1")

    assert SECRET not in str(caught.value)


def test_a_base_url_that_is_no_text_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="base_url must be a string, not URL"):
        parse_base_url(URL("http://host"))  # type: ignore[arg-type]


def test_queries_are_merged_by_name_and_the_last_one_wins() -> None:
    base = parse_base_url("https://h/v1?api-version=1&keep=a%2Bb")

    url = join_url(base, "/x", {"api-version": "2", "gone": 1}, {"limit": 3, "gone": None})

    assert str(url) == "https://h/v1/x?api-version=2&keep=a%2Bb&limit=3"


@pytest.mark.parametrize("base", ["https://h/runs/1/", "https://h/?a=1&a=2&b=%2B+c&flag", "http://h:81/x%2Fy"])
def test_without_path_and_query_it_is_the_base_as_that_is_spelled(base: str) -> None:
    assert str(join_url(URL(base, encoded=True), "", {}, {})) == base


def test_query_values_are_spelled_as_openai_spells_them() -> None:
    url = join_url(
        parse_base_url("https://h"), "/x", {"t": True, "f": False, "n": 1.5, "include": ["a b", "c"], "q[]": ("d",)}
    )

    assert str(url) == "https://h/x?t=true&f=false&n=1.5&include%5B%5D=a%20b&include%5B%5D=c&q%5B%5D=d"


@pytest.mark.parametrize("value", [object(), {"a": 1}, b"x", {"set"}])
def test_other_query_values_are_refused(value: object) -> None:
    with pytest.raises(ConfigurationError, match="query 'q' must be"):
        join_url(parse_base_url("https://h"), "/x", {"q": value})


def test_a_query_value_that_is_no_text_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="no valid text"):
        join_url(parse_base_url("https://h"), "/x", {"q": "\ud800"})


def test_later_headers_override_and_remove_whatever_their_case() -> None:
    merged = merge_headers(
        {"Accept": "a", "User-Agent": "b", "X": "c"}, {"accept": "d", "USER-AGENT": None}, {"x": "e", "Y": None}
    )

    assert sorted(merged.items()) == [("accept", "d"), ("x", "e")]


@pytest.mark.parametrize("end", ["\r", "\n", "\r\nX-Evil: 1", "\0", "\x1b", "\x7f", "€", "\ud800"])
def test_a_header_value_that_cannot_be_sent_is_refused_and_not_repeated(end: str) -> None:
    with pytest.raises(ConfigurationError, match="the value of header 'X-Key'") as caught:
        merge_headers({"X-Key": SECRET + end})

    assert SECRET not in f"{caught.value!r} {caught.value.__cause__!r}"


def test_latin_1_and_tabs_in_header_values_are_sent() -> None:
    assert dict(merge_headers({"X-Title": "Grüße\tan alle"})) == {"X-Title": "Grüße\tan alle"}


@pytest.mark.parametrize("name", ["", "a b", "a:b", "a\nb", "ü", 3, None])
def test_a_header_name_that_is_no_token_is_refused(name: str) -> None:
    with pytest.raises(ConfigurationError, match="a header name must be an HTTP token"):
        merge_headers({name: "x"})


@pytest.mark.parametrize("value", [3, b"x", True, ["x"]])
def test_a_header_value_that_is_no_text_is_refused(value: str) -> None:
    with pytest.raises(ConfigurationError, match="must be a string or None"):
        merge_headers({"X": value})


@pytest.mark.parametrize("name", ["Content-Length", "transfer-encoding"])
def test_headers_that_frame_the_body_cannot_be_set(name: str) -> None:
    with pytest.raises(ConfigurationError, match="follows from the body"):
        merge_headers({name: "1"})


@pytest.mark.parametrize("end", ["\n", "\r", "\0", " ", "\t", "\u2013", "\x7f"])
def test_a_key_that_cannot_be_sent_is_refused_and_not_repeated(end: str) -> None:
    with pytest.raises(ConfigurationError, match="api_key holds") as caught:
        check_key(SECRET + end, "api_key")

    assert SECRET not in repr(caught.value)


@pytest.mark.parametrize("key", [b"sk", 3, None])
def test_a_key_that_is_no_text_is_refused(key: object) -> None:
    with pytest.raises(ConfigurationError, match="api_key must be a string"):
        check_key(key, "api_key")


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ({"a": {"b": [1, object()]}}, r"body\.a\.b\[1\] cannot be encoded"),
        ({"a": "\ud800"}, r"body\.a cannot be encoded"),
        ({"a": {(1, 2): 3}}, r"body\.a cannot be encoded"),
        ({"temperature": float("nan")}, r"body\.temperature must be a finite number: nan"),
        ({"a": [float("-inf")]}, r"body\.a\[0\] must be a finite number: -inf"),
        ({"a": [b"x"]}, r"body\.a\[0\] must be text, not bytes"),
        ({"a": bytearray(b"x")}, r"body\.a must be text, not bytearray"),
        ({"a": [{"price": Decimal("1.50")}]}, r"body\.a\[0\]\.price must be a number or text, not Decimal; say which"),
        ({"wait": timedelta(seconds=1)}, r"body\.wait must be a number or text, not timedelta"),
    ],
)
def test_a_body_that_is_no_json_is_refused_with_its_place(body: dict[str, object], problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem):
        encode_body(body)


def test_a_body_without_end_is_refused() -> None:
    endless: list[object] = []
    endless.append(endless)

    with pytest.raises(ConfigurationError, match="nested deeper than 200 levels"):
        encode_body({"a": endless})


def test_structs_of_an_answer_are_sent_as_the_wire_had_them() -> None:
    part = {"type": "output_text", "text": "a", "annotations": [{"type": "file_path", "file_id": "f", "vendor": 1}]}
    unknown = {"type": "sound", "pitch": {"hertz": None}}
    message = output_item({"type": "message", "id": "m", "content": [part, unknown], "vendor": [2]})
    assert isinstance(message, ResponseOutputMessage)
    call = msgspec.convert(
        {"id": "c", "function": {"name": "f", "arguments": "{}"}}, ChatCompletionMessageFunctionToolCall
    )

    # Neither what is our own of them nor null for what the wire left out, wherever they stand.
    sent = {"role": "assistant", "content": message.content, "tool_calls": (call, [call.function]), "n": [{"a": [1.5]}]}
    assert json.loads(encode_body({"input": [sent, {"thread": Thread(id="t")}]})) == {
        "input": [
            {
                "role": "assistant",
                "content": [part, unknown],
                "tool_calls": [
                    {"type": "function", "id": "c", "function": {"name": "f", "arguments": "{}"}},
                    [{"name": "f", "arguments": "{}"}],
                ],
                "n": [{"a": [1.5]}],
            },
            {"thread": Thread(id="t").to_dict()},
        ]
    }
    assert message.to_dict() | {"vendor": [2]} == json.loads(encode_body({"item": message}))["item"]
    # A struct of the user's own is sent as msgspec does.
    assert b'{"own":{"a":null}}' == encode_body({"own": defstruct("Own", [("a", int | None, None)])()})


@pytest.mark.parametrize("query", [{"sig": f"{SECRET}\n"}, {"sig": ["a", f"{SECRET}\0"]}, {"sig": {"key": SECRET}}])
def test_a_query_that_is_refused_is_not_repeated(query: dict[str, object]) -> None:
    with pytest.raises(ConfigurationError, match="query 'sig") as caught:
        join_url(parse_base_url("https://h"), "/x", query)

    assert SECRET not in repr(caught.value)


@pytest.mark.parametrize("value", ["x", ["x"]])
def test_a_query_name_that_is_no_text_is_refused(value: object) -> None:
    with pytest.raises(ConfigurationError, match="the name of a query must be a string: 3"):
        join_url(parse_base_url("https://h"), "/x", {3: value})  # type: ignore[dict-item]
