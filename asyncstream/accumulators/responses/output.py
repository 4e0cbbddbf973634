"""The items of a response, and which of them a payload means. Pure.

Rules 9.8 to 9.11: servers leave ids or indexes out, give one to several items, or another id in every event. Each
question is answered from a table, so that it costs the same whether there are ten items or ten thousand. Above it:
`accumulator`; below it: `kinds` and `items`.
"""

from bisect import insort
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter
from typing import Final, TypeAlias

from asyncstream.accumulators.changes import ChangeSink
from asyncstream.accumulators.merging import index_of
from asyncstream.accumulators.responses.calls import CALLS
from asyncstream.accumulators.responses.changes import ItemChange
from asyncstream.accumulators.responses.context import Context
from asyncstream.accumulators.responses.items import GrowingItem
from asyncstream.accumulators.responses.kinds import make_item
from asyncstream.accumulators.responses.payloads import JSONObject, name_of

__all__ = ["ANY_CALL", "Output", "item_type"]

ANY_CALL: Final = "*call"
"""Stands for every type of `CALLS`: their events fit one another, and an id names any of them."""

_ANY: Final = "*"
"""Stands for every type: what a payload without one fits."""

_Stack: TypeAlias = list[GrowingItem]


def item_type(payload: JSONObject) -> str:
    """Return the type of an item's payload; "" if it has none."""
    return name_of(payload.get("type"))


class _Current:
    """The items of the current response that a payload can mean by an index, or by neither index nor id.

    Stacks hold the newest item last; what no longer belongs into one is taken off when it comes to its top.
    """

    __slots__ = (
        "at",
        "idless",
        "idless_stubs",
        "items",
        "nameless",
        "next_index",
        "open",
        "stubs",
        "unannounced",
        "unannounced_at",
    )

    def __init__(self) -> None:
        self.items: list[GrowingItem] = []
        self.next_index = 0
        self.at: dict[tuple[str, int], _Stack] = defaultdict(list)
        self.unannounced_at: dict[tuple[str, int], _Stack] = defaultdict(list)
        self.unannounced: dict[str, _Stack] = defaultdict(list)
        self.nameless: dict[str, _Stack] = defaultdict(list)
        self.open: dict[str, deque[GrowingItem]] = defaultdict(deque)
        self.idless: dict[str, deque[GrowingItem]] = defaultdict(deque)
        self.stubs: deque[GrowingItem] = deque()
        self.idless_stubs: deque[GrowingItem] = deque()


class Output:
    """The items of all responses of one stream."""

    __slots__ = ("_by_name", "_context", "_current", "_items", "_ordered", "_response", "_unclosed", "stamp")

    def __init__(self, context: Context) -> None:
        self._context = context
        self.stamp = 0
        """Goes up whenever an event may mean another item than the same event before it."""
        self._items: list[GrowingItem] = []
        self._ordered = True
        # The newest item of each kind that has a name.
        self._by_name: dict[tuple[str, str], GrowingItem] = {}
        self._response = 0
        self._current = _Current()
        # What may have something open; as a dict for its order.
        self._unclosed: dict[GrowingItem, None] = {}

    def __len__(self) -> int:
        return len(self._items)

    def listed(self) -> list[GrowingItem]:
        """Return the items by response, index and age (rule 9.11)."""
        if not self._ordered:
            self._items.sort()
            self._ordered = True
        return self._items

    def end_as(self, status: str) -> None:
        """Let the items of the current response know as what it ended: that tells which of them are whole."""
        for item in self._current.items:
            item.built = None
            item.ended = status

    def begin_response(self) -> None:
        """Begin a further response: indexes start again, and earlier items answer to their names alone."""
        self._response += 1
        self._current = _Current()

    def none_open(self) -> bool:
        """Tell whether every item is done."""
        return all(item.done for item in self._unclosed)

    # What an event means.

    def of_event(self, kinds: Sequence[str], new: str, payload: JSONObject) -> GrowingItem:
        """Find the item that an event means, or open one of a type (rule 9.8).

        Args:
            kinds: What fits the event: types, or `ANY_CALL`.
            new: The type of the item if there is none.
            payload: The event.
        """
        id, index = name_of(payload.get("item_id")), index_of(payload.get("output_index"))
        item = self._named(kinds, id)
        if item is None:
            if index is not None:
                item = _newest(_top(self._current.at[kind, index], _open_at(kind, index)) for kind in kinds)
            elif id:
                item = _newest(_top(self._current.nameless[kind], _is_nameless(kind)) for kind in kinds)
            else:
                item = _newest(_last(self._current.open[kind], _is_open(kind)) for kind in kinds)
            if id or index is None:
                self._context.repairs.add("9.8", id or "item", index)
        if item is None:
            item = self._open(new, {"id": id} if id else {}, index)
        elif id:
            if not item.id and id != item.call_id:
                item.members["id"] = id
            self._name(item, id)
        self._touch(item)
        return item

    def of_added(self, payload: JSONObject, index: int | None) -> GrowingItem:
        """Find the item that an `added` tells of, or open one (rule 9.9)."""
        kind = _family(item_type(payload))
        item = self._named_by(payload)
        if item is None:
            nameless = not _has_name(payload)
            if index is None:
                item = _top(self._current.unannounced[kind], _is_unannounced(kind))
                if item is not None and not nameless and _has_name(item.members):
                    item = None
            else:
                item = _top(self._current.unannounced_at[kind, index], _unannounced_at(kind, index))
                if item is None and nameless:
                    kind = item_type(payload) or _ANY
                    item = _top(self._current.at[kind, index], _open_at(kind, index))
        return self._take(item, payload, index, announced=True, moves=False)

    def of_listed(self, payload: JSONObject, place: int) -> GrowingItem:
        """Find the item of an entry of a list that counts as `added` does, or open one (rule 9.6)."""
        item = self._named_by(payload)
        if item is None:
            kind = _family(item_type(payload))
            item = _top(self._current.unannounced_at[kind, place], _unannounced_at(kind, place))
            if item is None:
                kind = item_type(payload) or _ANY
                item = _top(self._current.at[kind, place], _open_at(kind, place))
        return self._take(item, payload, place, announced=True, moves=False)

    def of_done(self, payload: JSONObject, index: int | None) -> GrowingItem:
        """Find the item that an `output_item.done` tells of, or open one (rule 9.10)."""
        item = self._named_by(payload)
        if item is None:
            family, kind = _family(item_type(payload)), item_type(payload) or _ANY
            if index is not None:
                item = _newest(
                    (
                        _top(self._current.at[kind, index], _open_at(kind, index)),
                        _top(self._current.unannounced_at[family, index], _unannounced_at(family, index)),
                    )
                )
            else:
                item = self._open_of(kind, payload)
        return self._take(item, payload, index, announced=False, moves=True)

    def of_ending(self, entries: Sequence[JSONObject | None]) -> list[GrowingItem | None]:
        """Find or open the item of each entry of an ending list, whose place becomes the item's index (rule 9.7).

        Args:
            entries: The list; None for an entry that is no item.

        Returns:
            The item of each. It is not opened before the one before it was folded: its index is what it gets here.
        """
        found: list[GrowingItem | None] = [None] * len(entries)
        taken: set[int] = set()
        for place, entry in enumerate(entries):
            item = None if entry is None else self._named_by(entry)
            if item is not None and item.order not in taken:
                taken.add(item.order)
                found[place] = item
        left: dict[str, deque[GrowingItem]] = {}
        for item in sorted(self._current.items):
            if item.order not in taken:
                for kind in {_ANY, item.type, *(CALLS if _is_stub(item) else ())}:
                    left.setdefault(kind, deque()).append(item)
        for place, entry in enumerate(entries):
            if entry is not None and found[place] is None:
                same_type = left.get(item_type(entry) or _ANY)
                while same_type:
                    item = same_type.popleft()
                    if item.order not in taken:
                        taken.add(item.order)
                        found[place] = item
                        break
        return found

    def take_entry(self, item: GrowingItem | None, entry: JSONObject, place: int) -> GrowingItem:
        """Take what an entry of an ending list says of the type and the names of its item, or open one."""
        return self._take(item, entry, place, announced=False, moves=True)

    def close(self, changes: ChangeSink[ItemChange]) -> None:
        """Close everything that is open, in the order in which it is listed."""
        unclosed, self._unclosed = self._unclosed, {}
        for item in sorted(unclosed):
            item.built = None
            item.close(changes)

    def learn_names(self, item: GrowingItem) -> None:
        """Know an item by the id and the `call_id` that it has now."""
        self._name(item, item.id)
        if item.type in CALLS:
            self._name(item, item.call_id)

    # The tables.

    def _open(self, kind: str, payload: JSONObject, index: int | None) -> GrowingItem:
        current = self._current
        if index is None:
            index = current.next_index
        known = {name: payload[name] for name in ("id", "call_id") if name_of(payload.get(name))}
        key = name_of(known.get("id")) or name_of(known.get("call_id"))
        item = make_item(
            kind,
            order=len(self._items),
            response=self._response,
            index=index,
            key=key,
            context=self._context,
        )
        item.members |= known
        self.stamp += 1
        if self._items and item < self._items[-1]:
            self._ordered = False
        self._items.append(item)
        current.items.append(item)
        self._place(item, index)
        for one in _kinds(item.type):
            current.open[one].append(item)
            current.unannounced[one].append(item)
            current.nameless[one].append(item)
            current.idless[one].append(item)
        if kind in CALLS:
            current.stubs.append(item)
            current.idless_stubs.append(item)
        self.learn_names(item)
        return item

    def _place(self, item: GrowingItem, index: int) -> None:
        """Find an item of the current response under an index from now on."""
        current = self._current
        item.index = index
        current.next_index = max(current.next_index, index + 1)
        for kind in _kinds(item.type):
            for table in (current.at, current.unannounced_at):
                stack = table[kind, index]
                if stack and stack[-1].order > item.order:
                    insort(stack, item, key=_ORDER)
                else:
                    stack.append(item)

    def _take(
        self, item: GrowingItem | None, payload: JSONObject, index: int | None, *, announced: bool, moves: bool
    ) -> GrowingItem:
        """Take what a payload says of the type and the names of its item, and of its index; None: open one."""
        kind = item_type(payload)
        if item is None:
            item = self._open(kind, payload, index)
        else:
            if kind and kind != item.type and (moves or _is_stub(item)):
                self._retype(item, kind)
            if moves and index is not None and index != item.index:
                self._ordered = False
                if item.response == self._response:
                    self._place(item, index)
                else:
                    item.index = index
        if announced:
            item.announced = True
        self._name(item, name_of(payload.get("id")))
        if item.type in CALLS:
            self._name(item, name_of(payload.get("call_id")))
        self._touch(item)
        return item

    def _retype(self, item: GrowingItem, kind: str) -> None:
        """Know a call by the type that it turns out to have."""
        self._context.repairs.add("9.18", item.key, kind)
        item.type = kind
        if item.response == self._response:
            self._place(item, item.index)
            for table in (self._current.open, self._current.idless):
                table[kind].append(item)
            for stacks in (self._current.unannounced, self._current.nameless):
                stacks[kind].append(item)

    def _name(self, item: GrowingItem, name: str) -> None:
        # Known by its type and the name, it is known by all that the type is looked for under.
        if name and self._by_name.get((item.type, name)) is not item:
            item.named = True
            for kind in _kinds(item.type):
                held = self._by_name.get((kind, name))
                if held is None or held.order < item.order:
                    self._by_name[kind, name] = item
                    self.stamp += 1

    def _named(self, kinds: Sequence[str], name: str) -> GrowingItem | None:
        if not name:
            return None
        if len(kinds) == 1:
            return self._known(kinds[0], name)
        return _newest(self._known(kind, name) for kind in kinds)

    def _known(self, kind: str, name: str) -> GrowingItem | None:
        item = self._by_name.get((kind, name))
        if kind in CALLS and (item is None or item.type != kind):
            # A call may have turned out to be of this type, or of another, since it got the name.
            item = self._by_name.get((ANY_CALL, name))
            if item is not None and item.type != kind:
                return None
        return item

    def _named_by(self, payload: JSONObject) -> GrowingItem | None:
        """Return the item of its type that a payload names, by its id, else by its `call_id`."""
        kinds = (_family(item_type(payload)),)
        item = self._named(kinds, name_of(payload.get("id")))
        return self._named(kinds, name_of(payload.get("call_id"))) if item is None else item

    def _open_of(self, kind: str, payload: JSONObject) -> GrowingItem | None:
        """Return an open item of a type, which a late-attached call may turn out to be: if the payload has an id, one
        that has none, or the only one.
        """
        opened, is_open = self._current.open[kind], _is_open(kind)
        first, stubs = _first(opened, is_open), self._current.stubs if kind in CALLS else deque[GrowingItem]()
        if not name_of(payload.get("id")):
            return first or _last(stubs, _is_open_stub)
        item = _first(self._current.idless[kind], _is_idless(kind))
        if item is None and kind in CALLS:
            item = _first(self._current.idless_stubs, _is_idless_stub)
        if item is None:
            ends = {first, _last(opened, is_open), _first(stubs, _is_open_stub), _last(stubs, _is_open_stub)} - {None}
            item = ends.pop() if len(ends) == 1 else None
        return item

    def _touch(self, item: GrowingItem) -> None:
        item.built = None
        self._unclosed[item] = None


_ORDER: Final = attrgetter("order")


def _family(kind: str) -> str:
    """Return what a payload of a type can name."""
    return _ANY if not kind else ANY_CALL if kind in CALLS else kind


def _kinds(kind: str) -> tuple[str, ...]:
    """Return all that an item of a type can be looked for under."""
    return (_ANY, kind, ANY_CALL) if kind in CALLS else (_ANY, kind)


def _is_stub(item: GrowingItem) -> bool:
    """Tell whether an item is a call of which only a delta told, so that its type is a guess."""
    return item.type in CALLS and not item.announced and not item.told_whole


def _has_name(payload: JSONObject) -> bool:
    return bool(name_of(payload.get("id")) or name_of(payload.get("call_id")))


def _newest(items: Iterable[GrowingItem | None]) -> GrowingItem | None:
    return max((item for item in items if item is not None), key=_ORDER, default=None)


# What belongs into the tables.

_Belongs: TypeAlias = Callable[[GrowingItem], bool]


def _is(item: GrowingItem, kind: str) -> bool:
    return kind in (_ANY, ANY_CALL, item.type)


def _is_open(kind: str) -> _Belongs:
    return lambda item: not item.done and _is(item, kind)


def _is_nameless(kind: str) -> _Belongs:
    return lambda item: not item.done and not item.named and _is(item, kind)


def _is_idless(kind: str) -> _Belongs:
    return lambda item: not item.done and not item.id and _is(item, kind)


def _is_unannounced(kind: str) -> _Belongs:
    return lambda item: not item.done and not item.announced and _is(item, kind)


def _is_open_stub(item: GrowingItem) -> bool:
    return not item.done and _is_stub(item)


def _is_idless_stub(item: GrowingItem) -> bool:
    return _is_open_stub(item) and not item.id


def _open_at(kind: str, index: int) -> _Belongs:
    return lambda item: not item.done and item.index == index and _is(item, kind)


def _unannounced_at(kind: str, index: int) -> _Belongs:
    return lambda item: not item.done and not item.announced and item.index == index and _is(item, kind)


def _top(stack: _Stack, belongs: _Belongs) -> GrowingItem | None:
    while stack and not belongs(stack[-1]):
        stack.pop()
    return stack[-1] if stack else None


def _last(items: deque[GrowingItem], belongs: _Belongs) -> GrowingItem | None:
    while items and not belongs(items[-1]):
        items.pop()
    return items[-1] if items else None


def _first(items: deque[GrowingItem], belongs: _Belongs) -> GrowingItem | None:
    while items and not belongs(items[0]):
        items.popleft()
    return items[0] if items else None
