"""The functions that the assistant of the browser example may call; one of them asks the user first.

Small, but real: they run in the web application, whatever the framework. Above it: `runs`.
"""

from datetime import UTC, datetime, timedelta

from asyncstream import Later, Tool, ToolContext, ToolFailed, Tools

__all__ = ["Bookings", "make_tools"]

_HOURS = {"Honolulu": -10, "Lima": -5, "Nairobi": 3, "Reykjavik": 0, "Singapore": 8, "Tokyo": 9}
"""Cities that never change their clocks, and how far these are from UTC."""

_TABLES = {"18:30": 4, "20:00": 2, "21:15": 6}
"""When tables are free, and how many may sit there."""


class Bookings:
    """What was booked since the application began."""

    def __init__(self) -> None:
        self.made: list[str] = []


def look_at_the_clock(city: str) -> str:
    """Tell what time it is in a city.

    Args:
        city: Its name in English.
    """
    if city not in _HOURS:
        raise ToolFailed(f"there is no clock for {city}; there are {', '.join(_HOURS)}")
    return f"{datetime.now(UTC) + timedelta(hours=_HOURS[city]):%H:%M}"


def find_tables(people: int) -> list[str]:
    """List when tables of the restaurant are free tonight.

    Args:
        people: How many will come.
    """
    return [time for time, seats in _TABLES.items() if seats >= people]


async def book_table(time: str, people: int, context: ToolContext[Bookings]) -> str:
    """Book a table of the restaurant for tonight.

    Args:
        time: One of the times that are free, such as "20:00".
        people: How many will come.
        context: Whose bookings they are.
    """
    if _TABLES.get(time, 0) < people:
        raise ToolFailed(f"there is no table for {people} at {time}")
    context.deps.made.append(time)
    return f"booked, number {len(context.deps.made)}"


async def _ask_the_page(call: object) -> Later:
    # The stream ends with the call open; the page asks its user, and `Answers.decide` goes on.
    return Later()


def make_tools(bookings: Bookings) -> Tools[Bookings]:
    """Return the tools of an application."""
    booking = Tool(book_table, approve=True)
    return Tools(look_at_the_clock, find_tables, booking, deps=bookings, approve=_ask_the_page)
