"""How a key of a store is reached: `way_to` one Redis, to the master that Sentinels name, or to the nodes of a cluster.

A way is a small object: it sends commands about one key to whoever serves that key, and looks again when that may have
changed. Above it: `redis_link`, which says when and how often. Below it: redis-py, imported when a way is made.

Rule 1: all commands of one call are about keys of one slot, and are answered in their order, over one connection; but
for those that may go `apart`, while half of their slot is at one node and half at another.
Rule 2: a way has connections of its own, made as those of a client that it was given; that client is never closed.
Rule 3: a way does not wait and does not try again, but for following where a cluster says a slot is.
"""

import asyncio
import random
from collections.abc import Iterable, Mapping, Sequence, Set
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from asyncstream.errors import ConfigurationError
from asyncstream.relay.log.redis_answers import RefusedBySentinelsError, judge, refused_by, sent_to
from asyncstream.relay.log.redis_url import Address, Place
from asyncstream.relay.log.sharing import Sharing

if TYPE_CHECKING:
    from redis.asyncio import Redis
    from redis.asyncio.client import PubSub


__all__ = ["LONGEST_CLOSING", "Command", "Way", "way_like", "way_to"]

Command: TypeAlias = Sequence[str | bytes | int]

_MAX_CONNECTIONS = 10_000
"""What a Redis accepts by default. Each run that is followed in this process holds one connection, to one node."""

LONGEST_CLOSING = 0.25
"""Seconds for closing connections on the way to others, which TLS does in words."""

_REDIRECTIONS = 5
"""A slot that is moving is told of by two nodes; who is sent on more often is told in a moment where it went."""

_NOT_OURS = ("connection_pool", "host", "port", "db", "path", "max_connections", "response_callbacks", "retry_on_error")


class Way(Protocol):
    """The way to a store of one kind.

    Attributes:
        name: What it is called in a message.
        address: Where it is, as text; no password.
        host: Of the first address.
        port: Of the first address; None of a socket in the file system.
        fails_over: Another server takes over when one is away, without what that had not handed on yet.
    """

    name: str
    address: str
    host: str
    port: int | None
    fails_over: bool

    async def ask(self, key: str, commands: Sequence[Command], *, apart: bool = False) -> list[Any]:
        """Send commands to whoever serves a key; return their answers, or raise the first that is an error.

        Args:
            key: Any key of the slot of theirs.
            commands: One or more.
            apart: Each has a key, so each may be sent after its key if that has another server than those before it.
        """
        ...

    async def pubsub(self, key: str) -> "PubSub":
        """Return what can subscribe to a channel."""
        ...

    async def look_again(self) -> None:
        """Give up what may be dead or has another role now: connections that idle, who serves which slot."""
        ...

    async def follow(self) -> None:
        """Ask who serves now, if a server that was replaced may not know it; give up all connections to that."""
        ...

    async def close(self) -> None:
        """Close the connections."""
        ...


class _OneServer:
    """One address: of a Redis, or of whoever is the master when a connection is made."""

    def __init__(self, name: str, addresses: Sequence[Address], client: "Redis", *others: "Redis") -> None:
        """Name a client.

        Args:
            name: What is at the addresses.
            addresses: Where it is.
            client: Its client.
            *others: What is closed with it.
        """
        self.address = _words(addresses)
        self.name = f"{name} at {self.address}"
        self.host, self.port = addresses[0]
        self.fails_over = bool(others) or hasattr(client.connection_pool, "sentinel_manager")
        self._asked = len(addresses)
        self._client = client
        self._others = others
        # Where connections lead that nobody has given up.
        self._master: Address | None = None

    async def ask(self, key: str, commands: Sequence[Command], *, apart: bool = False) -> list[Any]:
        try:
            answers = await _send(self._client, commands)
            if self._master is None and self.fails_over:
                pool: Any = self._client.connection_pool
                self._master = pool.master_address
            return answers
        except Exception as error:
            refused = refused_by(error)
            if refused is None:
                raise
            kind = type(error)
        # Not its words, nor it as a cause: some versions of redis-py write the password of the Sentinels there.
        if refused >= self._asked:
            raise RefusedBySentinelsError("each Sentinel refused the credentials")
        raise kind("no Sentinel told of a master")

    async def pubsub(self, key: str) -> "PubSub":
        return self._client.pubsub(ignore_subscribe_messages=True)

    async def look_again(self) -> None:
        await self._client.connection_pool.disconnect(inuse_connections=False)

    async def follow(self) -> None:
        if not self.fails_over:
            return
        pool: Any = self._client.connection_pool
        master = await pool.get_master_address()
        known, self._master = self._master, master
        if known not in (None, master):
            # Those in use too: for many seconds an old master takes what it will forget.
            await pool.disconnect()

    async def close(self) -> None:
        await _closed([self._client, *self._others])


class _Cluster:
    """The nodes of a cluster, each with a pool of its own, and who serves which slot."""

    fails_over = True

    def __init__(
        self, addresses: Sequence[Address], connection_class: type[Any], options: Mapping[str, Any], remap: Any = None
    ) -> None:
        """Remember how to connect.

        Args:
            addresses: Some of the nodes.
            connection_class: Of redis-py, with or without TLS.
            options: What each connection is made with.
            remap: Says where an address that the cluster tells of can be reached; None if there.
        """
        self.address = _words(addresses)
        self.name = f"the Redis Cluster at {self.address}"
        self.host, self.port = addresses[0]
        self._seeds = list(addresses)
        self._connection_class = connection_class
        self._options = dict(options)
        self._remap = remap or (lambda address: address)
        self._slot_of = import_module("redis.crc").key_slot
        self._clients: dict[Address, Redis] = {}
        # First slot, last slot, its master; None until somebody asked.
        self._map: list[tuple[int, int, Address]] | None = None
        # All that the cluster last told of, replicas too: one of these may be the last that is left.
        self._known: list[Address] = []
        # What nodes told of single slots since.
        self._moved: dict[int, Address] = {}
        self._learning: Sharing[None] = Sharing()

    async def ask(self, key: str, commands: Sequence[Command], *, apart: bool = False) -> list[Any]:
        slot = self._slot_of(key.encode())
        address = await self._address_of(slot)
        asking = False
        for _ in range(_REDIRECTIONS):
            try:
                return await self._ask_at(address, commands, asking)
            except Exception as error:
                word = judge(error).word
                found = sent_to(error) if word in ("MOVED", "ASK") else None
                if found is None:
                    raise
                # Without a host it is another port of the same.
                address = self._remap((found[0] or address[0], found[1]))
            asking = word == "ASK"
            if asking and apart and len(commands) > 1:
                # Of what is still at the first node the second one would say that there is no such key.
                return [(await self.ask(key, [command]))[0] for command in commands]
            if not asking:
                self._moved[slot] = address
        raise RuntimeError(f"sent on {_REDIRECTIONS} times")

    async def pubsub(self, key: str) -> "PubSub":
        # Any node hears what is published at any other.
        address = await self._address_of(self._slot_of(key.encode()))
        return self._client_at(address).pubsub(ignore_subscribe_messages=True)

    async def look_again(self) -> None:
        self._map = None
        self._moved.clear()
        pools = [client.connection_pool for client in self._clients.values()]
        # Together: one that is slow to close keeps no other from it.
        await asyncio.gather(*(pool.disconnect(inuse_connections=False) for pool in pools), return_exceptions=True)

    async def follow(self) -> None:
        # A node that was replaced knows it, and sends on whoever asks.
        pass

    async def close(self) -> None:
        await _closed(self._clients.values())

    async def _ask_at(self, address: Address, commands: Sequence[Command], asking: bool) -> list[Any]:
        client = self._client_at(address)
        try:
            return await _send(client, commands, asking)
        finally:
            if self._clients.get(address) is not client:
                # Given up meanwhile, so what was asked there went back to a pool that is not closed any more.
                await _closed([client])

    async def _address_of(self, slot: int) -> Address:
        if slot in self._moved:
            return self._moved[slot]
        if self._map is None:
            await self._learning.ask(None, self._learn)
        for first, last, address in self._map or ():
            if first <= slot <= last:
                return address
        raise RuntimeError(f"no node serves slot {slot}")

    async def _learn(self, close: Any) -> None:
        """Ask one node after another who serves what; give up those that the cluster does not tell of any more."""
        # Not always the same one first: it may be the one that is silent.
        random.shuffle(self._known)
        seconds = self._options["socket_connect_timeout"] / 4
        error: Exception | None = None
        for address in dict.fromkeys([*self._known, *self._seeds]):
            try:
                async with asyncio.timeout(seconds):
                    [slots] = await self._ask_at(address, [("CLUSTER", "SLOTS")], False)
            except Exception as failure:
                if judge(failure).kind == "refused":
                    # Its words are the same at any other node.
                    raise
                error = failure
                continue
            if slots:
                self._map = [(first, last, self._node(node, address)) for first, last, node, *_ in slots]
                self._known = list({self._node(node, address): None for _, _, *nodes in slots for node in nodes})
                await self._give_up({*self._known, *self._seeds})
                return
        raise error or RuntimeError("no node serves any slot")

    async def _give_up(self, still: Set[Address]) -> None:
        """Close the connections to all other nodes, also those that somebody waits at."""
        gone = [self._clients.pop(address) for address in list(self._clients) if address not in still]
        try:
            async with asyncio.timeout(LONGEST_CLOSING):
                await _closed(gone)
        except TimeoutError:
            # Closed without a good-bye.
            pass

    def _node(self, told: Sequence[Any], asked: Address) -> Address:
        host = told[0].decode() if isinstance(told[0], bytes) else told[0]
        address: Address = self._remap((host or asked[0], int(told[1])))
        return address

    def _client_at(self, address: Address) -> "Redis":
        client = self._clients.get(address)
        if client is None:
            host, port = address
            client = self._clients[address] = _client(self._connection_class, self._options, host=host, port=port)
        return client


def way_to(place: Place, connect_timeout: float) -> Way:
    """Return the way to where an URL leads.

    Raises:
        Exception: Whatever redis-py makes of the values of its options.
        ImportError: It is not installed.
    """
    pools = import_module("redis.asyncio.connection")
    ours = _ours(connect_timeout)
    pool = pools.ConnectionPool.from_url(place.url, max_connections=_MAX_CONNECTIONS, **ours)
    # Not connected: it says whether the options can be used, which the first run would find out otherwise.
    tls = getattr(pool.make_connection(), "ssl_context", None)
    if tls is not None:
        tls.get()
    if place.kind == "one":
        return _OneServer("the Redis", place.addresses, import_module("redis.asyncio").Redis.from_pool(pool))
    options = {name: value for name, value in pool.connection_kwargs.items() if name not in _NOT_OURS}
    if place.kind == "cluster":
        return _Cluster(place.addresses, pool.connection_class, options)
    sentinel = import_module("redis.asyncio.sentinel")
    # One that is silent must leave time for the others.
    patience = connect_timeout / (1 + len(place.addresses))
    theirs = options | {"socket_connect_timeout": patience, "socket_timeout": patience}
    for name in ("username", "password"):
        theirs[name] = place.sentinel_options.get(name)
    manager = sentinel.Sentinel([])
    manager.sentinels = [_client(pool.connection_class, theirs, host=host, port=port) for host, port in place.addresses]
    master = sentinel.SentinelConnectionPool(
        place.service,
        manager,
        ssl=issubclass(pool.connection_class, pools.SSLConnection),
        max_connections=_MAX_CONNECTIONS,
        db=pool.connection_kwargs.get("db", 0),
        **options,
    )
    client = import_module("redis.asyncio").Redis.from_pool(master)
    return _OneServer(f"the Redis {place.service!r} of the Sentinels", place.addresses, client, *manager.sentinels)


def way_like(client: Any, connect_timeout: float) -> Way:
    """Return a way to where a client of redis-py leads, with its credentials and connections like its own.

    Raises:
        ConfigurationError: It is no client of ``redis.asyncio``, or one of replicas.
        ImportError: redis-py is not installed.
    """
    redis = import_module("redis.asyncio")
    sentinel = import_module("redis.asyncio.sentinel")
    if isinstance(client, redis.RedisCluster):
        manager = client.nodes_manager
        addresses: list[Address] = [(node.host, int(node.port)) for node in manager.startup_nodes.values()]
        node = next(iter(manager.startup_nodes.values()))
        options = _options_like(node.connection_kwargs, connect_timeout)
        return _Cluster(addresses, node.connection_class, options, getattr(manager, "address_remap", None))
    if not isinstance(client, redis.Redis):
        raise ConfigurationError(
            f"expected client to be a Redis or a RedisCluster of redis.asyncio, got {type(client).__name__}"
        )
    pool = client.connection_pool
    options = _options_like(pool.connection_kwargs, connect_timeout) | {"db": pool.connection_kwargs.get("db") or 0}
    if isinstance(pool, sentinel.SentinelConnectionPool):
        if not pool.is_master:
            raise ConfigurationError("expected a client of a master: Sentinel.master_for, not slave_for")
        addresses = [_address(one.connection_pool.connection_kwargs) for one in pool.sentinel_manager.sentinels]
        own = sentinel.SentinelConnectionPool(
            pool.service_name,
            pool.sentinel_manager,
            connection_class=pool.connection_class,
            max_connections=_MAX_CONNECTIONS,
            **options,
        )
        name = f"the Redis {pool.service_name!r} of the Sentinels"
        return _OneServer(name, addresses, redis.Redis.from_pool(own))
    for name in ("host", "port", "path"):
        if name in pool.connection_kwargs:
            options[name] = pool.connection_kwargs[name]
    return _OneServer("the Redis", [_address(options)], _client(pool.connection_class, options))


def _ours(connect_timeout: float) -> dict[str, Any]:
    """Return the options of every connection, whatever an URL or a client says."""
    return {
        "socket_connect_timeout": connect_timeout,
        # Not theirs: before Python 3.12 it is `wait_for`, which now and then loses a cancellation.
        "socket_timeout": None,
        # Retries are ours: they must end, and must not hold up an answer. RESP2 is what all versions agree on.
        "retry": import_module("redis.asyncio.retry").Retry(import_module("redis.backoff").NoBackoff(), 0),
        "protocol": 2,
    }


def _options_like(theirs: Mapping[str, Any], connect_timeout: float) -> dict[str, Any]:
    own = {
        name: value
        for name, value in theirs.items()
        if name not in _NOT_OURS and not name.startswith(("maint_notifications", "oss_cluster"))
    }
    own.update(_ours(connect_timeout), decode_responses=False, encoding="utf-8", encoding_errors="strict")
    if "legacy_responses" in own:
        own["legacy_responses"] = True
    return own


def _client(connection_class: type[Any], options: Mapping[str, Any], **where: Any) -> "Redis":
    redis = import_module("redis.asyncio")
    pool = redis.ConnectionPool(
        connection_class=connection_class, max_connections=_MAX_CONNECTIONS, **{**options, **where}
    )
    client: Redis = redis.Redis.from_pool(pool)
    return client


def _address(options: Mapping[str, Any]) -> Address:
    if "path" in options:
        return str(options["path"]), None
    return str(options.get("host", "localhost")), int(options.get("port", 6379))


def _words(addresses: Sequence[Address]) -> str:
    return ",".join(host if port is None else f"{host}:{port}" for host, port in addresses)


async def _closed(clients: Iterable["Redis"]) -> None:
    # They are closed; that the other side did not like it changes nothing.
    await asyncio.gather(*(client.aclose() for client in list(clients)), return_exceptions=True)


async def _send(client: "Redis", commands: Sequence[Command], asking: bool = False) -> list[Any]:
    """Send commands over one connection; `asking` a node that does not have the slot yet."""
    if len(commands) == 1 and not asking:
        execute: Any = client.execute_command
        return [await execute(*commands[0])]
    async with client.pipeline(transaction=False) as pipeline:
        for command in commands:
            if asking:
                pipeline.execute_command("ASKING")
            pipeline.execute_command(*command)
        # Raised by the pipeline, an error would be told with the command before its own words.
        answers: list[Any] = await pipeline.execute(raise_on_error=False)
    if asking:
        answers = answers[1::2]
    for answer in answers:
        if isinstance(answer, Exception):
            raise answer
    return answers
