"""What of another server's words a browser may read: `public_words`. Pure; linear in the text.

Servers put into their messages what only the operator should see: the address that they could not reach, the key that
they were given, the request that they did not like. Here these become ``***``: URLs, hosts, addresses of IP and
sockets, resources of clouds, keys of any vendor, accounts, and JSON, which may repeat the request. What is in doubt is
taken for one of them, unless it is what messages are full of: versions, names of models, members and events, ids of
objects.

Above it: `errors` (the words of an error) and `withholding` (those inside of an event).
Rule 1: no pattern can run away: what repeats is possessive, and begins only where a word does, or has a bound.
"""

import ipaddress
import re
from collections.abc import Callable
from typing import Final

__all__ = ["public_words"]

_STAR: Final = "***"

MOST_WORDS: Final = 2_000
"""Characters of a message that are told: those for readers have one or two sentences."""

_MOST_READ: Final = 4 * MOST_WORDS
"""Characters of a message that are looked at: what is starred is mostly longer than the star."""


def public_words(text: str) -> str:
    """Return what a server says without keys, accounts, hosts, addresses and JSON; at most `MOST_WORDS` characters."""
    if _TAG.fullmatch(text) and text != "localhost" and not _KEY.match(text):
        return text
    if len(text) > _MOST_READ:
        # Not within a word: half a key does not look like one.
        text = text[:_MOST_READ].rpartition(" ")[0] or _STAR
    json = _JSON.search(text)
    if json is not None:
        text = text[: json.start()] + _STAR
    for pattern, replace in _PATTERNS:
        text = pattern.sub(replace, text)
    return text[:MOST_WORDS]


_TAG = re.compile(r"[a-z]{1,32}+(?:_[a-z]{1,32}+){0,8}+")
"""A type or a code, which most words are that stand alone."""

_JSON = re.compile(r"[{]\s*+(?:[\"'{\[]|\w{1,64}+\s*+[:=])")
"""The beginning of an object, as JSON, Python or JavaScript write it. Validators repeat what they refuse."""


def _listed(words: str) -> frozenset[str]:
    return frozenset(words.split())


# Addresses.

_URL = re.compile(r"(?:(?<![A-Za-z0-9+.-])[A-Za-z0-9+.-]{1,40}+)?:\\?/\\?/[^\s\"'<>`]*+")

_SOCKET = re.compile(r"\bunix:[^\s\"'<>`]++|(?<![^\s\"'<>`=(\[:,;])/[^\s\"'<>`=(\[:,;)\]]*+(?<=\.sock)")
"""A path ends at whatever another may begin behind: else each slash behind a bracket would be read to the end."""

_RESOURCE = re.compile(
    r"/subscriptions/[^\s\"'<>`,;]*+|/resourceGroups/[^\s\"'<>`,;]*+|\barn:aws[^\s\"'<>`,;]*+"
    r"|(?<=\bprojects/)[^\s/\"'<>`,;]++",
    re.IGNORECASE,
)
"""Azure's, Amazon's and Google's names of a resource hold the account that pays for it."""

_IPV4 = re.compile(r"(?<![\d.])(?<!\b[vV])(?:\d{1,3}\.){3}\d{1,3}(?::\d{1,5})?(?!\.?\d)|\bip(?:-\d{1,3}){4}\b")

_IPV6 = re.compile(
    r"(?<![\w:.])\[?([0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,8}(?:(?:\.\d{1,3}){3})?)(?:%\w{1,16})?(?:\]:\d{1,5}|\])?"
)

_LOCALHOST = re.compile(r"(?<![\w.-])localhost(?:\.localdomain)?(?::\d{1,5})?(?![\w-])", re.IGNORECASE)

_HOST = re.compile(r"(?<![\w.*-])[*.]{0,3}+[\w-]++(?:\.[\w-]++)++\.?(:\d{2,5}(?!\d))?")

_PORT = re.compile(r"(?<![\w.-])([A-Za-z][\w-]{0,62}+):(\d{2,5})(?![\w:-])")

_NAMED = re.compile(
    r"((?:ENOTFOUND|EAI_AGAIN|ECONNREFUSED|EHOSTUNREACH|ETIMEDOUT|resolve host:|dial tcp|lookup) "
    r"|\b(?:[Hh]ost(?:name)?|[Ss]erver|[Uu]pstream|[Bb]ackend|[Ee]ndpoint|[Aa]ddress|[Pp]eer)"
    r"(?:=[\"']?|[\"']?: ?[\"']| [\"']))"
    r"[^\s\"'<>`,;)]++"
)
"""A word that is a host because the words before it say so: those of Node, Go, curl and Python."""

_DOMAINS: Final = _listed(
    "com net org edu gov mil arpa biz info io ai dev app cloud xyz tech online site internal local localdomain lan corp"
    " intranet private home example test invalid localhost svc consul docker cluster onion prod production"
    " staging qa uat"
)
"""What the last part of a host is: the usual domains, and those of private networks. All of two letters count too."""

_FILES: Final = _listed(
    "c cc cfg conf cpp css csv env exe gguf gif go gz h html ini java jpeg jpg js json jsonl lock log md mp3 mp4 onnx"
    " pdf php pl png pt pth py rb rs safetensors sh so sql svg toml ts tsx txt wav webp xml yaml yml zip"
)

_MEMBERS: Final = _listed("ad am as at be by do id in is it la ma me my no of so to us")
"""Words and members of two letters that are domains too: `message.id` is no host in Indonesia."""


def _star_host(match: "re.Match[str]") -> str:
    labels = match.group().partition(":")[0].strip("*.").split(".")
    return _STAR if len(labels) > 1 and _is_host(labels, port=match.group(1) is not None) else match.group()


def _is_host(labels: list[str], *, port: bool) -> bool:
    last = labels[-1]
    domain = last.lower()
    if domain.startswith("xn--"):
        return True
    if not last.isalpha() or len(last) < 2:
        # gpt-4.1, v1.2.3, e.g.
        return False
    if domain in _FILES:
        return False
    if port:
        return True
    if last.istitle() and not labels[0].istitle() and len(labels) == 2:
        # A sentence that ends and one that begins.
        return False
    numbered = any(label.isdigit() for label in labels[1:])
    if domain in _DOMAINS:
        return domain != "info" or len(labels) > 2
    # A part such as llm-7, which no member of JSON is called.
    machine = any(("-" in label or not label.isalpha()) and "_" not in label for label in labels)
    if numbered:
        # tools.0.function.id
        return False
    if len(last) == 2:
        return machine or domain not in _MEMBERS
    return machine and len(labels) > 2


_COUNTED: Final = _listed(
    "at byte bytes char character code col column count error errno id index item limit line lines max min number of"
    " offset page port pos position row size status step time tokens version"
)
"""Words that a number stands behind without being a port."""


def _star_port(match: "re.Match[str]") -> str:
    name, port = match.group(1).lower(), int(match.group(2))
    is_port = port in (80, 443) or 1_000 <= port <= 65_535
    return match.group() if name in _COUNTED or not is_port else _STAR


def _star_ipv6(match: "re.Match[str]") -> str:
    digits = match.group(1).strip(".")
    try:
        ipaddress.IPv6Address(digits)
    except ValueError:
        return match.group()
    return match.group() if digits == "::" else _STAR


# Keys.

_KEY = re.compile(
    r"(?<![A-Za-z0-9])(?:(?:sk|gsk|csk|xai|pplx|hf|r8|nvapi|tvly|gh[opsur]|github_pat|glpat|xox[a-z]|whsec|lsv2)[-_]"
    r"|AIza|A[KS]IA(?=[A-Z0-9])|ya29\.|eyJ|dapi(?=[0-9a-f]))[A-Za-z0-9*._~+/=-]{6,}+"
)
"""Keys that say of themselves whose they are."""

_ACCOUNT = re.compile(r"(?<![A-Za-z0-9])(?:org|proj|sess|key|fw|pa|pk|rk|acct|user)[-_][A-Za-z0-9*._-]{6,}+")
"""Keys and accounts that begin as words do."""

_SCHEME = re.compile(r"(\b(?:[Bb]earer|BEARER|[Bb]asic|[Tt]oken|[Kk]ey|KEY)[ \t]{1,8}+[\"'`]?)([^\s\"'<>`,;]{6,}+)")

_ASSIGNED = re.compile(r"(?<![\w-])([\w-]++)([\"']?\s?[=:]\s?[\"']?)([^\s\"'<>`&,;]{4,}+)")

_SECRETS: Final = tuple(
    _listed("key token secret password passwd pwd auth authorization signature sig credential credentials cookie")
)
"""How the names of what holds a secret end."""

_GUID = re.compile(r"(?<![\w-])[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}(?![\w-])")
"""Some vendors' keys are these; so are Azure's subscriptions and tenants. Behind a prefix it is the id of an object."""

_LONG = re.compile(r"(?<![A-Za-z0-9_+/-])[A-Za-z0-9_+/-]{20,}+={0,2}")

_OBJECTS = re.compile(
    r"(?:run|thread|msg|asst|step|call|file|vs|vsfb|chatcmpl|cmpl|gen|resp|req|batch|ftjob|conv|rs|fc|tool|toolu)[-_]"
)
"""How ids begin that the events of the answer have too."""

_WORD = re.compile(r"[a-z]+(?:[-_'./][a-z]+)*+[.:!?)]*")


def _star_account(match: "re.Match[str]") -> str:
    # key_not_found and org-wide are words.
    return match.group() if _WORD.fullmatch(match.group()) else _STAR


def _star_scheme(match: "re.Match[str]") -> str:
    # "bearer token is missing", "API key provided: "; behind "Bearer" there is no word of a sentence, but for these.
    scheme, word = match.groups()
    ordinary = _WORD.fullmatch(word) and (scheme[0] not in "BT" or word.startswith(("auth", "token", "cred")))
    if scheme[0] in "kK":
        # "key 3 of 7"
        ordinary = ordinary or not any(map(str.isdigit, word)) or word.isdigit()
    return match.group() if ordinary else scheme + _STAR


def _star_assigned(match: "re.Match[str]") -> str:
    name, sign, value = match.groups()
    if not name.lower().endswith(_SECRETS):
        return match.group()
    # "API key: none given", max_token=4096.
    ordinary = value.strip(".") == _STAR or value.isdigit() or ("=" not in sign and _WORD.fullmatch(value))
    return match.group() if ordinary else name + sign + _STAR


def _star_long(match: "re.Match[str]") -> str:
    text = match.group()
    if _OBJECTS.match(text):
        return text
    parts = re.split(r"[-_/+]", text)
    # claude-3-5-sonnet-20241022 has short parts only.
    if any(len(part) >= 20 and not part.isalpha() and not part.isdigit() for part in parts):
        return _STAR
    return _STAR if len(text) >= 36 and "-" not in text and _is_base64(text) else text


def _is_base64(text: str) -> bool:
    mixed = any(map(str.isupper, text)) and any(map(str.islower, text)) and any(map(str.isdigit, text))
    return mixed and "/" in text.replace("+", "/")


_PATTERNS: Final[tuple[tuple["re.Pattern[str]", str | Callable[["re.Match[str]"], str]], ...]] = (
    (_URL, _STAR),
    (_SOCKET, _STAR),
    (_RESOURCE, _STAR),
    (_KEY, _STAR),
    (_ACCOUNT, _star_account),
    (_SCHEME, _star_scheme),
    (_ASSIGNED, _star_assigned),
    (_NAMED, rf"\1{_STAR}"),
    (_GUID, _STAR),
    (_IPV6, _star_ipv6),
    (_IPV4, _STAR),
    (_LOCALHOST, _STAR),
    (_HOST, _star_host),
    (_PORT, _star_port),
    (_LONG, _star_long),
)
"""In order: what is starred is out of the way of those that come after it."""
