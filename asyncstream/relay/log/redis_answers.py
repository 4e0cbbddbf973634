"""What it means when redis-py fails: `judge`, `sent_to`. Pure, and without importing redis-py.

Above it: `redis_link`, `redis_ways`.

What a connection raises is a lost connection, whatever it is: redis-py's errors, those of the network, and what
asyncio itself gets wrong (writing to a transport that was reset is an `AttributeError` on Python 3.12 and 3.13). Only
what Redis answered is a refusal, and some refusals pass by themselves.

Rule 1: a refusal is known by the class that redis-py gives it, which cuts the word from the text of those that it has
a class for. Only for those without a class the word is looked for in the text.
"""

import re
from typing import Literal, NamedTuple

__all__ = ["SENTINELS", "Failure", "RefusedBySentinelsError", "judge", "refused_by", "sent_to"]

_WORDS = {
    "AskError": "ASK",
    "AuthenticationError": "WRONGPASS",
    "AuthenticationWrongNumberOfArgsError": "WRONGPASS",
    "AuthorizationError": "NOPERM",
    "BusyLoadingError": "LOADING",
    "ClusterCrossSlotError": "CROSSSLOT",
    "ClusterDownError": "CLUSTERDOWN",
    "DataError": "DataError",
    "MasterDownError": "MASTERDOWN",
    "MovedError": "MOVED",
    "NoPermissionError": "NOPERM",
    "NoScriptError": "NOSCRIPT",
    "OutOfMemoryError": "OOM",
    "ReadOnlyError": "READONLY",
    "TryAgainError": "TRYAGAIN",
}
"""The classes of refusals. Looked up over the bases of an error, nearest first: a `MovedError` is an `AskError` too."""

_PASSING = {
    "BUSY",  # a script of somebody runs for long
    "CLUSTERDOWN",
    "LOADING",  # it has just started
    "MASTERDOWN",  # a replica whose master is away
    "MISCONF",  # its disk is full
    "NOREPLICAS",
    "OOM",
    "READONLY",  # a replica: of a fail-over that is under way
    "TRYAGAIN",
    "UNBLOCKED",  # what waited in it was sent away, for it changes its role
}

_FIRST_WORD = re.compile(r"([A-Z]{2,})(?: |$)")
_OF_A_SCRIPT = re.compile(r": -([A-Z]{2,}) ")
"""Up to 6.2 a script that is refused a command fails with it: `... @user_script: 11: -READONLY You can't write ...`."""

_ELSEWHERE = re.compile(r"(?:(?:MOVED|ASK) )?[0-9]+ (.*):([0-9]+)")
"""The slot and where it is; the word before them is cut off since redis-py has a class for it, some time after 5.1."""

_CREDENTIALS = re.compile(r" - (?:\w+:)?Authentication\w*Error")
"""What `MasterNotFoundError` tells of each Sentinel that did not take its credentials, in all versions."""

SENTINELS = "SENTINELS"
"""The word of a failure that no Redis said."""


class RefusedBySentinelsError(Exception):
    """No Sentinel told of a master, for each refused the credentials. It never leaves the log."""


class Failure(NamedTuple):
    """What a failure of redis-py means."""

    kind: Literal["absent", "lost", "passing", "refused"]
    """There was no connection; or one without an answer; or an answer that may be another in a moment; or one that
    stays."""
    word: str
    """With which Redis refused, such as OOM; the name of the error where there was no answer or none with a word."""


def judge(error: BaseException) -> Failure:
    """Return what a failure means that came out of redis-py or of a connection."""
    if isinstance(error, RefusedBySentinelsError):
        return Failure("refused", SENTINELS)
    names = [base.__name__ for base in type(error).__mro__]
    if "RedisError" not in names:
        return Failure("absent" if _is_absent(error) else "lost", names[0])
    word = next((_WORDS[name] for name in names if name in _WORDS), None)
    if word is None:
        if "ResponseError" not in names:
            return Failure("absent" if _is_absent(error) else "lost", names[0])
        word = _word_of(str(error)[:1_000])
    return Failure("passing" if word in _PASSING else "refused", word or names[0])


def refused_by(error: BaseException) -> int | None:
    """Return how many Sentinels refused the credentials, of an error that says that none told of a master."""
    named = any(base.__name__ == "MasterNotFoundError" for base in type(error).__mro__)
    return len(_CREDENTIALS.findall(str(error)[:10_000])) if named else None


def sent_to(error: BaseException) -> tuple[str, int] | None:
    """Return host and port that a MOVED or an ASK names, the host empty if it is the same; None if it names none."""
    found = _ELSEWHERE.fullmatch(str(error)[:1_000])
    return None if found is None else (found[1], int(found[2]))


def _is_absent(error: BaseException) -> bool:
    """Return whether an error came of connecting: those of a connection that was made are of other classes."""
    found: BaseException | None = error
    while found is not None and not isinstance(found, OSError):
        found = found.__cause__ or found.__context__
    made = (ConnectionResetError, BrokenPipeError, ConnectionAbortedError, TimeoutError)
    return found is not None and not isinstance(found, made)


def _word_of(text: str) -> str | None:
    found = _OF_A_SCRIPT.search(text) or _FIRST_WORD.match(text)
    return None if found is None else found[1]
