"""A run in Redis: its keys, and the scripts that change them. Pure: no connection.

    <prefix>{<run id>}:events    a stream; entry N of the run has the id N-0, and the fields e (name) and d (JSON)
    <prefix>{<run id>}:owner     the token of the producer while it lives; then `done` or `lost`
    <prefix>{<run id>}:view      the name of the view that the entries are; no key if that is none
    <prefix>{<run id>}:cancel    there if somebody wants the run to stop

The braces make all keys of a run hash to one slot of a cluster. Each script is one step of Redis, so what it checks
still holds when it writes: a producer whose run was taken from it writes nothing, and a batch that is sent again after
a broken connection adds nothing twice.

Rule 1: only the owner appends; only `END` writes for an owner that is gone, and it ends the run with that.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from asyncstream.relay.entries import Entry

__all__ = ["APPEND", "CANCEL", "CLAIM", "DONE", "END", "LOST", "RELEASE", "TAKEN", "Keys", "consecutive", "entry_of"]

DONE = b"done"
LOST = b"lost"

CLAIM = """
if redis.call('GET', KEYS[2]) == ARGV[1] then return 1 end
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
if not redis.call('SET', KEYS[2], ARGV[1], 'NX', 'PX', ARGV[2]) then return 0 end
redis.call('DEL', KEYS[4])
if ARGV[3] == '' then redis.call('DEL', KEYS[3]) else redis.call('SET', KEYS[3], ARGV[3], 'PX', ARGV[4]) end
return 1
"""
"""Token, milliseconds of the ownership, the view, milliseconds that a run is kept. 1 if the run is new and now owned,
also if an earlier answer was lost."""

APPEND = """
local owner = redis.call('GET', KEYS[2])
if owner == 'done' and ARGV[5] == '1' then
  for i = 1, 3 do redis.call('PEXPIRE', KEYS[i], ARGV[3]) end
  return 1
end
if owner and owner ~= ARGV[1] then return 0 end
local last = 0
local newest = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
if newest then last = tonumber(string.match(newest[1], '^%d+')) end
local id = tonumber(ARGV[6])
if id > last + 1 and ARGV[7] == '0' then return -1 - last end
for i = 8, #ARGV, 2 do
  if id > last then
    redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[4], string.format('%d-0', id), 'e', ARGV[i], 'd', ARGV[i + 1])
  end
  id = id + 1
end
if ARGV[5] == '1' then
  redis.call('SET', KEYS[2], 'done', 'PX', ARGV[3])
else
  redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])
end
redis.call('PEXPIRE', KEYS[1], ARGV[3])
redis.call('PEXPIRE', KEYS[3], ARGV[3])
if redis.call('EXISTS', KEYS[4]) == 1 then return 2 end
return 1
"""
"""Token, milliseconds of the ownership, milliseconds that a run is kept, entries kept, 1 if this is the end, the id of
the first entry, 1 if there may be a gap before it, then name and JSON of each. 0 if the run has another owner or was
declared lost, 2 if it was done and the run is to stop; -1 less the id of the newest entry if there would be a gap, for
a Redis that restarted or failed over has lost what it had taken.

A last batch that was taken, but whose answer was lost, finds the run done, and has it kept from now on: a replica which
was told so has all before it. An ownership that ran out (Redis was away, or the producer stopped for a while) is taken
again as long as nobody has noticed.
"""

END = """
local owner = redis.call('GET', KEYS[2])
if owner and owner ~= ARGV[3] then return 0 end
local newest = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
if not newest and ARGV[3] == '' then return -1 end
local id = 1
if newest then
  if newest[2][2] == 'done' or newest[2][2] == 'error' then return 0 end
  id = tonumber(string.match(newest[1], '^%d+')) + 1
end
redis.call('XADD', KEYS[1], string.format('%d-0', id), 'e', 'error', 'd', ARGV[2])
redis.call('SET', KEYS[2], 'lost', 'PX', ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[1])
redis.call('PEXPIRE', KEYS[3], ARGV[1])
return 1
"""
"""Milliseconds that a run is kept, the JSON of its error, and the token of a producer that ends its own run like this;
of a reader that ends one without an owner, nothing. 1 if the run is ended now, -1 if a reader finds none."""

CANCEL = """
local owner = redis.call('GET', KEYS[2])
if not owner or owner == 'done' or owner == 'lost' then return 0 end
redis.call('SET', KEYS[4], '1', 'PX', ARGV[1])
return 1
"""
"""Milliseconds that a run is kept. 1 if it goes on and its owner is told with its next batch."""

RELEASE = """
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
"""
"""Token; the one key is the owner's."""

TAKEN = """
redis.call('SETRANGE', KEYS[2], 0, '')
return 1
"""
"""It writes nothing, but is refused wherever a batch is: for want of memory, of replicas, of all keys at one node."""


class Keys(NamedTuple):
    """The keys of a run."""

    events: str
    owner: str
    view: str
    cancel: str

    @classmethod
    def of(cls, prefix: str, run_id: str) -> "Keys":
        """Return the keys of a run."""
        base = f"{prefix}{{{run_id}}}"
        return cls(f"{base}:events", f"{base}:owner", f"{base}:view", f"{base}:cancel")


def entry_of(id: bytes, fields: Mapping[bytes, bytes]) -> Entry:
    """Return an entry of the stream as one of ours."""
    return Entry(id=int(id.partition(b"-")[0]), event=fields[b"e"].decode(), data=fields[b"d"])


def consecutive(entries: Sequence[Entry], after: int) -> list[Entry]:
    """Return the entries from the one after a cursor on, up to the first gap.

    What Redis forgets when it crashes can be in the middle of a run whose producer went on.
    """
    whole: list[Entry] = []
    for expected, entry in enumerate(entries, after + 1):
        if entry.id != expected:
            break
        whole.append(entry)
    return whole
