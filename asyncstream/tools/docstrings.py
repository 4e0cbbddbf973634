"""Read a docstring: what the function does, and what each parameter is. Pure; works on lines of text alone.

Three styles are read, and a docstring may mix them: Google's (`Args:`), NumPy's (`Parameters` over dashes) and Sphinx's
(`:param name:`). Above it: `functions`, which shows the texts to a model.

Rule 1: no section is ever part of the description, whatever it is about: a model that reads how a function fails, or
what it returned to its caller's caller, learns nothing about how to call it.
"""

import inspect
from collections.abc import Iterable
from typing import NamedTuple

__all__ = ["Docstring", "read_docstring"]

_PARAMETERS = frozenset(
    {
        "args",
        "arguments",
        "attributes",
        "fields",
        "keyword args",
        "keyword arguments",
        "kwargs",
        "optional parameters",
        "other args",
        "other arguments",
        "other parameters",
        "parameters",
        "params",
    }
)
_OTHERS = frozenset(
    {
        "attention",
        "caution",
        "danger",
        "deprecated",
        "error",
        "example",
        "examples",
        "except",
        "exceptions",
        "hint",
        "important",
        "methods",
        "note",
        "notes",
        "raise",
        "raises",
        "receives",
        "references",
        "return",
        "returns",
        "see also",
        "side effects",
        "source",
        "tip",
        "todo",
        "usage",
        "warn",
        "warning",
        "warnings",
        "warns",
        "yield",
        "yields",
    }
)
_PARAMETER_FIELDS = frozenset({"param", "parameter", "arg", "argument", "key", "keyword", "kwarg", "ivar", "cvar"})
_OTHER_FIELDS = frozenset(
    {
        "except",
        "exception",
        "meta",
        "raise",
        "raises",
        "return",
        "returns",
        "rtype",
        "type",
        "vartype",
        "yield",
        "yields",
        "ytype",
    }
)
_BULLETS = ("- ", "* ", "+ ", "• ")


class Docstring(NamedTuple):
    """What a docstring says."""

    description: str
    """All that stands in no section."""
    parameters: dict[str, str]
    """By name, without the types that stand beside them."""


class _Entry(NamedTuple):
    names: list[str]
    text: str


def read_docstring(text: str) -> Docstring:
    """Read a docstring in whichever style it is."""
    lines = inspect.cleandoc(text).splitlines()
    description: list[str] = []
    parameters: dict[str, str] = {}
    place = 0
    while place < len(lines):
        title, after = _section_at(lines, place)
        if title in _PARAMETERS or title in _OTHERS:
            underlined = after > place + 1
            place = _end_of_section(lines, after, _indent(lines[place]), underlined=underlined)
            if title in _PARAMETERS:
                parameters |= _entries(lines[after:place], underlined=underlined)
            continue
        field = _field_at(lines[place])
        if field is not None:
            place, texts = _end_of_field(lines, place)
            for name in field.names:
                parameters[name] = _joined([field.text, *texts])
            continue
        description.append(lines[place])
        place += 1
    return Docstring(_without_gaps(description), parameters)


# Sections, in Google's style and in NumPy's.


def _section_at(lines: list[str], place: int) -> tuple[str | None, int]:
    """Return the title of a section that begins at a line, and the line after its head; over dashes any title."""
    line = lines[place].strip()
    below = lines[place + 1].strip() if place + 1 < len(lines) else ""
    if line and len(below) >= 3 and not below.strip("-") and _is_words(line):
        return line.lower(), place + 2
    head, colon, rest = line.partition(":")
    title = head.lower()
    if colon and title in _PARAMETERS and not rest:
        return title, place + 1
    if colon and title in _OTHERS and (not rest or (rest.startswith(" ") and head[:1].isupper())):
        return title, place + 1
    return None, place


def _is_words(title: str) -> bool:
    return title.replace(" ", "").isalpha()


def _end_of_section(lines: list[str], place: int, indent: int, *, underlined: bool) -> int:
    """Return where a section ends: at the next one; in Google's style at a line no deeper than its head."""
    first = True
    while place < len(lines):
        line = lines[place]
        if line.strip():
            if _section_at(lines, place)[0] is not None and _indent(line) <= indent:
                break
            if _field_at(line) is not None and _indent(line) <= indent:
                break
            if not underlined and _indent(line) <= indent and not (first or _follows_flat(lines, place, indent)):
                break
            first = False
        place += 1
    return place


def _follows_flat(lines: list[str], place: int, indent: int) -> bool:
    """Tell whether a line goes on with entries that somebody did not indent: no gap stands between them."""
    return bool(lines[place - 1].strip()) and _indent(lines[place - 1]) <= indent


def _entries(lines: list[str], *, underlined: bool) -> dict[str, str]:
    """Read the entries of a section of parameters; the lines that stand furthest to the left begin one each.

    Beside a name stands its text in Google's style, its type in NumPy's.
    """
    indents = [_indent(line) for line in lines if line.strip()]
    found: dict[str, str] = {}
    names: list[str] = []
    texts: list[str] = []
    for line in lines:
        if line.strip() and _indent(line) <= min(indents):
            found |= dict.fromkeys(names, _joined(texts))
            names, text = _entry(line.strip())
            texts = [] if underlined else [text]
        else:
            texts.append(line)
    return found | dict.fromkeys(names, _joined(texts))


def _entry(line: str) -> tuple[list[str], str]:
    """Read `name: text`, `name (type): text`, `name : type`, `name` or `one, two : type`; no names if it is none.

    An entry may be an item of a list, and a dash may stand for the colon.
    """
    head, rest = _split_entry(line[2:].lstrip() if line.startswith(_BULLETS) else line)
    names = [name.strip().strip("`").lstrip("*") for name in head.split(",")]
    if not all(name.isidentifier() for name in names):
        return [], ""
    return names, rest


def _split_entry(line: str) -> tuple[str, str]:
    """Part an entry in its names and its text; the colon after the names is outside of all brackets."""
    depth = 0
    opened = len(line)
    for place, character in enumerate(line):
        if character in "([{":
            depth += 1
            opened = min(opened, place)
        elif character in ")]}":
            depth -= 1
        elif character == ":" and not depth:
            return line[: min(opened, place)], line[place + 1 :]
    for dash in (" -- ", " - ", " – "):  # noqa: RUF001  # people write this one too
        head, found, rest = line.partition(dash)
        if found:
            return head[:opened], rest
    return line[:opened], ""


# Fields, in Sphinx's style.


def _field_at(line: str) -> _Entry | None:
    """Return the field that begins at a line: the parameters it is about, none for another field."""
    line = line.strip()
    if line[:1] not in (":", "@"):
        return None
    head, colon, text = line[1:].partition(":")
    kind, *more = head.split()[:1] + head.split()[-1:] if head.split() else [""]
    if not colon or (kind not in _PARAMETER_FIELDS and kind not in _OTHER_FIELDS):
        return None
    # Between the word and the name may stand a type.
    name = more[-1].lstrip("*\\") if len(head.split()) > 1 else ""
    return _Entry([name] if kind in _PARAMETER_FIELDS and name else [], text)


def _end_of_field(lines: list[str], place: int) -> tuple[int, list[str]]:
    """Return where a field ends, and its other lines: those that follow at once, and later ones that stand deeper."""
    indent = _indent(lines[place])
    texts: list[str] = []
    place += 1
    while place < len(lines):
        line = lines[place]
        if _field_at(line) is not None or _section_at(lines, place)[0] is not None:
            break
        if line.strip() and _indent(line) <= indent and not lines[place - 1].strip():
            break
        texts.append(line)
        place += 1
    return place, texts


# Text.


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _joined(lines: Iterable[str]) -> str:
    """Join the lines of one text; an item of a list stays on a line of its own, a gap parts paragraphs."""
    joined = ""
    gap = False
    for line in lines:
        words = line.strip()
        if not words:
            gap = bool(joined)
            continue
        is_item = words.startswith(_BULLETS) or words.partition(". ")[0].isdigit()
        between = "\n\n" if gap and not is_item else "\n" if is_item else " "
        joined += between + words if joined else words
        gap = False
    return joined


def _without_gaps(lines: list[str]) -> str:
    """Join lines as they are; where a section stood between them one empty line is left."""
    kept: list[str] = []
    for line in lines:
        if line.strip() or (kept and kept[-1].strip()):
            kept.append(line)
    return "\n".join(kept).strip()
