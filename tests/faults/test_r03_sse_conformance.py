r"""R3: "the WHATWG / WPT `format-*` cases whole, byte by byte, every 2-way split: all."

Cases of our own, one for each of WPT's, and the shared ones where a machine has them, on the reading that streams use:
the name and the data of each event. A reading of the standard that shares no code with it agrees, and has the ids and
retry times besides, which streams do not read. Each event is written as (data, event, id); `retry` is the last one set.

Source: https://github.com/web-platform-tests/wpt/tree/master/eventsource
"""

import base64
import json
from collections.abc import Iterator
from typing import NamedTuple

import pytest
from event_streams import EventDecoder, read_as_streams_do
from shared_files import SHARED, needs_shared

BOM = b"\xef\xbb\xbf"


class Case(NamedTuple):
    body: bytes
    events: list[tuple[str, str, str]]
    retry: int | None = None


def plain(*data: str, id: str = "") -> list[tuple[str, str, str]]:
    return [(one, "message", id) for one in data]


CASES = {
    "bom": Case(BOM + b"data:1\n\n" + BOM + b"data:2\n\ndata:3\n\n", plain("1", "3")),
    "bom-2": Case(BOM + BOM + b"data:1\n\ndata:2\n\n", plain("2")),
    "bom-alone": Case(BOM, []),
    "bom-before-a-blank-line": Case(BOM + b"\n\ndata:1\n\n", plain("1")),
    "bom-in-data": Case(b"data:" + BOM + b"1\n\n", plain("\ufeff1")),
    "half-a-bom": Case(b"\xef\xbbdata:1\n\ndata:2\n\n", plain("2")),
    "comments": Case(
        b"data:1\r:\0\n:\r\ndata:2\n:" + b"x" * 2000 + b"\rdata:3\n:data:fail\r:" + b"x" * 2000 + b"\ndata:4\n\n",
        plain("1\n2\n3\n4"),
    ),
    "comment-alone": Case(b": hello\n\n:\n\n", []),
    "data-before-final-empty-line": Case(b"retry:1000\ndata:test1\n\nid:test\ndata:test2", plain("test1"), 1000),
    "end-after-one-line-end": Case(b"data:test1\n\ndata:test2\n", plain("test1")),
    "field-data": Case(b"data:\n\ndata\ndata\n\ndata:test\n\n", plain("", "\n", "test")),
    "field-event": Case(
        b"event:test\ndata:x\n\ndata:x\n\n",
        [("x", "test", ""), ("x", "message", "")],
    ),
    "field-event-empty": Case(b"event: \ndata:data\n\n", plain("data")),
    "field-event-last-wins": Case(
        b"event:a\nevent:b\ndata:x\n\nevent:c\nevent\ndata:y\n\n",
        [
            ("x", "b", ""),
            ("y", "message", ""),
        ],
    ),
    "field-event-without-data": Case(b"event:a\n\ndata:x\n\n", plain("x")),
    "field-event-keeps-blanks": Case(b"event:  a b \ndata:x\n\n", [("x", " a b ", "")]),
    "field-id": Case(b"id: 1\ndata:x\n\nid\ndata:y\n\n", [*plain("x", id="1"), *plain("y")]),
    "field-id-stays": Case(
        b"id: 1\ndata:1\n\ndata:2\n\nid:2\ndata:3\n\n:\n\ndata:4\n\n",
        [*plain("1", "2", id="1"), *plain("3", "4", id="2")],
    ),
    "field-id-without-data-counts": Case(b"id: 1\n\ndata:1\n\n", plain("1", id="1")),
    "field-id-null": Case(
        b"id: 1\ndata:1\n\nid: a\0b\ndata:2\n\nid:\0\ndata:3\n\n",
        plain("1", "2", "3", id="1"),
    ),
    "field-id-not-ascii": Case("id: …\ndata:1\n\n".encode(), plain("1", id="…")),
    "field-parsing": Case(
        b"data:\0\ndata:  2\rData:1\ndata\0:2\ndata:1\r\0data:4\nda-ta:3\rdata_5\n"
        b"data:3\rdata:\r\n data:32\ndata:4\n\n",
        plain("\0\n 2\n1\n3\n\n4"),
    ),
    "field-retry": Case(b"retry:03000\ndata:x\n\n", plain("x"), 3000),
    "field-retry-bogus": Case(b"retry:3000\nretry:1000x\nretry:-1\nretry:1.5\nretry: 1 \ndata:x\n\n", plain("x"), 3000),
    "field-retry-empty": Case(b"retry\nretry:\ndata:test\n\n", plain("test")),
    "field-retry-without-data": Case(b"retry: 5\n\n", [], 5),
    "field-retry-other-digits": Case("retry:٣\nretry:1_0\nretry:³\ndata:x\n\n".encode(), plain("x")),
    "field-retry-too-long": Case(b"retry:" + b"9" * 5000 + b"\ndata:x\n\n", plain("x")),
    "field-unknown": Case(
        b"data:test\n data\ndata\nfoobar:xxx\njustsometext\n:thisisacommentyay\ndata:test\n\n",
        plain("test\n\ntest"),
    ),
    "leading-space": Case(b"data:\ttest\rdata: \ndata:test\n\n", plain("\ttest\n\ntest")),
    "newlines": Case(b"data:test\r\ndata\ndata:test\r\n\r", plain("test\n\ntest")),
    "newlines-cr": Case(b"data:1\rdata:2\r\rdata:3\r\r", plain("1\n2", "3")),
    "newlines-crlf": Case(b"data:1\r\ndata:2\r\n\r\ndata:3\r\n\r\n", plain("1\n2", "3")),
    "newlines-lf-cr": Case(b"data:1\n\rdata:2\n\r", plain("1", "2")),
    "newlines-of-other-scripts": Case(
        "data:1\u2028data:2\u2029data:3\u0085data:4\v\f\x1c\x1d\x1edata:5\n\n".encode(),
        plain("1\u2028data:2\u2029data:3\u0085data:4\v\f\x1c\x1d\x1edata:5"),
    ),
    "many-blank-lines": Case(b"\n\n\n\r\r\r\n\r\n\ndata:1\n\n\n\n\r\ndata:2\n\n", plain("1", "2")),
    "null-character": Case(b"data:\0\n\n\n\n", plain("\0")),
    "null-character-in-the-name": Case(b"event:a\0b\ndata:1\n\n", [("1", "a\0b", "")]),
    "utf-8": Case("data:ok…é漢😀\n\n".encode(), plain("ok…é漢😀")),
    "utf-8-invalid": Case(b"data:\xff\xc3(\xed\xa0\x80\n\ndata:2\n\n", plain("\ufffd\ufffd(\ufffd\ufffd\ufffd", "2")),
    "utf-8-cut-by-the-end-of-the-event": Case(b"data:\xf0\x9f\x98\n\ndata:\x80\n\n", plain("\ufffd", "\ufffd")),
    "utf-8-overlong-line-end": Case(b"data:a\xc0\x8ab\n\n", plain("a\ufffd\ufffdb")),
    "no-bytes": Case(b"", []),
    "done": Case(b"data: {}\n\ndata: [DONE]\n\n", plain("{}", "[DONE]")),
}


def deliveries(body: bytes) -> Iterator[list[bytes]]:
    """Give a body whole, byte by byte, with empty chunks between its bytes, and cut in two everywhere."""
    single = [body[at : at + 1] for at in range(len(body))]
    yield [body]
    yield single
    yield [chunk for byte in single for chunk in (byte, b"")]
    yield from ([body[:at], body[at:]] for at in range(len(body) + 1))


def by_the_standard(chunks: list[bytes]) -> Case:
    decoder = EventDecoder()
    events = [(event.data, event.event, event.id) for chunk in chunks for event in decoder.feed(chunk)]
    return Case(b"".join(chunks), events, decoder.retry)


def misread(case: Case) -> tuple[int, list[list[bytes]]]:
    """Return in how many ways a case was delivered, and those in which a stream, or the oracle, read anything else."""
    expected = [(event, data) for data, event, _ in case.events]
    wrong = []
    delivered = 0
    for chunks in deliveries(case.body):
        delivered += 1
        if read_as_streams_do(chunks) != expected or by_the_standard(chunks) != case:
            wrong.append(chunks)
    return delivered, wrong


@pytest.mark.parametrize("name", CASES)
def test_case_holds_however_the_bytes_are_cut(name):
    _, wrong = misread(CASES[name])

    assert wrong == []


@needs_shared("sse_cases.json")
def test_shared_cases_hold_however_the_bytes_are_cut():
    cases = json.loads(SHARED.joinpath("sse_cases.json").read_text())["cases"]
    runs, wrong = 0, []
    for given in cases:
        events = [(event["data"], event["event"], event["id"]) for event in given["expected"]]
        delivered, misread_here = misread(Case(base64.b64decode(given["bytes_b64"]), events, given["retry"]))
        runs += delivered
        wrong += [(given["name"], chunks) for chunks in misread_here]
    print(f"\n{len(cases)} shared cases, {runs} deliveries, {len(wrong)} misread")

    assert wrong == []
    assert len(cases) >= 68
    assert runs >= 6000
