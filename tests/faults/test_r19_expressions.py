r"""R19: "every regular expression of the package on 1 MB of its worst text: the event loop never stops for more than
0.2 s; time linear in the bytes."

The expressions are collected from the source, whatever their names and wherever they are used, and compared with what
the running modules hold. One whose worst text nobody has written down below fails; so does one that was changed since.
"""

import importlib
import pkgutil
import re
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from expressions import Expression, expressions_in, expressions_of_the_package
from loop_stops import MOST, passes

import asyncstream
from asyncstream.events.decode import PROTOCOLS, wire_of
from asyncstream.relay.withholding import Withholding

SIZE = 1_000_000


class Text(NamedTuple):
    """A long text: a beginning, what is repeated, an end."""

    repeated: str
    begin: str = ""
    end: str = ""

    def of(self, size: int) -> str:
        return self.begin + self.repeated * (size // len(self.repeated)) + self.end


BLANKS = (Text(" "), Text(" ", end="x"), Text("\n"), Text("x ", end=" "))
WORDS = (Text("a"), Text("a", end="!"), Text("a-"), Text("a.", end="!"), Text("a_"), Text("_"))
DIGITS = (Text("1"), Text("1", end="x"), Text("1.", end="x"), Text("1 "))
PATHS = (Text("/"), Text("=/"), Text("(/"), Text("[/"), Text("/a"), Text(" /a"), Text("\\/"))

FIELDS = (
    Text("data"),
    Text("data\n"),
    Text("data:\n"),
    Text("x", "data: "),
    Text("x", "data"),
    Text(":"),
    Text(":\n"),
    Text("\n"),
    Text("event"),
    Text(" ", "data:"),
)

WORST: dict[str | bytes, tuple[Text, ...]] = {
    # client.azure
    "/api/projects/[^/]+/?$": (Text("/api/projects/"), Text("/api/projects/a"), Text("a", "/api/projects/", "/x")),
    r"\d{4}-\d\d-\d\d": (*DIGITS, Text("2024-05-", end="x")),
    # events.alike
    'b\'"%b": ?"((?:[^"\\\\\\\\]|\\\\\\\\.)*+)"\' % key': (
        Text('"'),
        Text('"delta": "'),
        Text("a", '"delta": "'),
        Text("\\", '"delta": "'),
        Text('"delta":'),
        Text('"delta": "a" '),
    ),
    "b'\"%b\": ?([0-9]{1,18}+)(?![0-9])' % key": (
        *DIGITS,
        Text('"sequence_number": '),
        Text("1", '"sequence_number": '),
        Text('"sequence_number": 1'),
    ),
    # transport.request
    r"[0-9A-Za-z_-]+(?:\.[0-9A-Za-z_-]+)*": (*WORDS, Text("a."), Text(".", "a"), Text("a.", end="!")),
    # ui.answer
    "(Created|Changed|Done)$": (*WORDS, Text("Created"), Text("Done", end="x")),
    "[a-z0-9_.]{1,64}": (*WORDS, Text(".")),
    # faces
    rb"^__all__ = \[([^\[\]]*+)\]": (Text("__all__ = ["), Text("\n__all__ = ["), Text("a", "__all__ = [")),
    r'"(\w+)"': (Text('"'), Text("a", '"'), Text('"a'), Text('"a" ')),
    # relay.cursor, relay.followed, relay.redis_url, relay.sound, relay.store
    "[0-9]{1,18}": DIGITS,
    "/?|/[0-9]{1,9}/?": (*DIGITS, *PATHS, Text("1", "/")),
    r"[\x00-\x1f\x7f\x85\u2028\u2029\ud800-\udfff]": (*WORDS, Text("é"), Text("\x00")),
    "[A-Za-z0-9_.:~@=+-]{1,200}": (*WORDS, Text("=")),
    # relay.redis_answers
    "([A-Z]{2,})(?: |$)": (Text("A"), Text("A", end="a"), Text("AA ")),
    ": -([A-Z]{2,}) ": (Text("A", ": -"), Text(": -AA"), Text(": -"), Text("AA: -")),
    "(?:(?:MOVED|ASK) )?[0-9]+ (.*):([0-9]+)": (
        *DIGITS,
        Text(":1", "1 "),
        Text(":1", "1 ", "x"),
        Text("1", "1 :", "x"),
    ),
    r" - (?:\w+:)?Authentication\w*Error": (
        *(Text(" - "), Text(" - a"), Text("a", " - "), Text(":a", " - a")),
        *(Text("a", " - Authentication"), Text(" - Authentication"), Text("Error", " - Authentication", "x")),
    ),
    # relay.withholding
    "_mention(self._names | _ERRORS | {'message'})": (
        *BLANKS,
        Text("{"),
        Text(" ", "{"),
        Text("{ "),
        Text("\\u00"),
        Text('{ "'),
        Text('{"metadat'),
        Text("\\"),
    ),
    'b\'"(?:%b)":\\\\s?"\' % names.encode()': (Text('"'), Text('"text"'), Text('"text": '), Text('"value":')),
    "b'\"%b\":\\\\s?(\\\\d{1,%d}+)' % (re.escape(number).encode(), _DIGITS)": (
        *DIGITS,
        Text('"'),
        Text('"sequence_number": '),
        Text("1", '"sequence_number": '),
    ),
    # relay.words
    "[a-z]{1,32}+(?:_[a-z]{1,32}+){0,8}+": (*WORDS, Text("a" * 32 + "_"), Text("a_", end="!")),
    r"[{]\s*+(?:[\"'{\[]|\w{1,64}+\s*+[:=])": (
        *BLANKS,
        Text("{"),
        Text(" ", "{"),
        Text("{ "),
        Text("{" + "a" * 64 + " "),
        Text("{a" + " " * 99),
    ),
    r"(?:(?<![A-Za-z0-9+.-])[A-Za-z0-9+.-]{1,40}+)?:\\?/\\?/[^\s\"'<>`]*+": (
        *WORDS,
        *PATHS,
        Text(":"),
        Text(":/"),
        Text("a:/"),
        Text(" a" * 20),
        Text("://"),
        Text("a", "://"),
        Text("http://a "),
    ),
    r"\bunix:[^\s\"'<>`]++|(?<![^\s\"'<>`=(\[:,;])/[^\s\"'<>`=(\[:,;)\]]*+(?<=\.sock)": (
        *PATHS,
        Text("unix:"),
        Text("unix: "),
        Text("a", "unix:"),
        Text("=/" + "a" * 106),
        Text("=/a.soc"),
    ),
    r"/subscriptions/[^\s\"'<>`,;]*+|/resourceGroups/[^\s\"'<>`,;]*+|\barn:aws[^\s\"'<>`,;]*+"
    r"|(?<=\bprojects/)[^\s/\"'<>`,;]++": (
        *PATHS,
        Text("/subscriptions"),
        Text("/subscriptions/"),
        Text("/subscriptions/ "),
        Text("projects/"),
        Text("a", "projects/"),
        Text("arn:aws"),
        Text("arn:aw"),
    ),
    r"(?<![\d.])(?<!\b[vV])(?:\d{1,3}\.){3}\d{1,3}(?::\d{1,5})?(?!\.?\d)|\bip(?:-\d{1,3}){4}\b": (
        *DIGITS,
        Text("111."),
        Text("1.1.1.1."),
        Text("1.1.1 "),
        Text("1.1.1.1:"),
        Text("ip-1-1-1"),
        Text(" ip-1-1-1-1a"),
    ),
    r"(?<![\w:.])\[?([0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,8}(?:(?:\.\d{1,3}){3})?)"
    r"(?:%\w{1,16})?(?:\]:\d{1,5}|\])?": (
        *DIGITS,
        Text(":"),
        Text("::"),
        Text("["),
        Text("[:"),
        Text("ffff:"),
        Text(" ffff:ffff"),
        Text(" ::1.1.1"),
        Text(" ::%a"),
    ),
    r"(?<![\w.-])localhost(?:\.localdomain)?(?::\d{1,5})?(?![\w-])": (
        Text("localhost"),
        Text(" localhost"),
        Text(" localhost:1"),
        Text(" localhost.localdomain:11111a"),
    ),
    r"(?<![\w.*-])[*.]{0,3}+[\w-]++(?:\.[\w-]++)++\.?(:\d{2,5}(?!\d))?": (
        *WORDS,
        Text("a.", end=":1"),
        Text("a.a:"),
        Text("*"),
        Text("*."),
        Text(" *.a"),
        Text("a" * 50 + " "),
        Text("a.b "),
        Text("a.b:11 "),
    ),
    r"(?<![\w.-])([A-Za-z][\w-]{0,62}+):(\d{2,5})(?![\w:-])": (
        *WORDS,
        Text("a:"),
        Text(" a:11111a"),
        Text(" " + "a" * 63),
    ),
    r"((?:ENOTFOUND|EAI_AGAIN|ECONNREFUSED|EHOSTUNREACH|ETIMEDOUT|resolve host:|dial tcp|lookup) "
    r"|\b(?:[Hh]ost(?:name)?|[Ss]erver|[Uu]pstream|[Bb]ackend|[Ee]ndpoint|[Aa]ddress|[Pp]eer)"
    r"(?:=[\"']?|[\"']?: ?[\"']| [\"']))"
    r"[^\s\"'<>`,;)]++": (
        Text("E"),
        Text("host"),
        Text("host="),
        Text('host "'),
        Text("a", "host="),
        Text("lookup "),
        Text("lookup a "),
        Text("resolve host:"),
    ),
    r"(?<![A-Za-z0-9])(?:(?:sk|gsk|csk|xai|pplx|hf|r8|nvapi|tvly|gh[opsur]|github_pat|glpat|xox[a-z]|whsec|lsv2)[-_]"
    r"|AIza|A[KS]IA(?=[A-Z0-9])|ya29\.|eyJ|dapi(?=[0-9a-f]))[A-Za-z0-9*._~+/=-]{6,}+": (
        *WORDS,
        Text("sk-"),
        Text(" sk-"),
        Text(" sk-aaaaa"),
        Text("a", "sk-"),
        Text(" eyJ"),
        Text(" AKIA"),
    ),
    r"(?<![A-Za-z0-9])(?:org|proj|sess|key|fw|pa|pk|rk|acct|user)[-_][A-Za-z0-9*._-]{6,}+": (
        *WORDS,
        Text("org-"),
        Text(" org-"),
        Text(" key-aaaaa"),
        Text("a", "org-"),
    ),
    r"(\b(?:[Bb]earer|BEARER|[Bb]asic|[Tt]oken|[Kk]ey|KEY)[ \t]{1,8}+[\"'`]?)([^\s\"'<>`,;]{6,}+)": (
        Text("key "),
        Text("key ' "),
        *BLANKS,
        Text("token "),
        Text("token" + " " * 9),
        Text("a", "token "),
        Text("Bearer aaaaa "),
    ),
    r"(?<![\w-])([\w-]++)([\"']?\s?[=:]\s?[\"']?)([^\s\"'<>`&,;]{4,}+)": (
        *WORDS,
        Text("a="),
        Text("a=aaa "),
        Text("a = "),
        Text("a" * 50 + " "),
        Text("a", "a="),
    ),
    r"(?<![\w-])[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}(?![\w-])": (
        *WORDS,
        Text("a" * 8 + "-"),
        Text(" aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaa"),
        Text(" aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaaa"),
    ),
    r"(?<![A-Za-z0-9_+/-])[A-Za-z0-9_+/-]{20,}+={0,2}": (*WORDS, Text("="), Text("a" * 19 + "."), Text("a" * 20 + "=")),
    r"(?:run|thread|msg|asst|step|call|file|vs|vsfb|chatcmpl|cmpl|gen|resp|req|batch|ftjob|conv|rs|fc|tool|toolu)"
    r"[-_]": (
        Text("run"),
        Text("toolu"),
    ),
    r"[a-z]+(?:[-_'./][a-z]+)*+[.:!?)]*": (
        *WORDS,
        Text("a'", end="!"),
        Text("."),
        Text(".", "a", "x"),
        Text("a", "", "x1"),
    ),
    "[-_/+]": (*WORDS, Text("-")),
    # resources.polling, schemas, tools
    r"(?a)\d{1,12}(?:\.\d{1,6})?": DIGITS,
    "[^A-Za-z0-9_-]+": (*WORDS, Text("."), Text(".", end="a"), Text(".a")),
    "[A-Za-z0-9_-]{1,64}": WORDS,
    # commands
    "[^a-zA-Z0-9_-]": (*WORDS, *BLANKS),
    # server
    "[a-zA-Z0-9_-]{1,64}": WORDS,
    r"\s*+\S++|\s++": BLANKS,
    r"\w+": WORDS,
    r"\w+|\W+": (*WORDS, *BLANKS),
    r"[^\W\d_][\w'-]*": (*WORDS, Text("'"), Text("1"), Text("a'")),
    r"\d{1,15}": DIGITS,
    # sse, relay.following.connection
    rb"^(data|event|error)(?:: ?+(.*+))?+$": FIELDS,
    rb"^(?:data|event|error|id|retry)?+(?::|$)": (*FIELDS, Text("x\n"), Text("dat\n"), Text("retry")),
    rb"^(data|event|id)(?:: ?+(.*+))?+$": FIELDS,
    rb"(?:id: ([0-9]+)\n)?+((?:event: [\w.]+\n)?+data: (?! ).*+)": (
        *FIELDS,
        Text("1", "id: "),
        Text("a.", "event: "),
        Text("a", "id: 1\nevent: a\ndata: ", "\n"),
    ),
    # transport
    r"([A-Za-z][A-Za-z0-9+.-]*)://": (*WORDS, Text("a:"), Text("a", end=":/")),
    "(.*):([0-9]{1,5})": (*WORDS, *DIGITS, Text(":"), Text(":1", end="x"), Text(":123456")),
    r"[\s,]+": (*BLANKS, Text(","), Text("a,")),
    "[!#$%&'*+\\-.^_`|~0-9A-Za-z]+": (*WORDS, Text("a", end=" ")),
    r"[\x00-\x08\x0a-\x1f\x7f]": (*WORDS, Text("\t")),
    r"[\r\n\0]": WORDS,
    r"[\s\x00-\x1f\x7f]": WORDS,
    r"(?:\d++(?:\.\d*+)?+(?:ns|us|µs|μs|ms|s|m|h))++": (
        *DIGITS,
        Text("1h"),
        Text("1h", end="x"),
        Text("1.1m", end="1"),
    ),
    r"(\d++(?:\.\d*+)?+)([a-zµμ]*+)": (*DIGITS, *WORDS, Text("1h"), Text("1.", end="x")),
    r"[+-]?+(?:\d++(?:\.\d*+)?+|\.\d++)(?:e[+-]?+\d++)?+": (
        *DIGITS,
        Text("1", "1.", "x"),
        Text("1", "1e", "x"),
        Text("1", "1.1e", "x"),
        Text("."),
        Text("+"),
        Text("e1", "1"),
    ),
}
"""Of each expression, as it stands in the source, the texts that would take it longest: what it tries in vain."""

MATCH: dict[str, Callable[[Any, Any], object]] = {
    "search": lambda compiled, text: compiled.search(text),
    "match": lambda compiled, text: compiled.match(text),
    "fullmatch": lambda compiled, text: compiled.fullmatch(text),
    "findall": lambda compiled, text: compiled.findall(text),
    "finditer": lambda compiled, text: sum(1 for _ in compiled.finditer(text)),
    "split": lambda compiled, text: compiled.split(text),
    "sub": lambda compiled, text: compiled.sub(text[:0], text),
    "subn": lambda compiled, text: compiled.subn(text[:0], text),
}


def made_at_run_time() -> "list[re.Pattern[Any]]":
    """Return the expressions that are made of tables: those that `Withholding` holds, whatever it calls them."""
    held: list[re.Pattern[Any]] = []
    left: list[object] = [Withholding(wire.withheld, wire.understood) for wire in map(wire_of, PROTOCOLS)]
    while left:
        value = left.pop()
        if isinstance(value, re.Pattern):
            held.append(value)
        elif type(value).__module__ == Withholding.__module__:
            left += [getattr(value, name, None) for name in (*getattr(value, "__slots__", ()), *vars(value))]
        elif isinstance(value, dict):
            left += value.values()
        elif isinstance(value, list | tuple):
            left += value
    return list(dict.fromkeys(held))


FOUND = expressions_of_the_package()
MADE = made_at_run_time()


def compiled(expression: Expression) -> "list[re.Pattern[Any]]":
    return MADE if expression.made else [re.compile(expression.pattern, expression.flags)]


def test_every_expression_has_a_worst_text():
    unknown = [f"{found.module}: {found.pattern!r}" for found in FOUND if found.pattern not in WORST]

    assert unknown == []
    assert set(WORST) == {found.pattern for found in FOUND}, "an expression that is not there any more has a text"
    assert len(FOUND) > 40
    assert len(MADE) >= sum(found.made for found in FOUND)


def test_every_expression_in_memory_stands_in_the_source():
    known = {(one.pattern, one.flags) for found in FOUND for one in compiled(found)}
    held = []
    for info in pkgutil.walk_packages(asyncstream.__path__, "asyncstream."):
        if info.name.endswith("__main__") or "fastapi" in info.name:
            continue
        module = importlib.import_module(info.name)
        held += [(info.name, name, value) for name, value in vars(module).items() if isinstance(value, re.Pattern)]

    assert [f"{module}.{name}" for module, name, value in held if (value.pattern, value.flags) not in known] == []
    assert len(held) > 30


@pytest.mark.parametrize(
    "source",
    [
        "from re import search",
        "import re\nre.template('x')",
        "import re\nre.compile(pattern='x')",
    ],
)
def test_expression_that_cannot_be_read_from_the_source_is_an_error(source):
    with pytest.raises(ValueError, match="can be read"):
        list(expressions_in(source, "module"))


def test_expressions_are_found_whatever_they_are_called():
    source = (
        "import re\nA = re.compile('a', re.I | re.M)\nB: str = 'b'\n"
        "class C:\n    D = re.compile(rb'd')\n    def e(self):\n        self.f = re.compile('f' + B)\n"
        "        re.sub(B, '', z, 0, re.S), re.findall('g', x, flags=re.A)\n"
        "        return A.search(x), C.D.fullmatch(y), self.f\n"
    )
    found = {one.pattern: one for one in expressions_in(source, "m")}

    assert set(found) == {"a", "b", b"d", "'f' + B", "g"}
    assert (found["a"].flags, found["a"].uses) == (re.I | re.M, {"search"})
    assert (found["b"].flags, found["b"].uses) == (re.S, {"sub"})
    assert found["g"].flags == re.A
    assert (found["'f' + B"].made, found["'f' + B"].uses) == (True, {"search", "fullmatch", "findall"})


@pytest.mark.faults
@pytest.mark.parametrize("expression", FOUND, ids=lambda found: f"{found.module}-{found.pattern!r}"[:100])
def test_expression_takes_a_few_passes_at_most_for_its_worst_text(expression):
    too_slow = []
    for one in compiled(expression):
        for text in WORST[expression.pattern]:
            whole: Any = text.of(SIZE)
            if isinstance(one.pattern, bytes):
                whole = whole.encode("utf-8", "surrogatepass")
            for use in expression.uses:
                took = passes(lambda one=one, use=use, whole=whole: MATCH[use](one, whole))
                if took > MOST:
                    too_slow.append(f"{use} of {text}: {took:.1f} passes")
    assert too_slow == []
