"""The table of views: what each reads of a stream, and the forms in which it goes out. The only place that knows them.

A view is a row of `VIEWS`: a reading of a stream (`entries`), and a `Shape` for each form (`shapes`), which owns media
type, headers, frames, end, error and refusal. Whoever relays asks here by name: `direct` and the doors above it with
`show`, `log.run_log` with `entries` for a run, which remembers the name of its view.

Rule 1: a new view is a new file and a row here. If anything else needs to know its name, that is wrong.
"""

from collections.abc import AsyncIterator, Callable, Collection, Mapping
from typing import Any, Final, Literal, NamedTuple, TypeAlias

from msgspec import Struct

from asyncstream.errors import ConfigurationError
from asyncstream.relay import pages, shapes
from asyncstream.relay.entries import (
    Entry,
    GivenEntries,
    Read,
    Relayed,
    Source,
    StreamEntries,
    read_changes,
    read_events,
    read_text,
)
from asyncstream.relay.shapes import Shape
from asyncstream.relay.withholding import Withholding
from asyncstream.streaming.stream import Stream
from asyncstream.ui.ui_messages import UIMessages

__all__ = ["VIEWS", "Form", "RelayView", "Shown", "ViewRow", "entries", "project", "shape_of", "show"]

RelayView: TypeAlias = Literal["events", "changes", "text", "ui-messages", "ag-ui"]
"""The wire's events; typed changes, named by their class; the text alone; or what pages read that are written with
`useChat` or assistant-ui, or with AG-UI."""

Form: TypeAlias = Literal["sse", "ndjson", "text"]
"""Server-sent events; lines of JSON; or the text and nothing else."""

_USUAL: Final[Mapping[str, str]] = {"sse": "events", "ndjson": "events", "text": "text"}
"""The forms, and the view that each shows if none is asked for."""

_COMPATIBLE: Final = "compatible"
"""What `compatible=True` makes of the form "sse"."""

Forms: TypeAlias = Mapping[str, Callable[[], Shape]]


class ViewRow(Struct, frozen=True):
    """One row of `VIEWS`."""

    read: Read
    """What it makes of a stream: its entries."""
    forms: Forms
    """How these go out: makes the shape for one reader, by the name of the form."""
    given: Callable[[Source, str], Source] | None = None
    """What it makes of entries that an application made for it; None: there are none such."""


VIEWS: Final[dict[str, ViewRow]] = {
    "events": ViewRow(read_events, {"sse": shapes.sse, _COMPATIBLE: shapes.compatible, "ndjson": shapes.ndjson}),
    "changes": ViewRow(read_changes, {"sse": shapes.sse, "ndjson": shapes.ndjson}),
    "text": ViewRow(read_text, {"sse": shapes.sse, "ndjson": shapes.ndjson, "text": shapes.text}),
    "ui-messages": ViewRow(pages.read_ui_messages, {"sse": pages.ui_messages}, pages.given_ui_messages),
    "ag-ui": ViewRow(pages.read_ag_ui, {"sse": pages.ag_ui}, pages.given_ag_ui),
}

_GIVEN: Final[Forms] = {
    "sse": shapes.sse,
    _COMPATIBLE: shapes.compatible,
    "ndjson": shapes.ndjson,
    "text": shapes.text,
}
"""The forms of entries that are made already, of which no view is known."""


class Shown(NamedTuple):
    """What `show` gives a door: the entries for one reader, and how they go out."""

    source: Source
    shape: Shape
    shape_of: Callable[[str], Shape]
    """How a source goes out that knows its view once it is open: a run in a log."""


def show(source: Relayed, *, form: Form, view: RelayView | None, expose: Collection[str], compatible: bool) -> Shown:
    """Return the entries and the shape for what the caller of a door asks for.

    Args:
        source: A stream, opened or not; or what gives entries already.
        form: The form.
        view: The view; None is the one that the form usually shows.
        expose: As in `entries`.
        compatible: Whether the frames are as the upstream's, and so is what they hold.

    Raises:
        ConfigurationError: There is no such form or view, or these do not go together.
    """
    usual = _USUAL.get(form) if isinstance(form, str) else None
    if usual is None:
        raise ConfigurationError(f"expected form to be {_one_of(_USUAL)}, got {form!r}")
    named = usual if view is None else view
    written = _COMPATIBLE if compatible else form
    if compatible and (form != "sse" or _COMPATIBLE not in _row(named).forms):
        raise ConfigurationError(f"the compatible form is SSE of events, got form {form!r} and view {view!r}")
    shape = shape_of(named, written)
    if not isinstance(source, Stream):
        named = "events" if named == usual else named
    given = entries(source, view=named, expose=expose, compatible=compatible)
    if not isinstance(given, StreamEntries | pages.GivenParts):
        # The form is all that is known of these, until they are open.
        shape = shape_of("", written)
    elif given is source:
        # A stream that `project` reads.
        shape = shape_of(given.view, written)
    return Shown(given, shape, lambda view: shape_of(view, written))


def shape_of(view: str, form: str) -> Shape:
    """Return a new shape for one reader: that of a view in a form.

    Args:
        view: Its name; "" for entries of which none is known.
        form: The form.

    Raises:
        ConfigurationError: There is no such view, or it has no such form.
    """
    if not view:
        return _GIVEN[form]()
    make = _row(view).forms.get(form)
    if make is None:
        having = [name for name, row in VIEWS.items() if form in row.forms]
        raise ConfigurationError(
            f"the form {form!r} shows the view{'s' * (len(having) > 1)} {_one_of(having)} only, got {view!r}"
        )
    return make()


def entries(source: Relayed, *, view: str = "events", expose: Collection[str] = (), compatible: bool = False) -> Source:
    """Return the entries of what is to be relayed, the last being `done` or `error`.

    Args:
        source: A stream, opened or not; or what gives entries already, of which nothing is left out.
        view: What the entries of a stream hold; or the view of pages that entries of an application's own are for.
        expose: Members that are in them although browsers are not told them by default, such as `metadata`.
        compatible: Whether what is left out of events is there and empty.

    Raises:
        ConfigurationError: No such view, nothing of such a name is left out, or either is asked of entries that were
            made for another view; or the upstream's own wire has no place for what the stream does.
    """
    row = _row(view)
    if isinstance(source, Stream):
        if compatible and source.runs_tools:
            raise ConfigurationError("a stream with run_tools is several answers: the compatible form has one")
        wire = source.wire
        withholding = Withholding(wire.withheld, wire.understood, expose=expose, compatible=compatible)
        return StreamEntries(source, view, row.read, withholding)
    if view != "events" and (row.given is None or _has_its_view(source)):
        raise ConfigurationError(
            f"only a stream has views, and these entries were made already: {view!r} comes too late"
        )
    if expose:
        raise ConfigurationError(
            f"only of a stream is anything left out, and these entries were made already: {expose!r} comes too late"
        )
    given = source if isinstance(source, Source) else GivenEntries(source)
    return given if row.given is None else row.given(given, view)


def _has_its_view(source: Source | AsyncIterator[Entry]) -> bool:
    """Tell whether entries are those of a stream that `project` reads, or of a run in a log."""
    return isinstance(source, StreamEntries) or getattr(source, "recorded", False)


def project(stream: Stream[Any, Any, Any], page: pages.Page) -> Source:
    """Return what is relayed of a stream that a projection of your own reads, in place of a view by its name.

    So the message has an id of yours, and a run of AG-UI the ids that were posted.

    Args:
        stream: A stream, opened or not.
        page: A `UIMessages` or `AGUI` that has told nothing yet; it serves this stream alone.
    """
    wire = stream.wire
    withholding = Withholding(wire.withheld, wire.understood)
    view = "ui-messages" if isinstance(page, UIMessages) else "ag-ui"
    return StreamEntries(stream, view, pages.reading_with(lambda: page), withholding)


def _row(view: str) -> ViewRow:
    row = VIEWS.get(view) if isinstance(view, str) else None
    if row is None:
        raise ConfigurationError(f"expected view to be {_one_of(VIEWS)}, got {view!r}")
    return row


def _one_of(names: Collection[str]) -> str:
    quoted = [repr(name) for name in names]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} or {quoted[-1]}"
