"""Whether an entry can be sent: `check_entry`; and `sound_entries`, a source's entries up to the first that cannot.

Entries come from applications and out of stores, and nothing looks at a struct when it is made. One that cannot be
encoded would end a producer with a foreign error; a name with a line end would be two fields of an SSE frame, the
second of the sender's choice. So whatever comes in is looked at once: by `pump` (a source of one reader), `producer` (a
run in the log), `reader` and `tail` (what a store gives).
"""

import logging
from collections.abc import AsyncGenerator

from asyncstream.errors import AsyncStreamError, ConfigurationError
from asyncstream.relay.entries import MAX_NAME, UNSENDABLE, Entry, Source, error_entry
from asyncstream.relay.errors import StoreError
from asyncstream.relay.log.store import Page

__all__ = ["check_entry", "is_sound", "log_fault", "sound_entries", "sound_page"]

_LOG = logging.getLogger("asyncstream")

_MAX_ID = 10**18
"""An id is a reader's next cursor, and a cursor has 18 digits at most."""


def check_entry(entry: object) -> None:
    """Refuse an entry that cannot be sent as it is.

    Raises:
        ConfigurationError: It is no `Entry`; its id is no number of 1 to 18 digits; its name is no text of one line, or
            longer than 1,024 characters; its data are no bytes, or no UTF-8.
    """
    if not isinstance(entry, Entry):
        raise ConfigurationError(f"expected an Entry, got {type(entry).__name__}")
    # A struct takes whatever it is made with.
    id: object = entry.id
    name: object = entry.event
    data: object = entry.data
    if id is not None and (not isinstance(id, int) or isinstance(id, bool) or not 0 <= id < _MAX_ID):
        raise ConfigurationError("expected the id of an entry to be a number of 1 to 18 digits, or None")
    if not isinstance(name, str):
        raise ConfigurationError(f"expected the name of an event to be a string, got {type(name).__name__}")
    if len(name) > MAX_NAME:
        raise ConfigurationError(
            f"expected the name of an event to have at most {MAX_NAME} characters, got {len(name)}"
        )
    if not (name.isascii() and name.isprintable()) and UNSENDABLE.search(name):
        raise ConfigurationError(f"expected the name of an event to be text of one line, got {name[:80]!r}")
    if not isinstance(data, bytes):
        raise ConfigurationError(f"expected the data of the event {name!r} to be bytes, got {type(data).__name__}")
    if not data.isascii():
        try:
            data.decode()
        except UnicodeDecodeError as error:
            raise ConfigurationError(f"expected the data of the event {name!r} to be UTF-8: {error.reason}") from None


def sound_page(page: Page) -> Page:
    """Return what a store gave, up to the first entry that cannot be sent: in its place stands an `error`, the last.

    An earlier version stored it, or something else that writes there. The log says what it is.
    """
    for count, entry in enumerate(page.entries):
        try:
            check_entry(entry)
        except ConfigurationError as error:
            log_fault(error)
            refused = error_entry(StoreError("the store gave an entry that cannot be sent"))
            return Page([*page.entries[:count], refused], True, page.view)
    return page


async def sound_entries(source: Source) -> AsyncGenerator[Entry, None]:
    """Give the entries of an open source, the last of them too, and never fail.

    That the source failed, gave what cannot be sent, or ended without a last entry, is the last entry, an `error`; and
    a line in the log, if it was a fault of the program.
    """
    unknown = not is_sound(source)
    try:
        async for entry in source:
            if unknown:
                check_entry(entry)
            yield entry
            if entry.terminal:
                return
        raise ConfigurationError("expected the last entry of a source to be `done` or `error`, it has ended without")
    except Exception as error:
        log_fault(error)
        yield error_entry(error)


def is_sound(source: Source) -> bool:
    """Return whether the entries of a source need not be looked at: it made them, or has looked at them."""
    return getattr(source, "sound", False)


def log_fault(error: Exception) -> None:
    """Log what broke a relay, if it is a fault of the program: readers do not hear of it.

    What an upstream or a store did is told to them.
    """
    if not isinstance(error, AsyncStreamError) or isinstance(error, ConfigurationError):
        _LOG.error("a relayed source failed with %s", type(error).__name__, exc_info=error)
