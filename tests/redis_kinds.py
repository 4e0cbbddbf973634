"""The kinds of stores beyond one Redis, on the loopback.

A cluster of three masters and three replicas, and a master with a replica under three Sentinels. A test kills a master,
plans a fail-over, moves a slot. Of which program says `redis_server.PROGRAMS`.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import ClassVar

from redis_server import RedisServer

from asyncstream.relay.log.redis_keys import Keys

__all__ = ["KINDS", "Cluster", "Sentinels"]


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    """Ask until something holds of which servers do not tell; at most for 40 s."""
    async with asyncio.timeout(40):
        while True:
            if await holds():
                return
            # They need the processor to come to it.
            await asyncio.sleep(0.05)


async def in_step(server: RedisServer) -> bool:
    """Return whether a server is no replica, or one that has what its master has."""
    told = await server.command("INFO", "replication")
    return "role:master" in told or "master_link_status:up" in told


_DOWN_MS = "1000"
"""So long a server is away before another one takes over."""


class Cluster:
    """Three masters, each with a replica."""

    scheme: ClassVar[str] = "redis+cluster"
    # Nobody is told of a replica before it has had something, be it a ping of its master.
    options = (
        *("--cluster-enabled", "yes", "--cluster-node-timeout", _DOWN_MS),
        *("--repl-diskless-sync-delay", "0", "--repl-ping-replica-period", "1"),
    )

    def __init__(self, directory: Path, program: str) -> None:
        self.nodes: list[RedisServer] = []
        for number in range(6):
            (directory / str(number)).mkdir()
            self.nodes.append(RedisServer(directory / str(number), keeps=False, program=program))
        self.ids: list[str] = []

    @property
    def url(self) -> str:
        return f"{self.scheme}://" + ",".join(f"127.0.0.1:{node.port}" for node in self.nodes[:3])

    async def start(self) -> None:
        """Start the nodes, and wait until each master has its slots and its replica."""
        await asyncio.gather(*(node.start(*self.options) for node in self.nodes))
        self.ids = [(await node.command("CLUSTER", "MYID"))[0] for node in self.nodes]
        bounds = [0, 5461, 10922, 16384]
        for number, node in enumerate(self.nodes):
            await node.command("CLUSTER", "SET-CONFIG-EPOCH", str(number + 1))
            if number < 3:
                await node.command("CLUSTER", "ADDSLOTS", *map(str, range(bounds[number], bounds[number + 1])))
            await node.command("CLUSTER", "MEET", "127.0.0.1", str(self.nodes[0].port))

        async def all_met() -> bool:
            met = True
            for node in self.nodes:
                known = await node.command("CLUSTER", "NODES")
                if sum(bool(line) and "handshake" not in line for line in known) < 6:
                    met = False
                    # A greeting that a busy machine lets time out is forgotten.
                    await node.command("CLUSTER", "MEET", "127.0.0.1", str(self.nodes[0].port))
            return met

        await until(all_met)

        async def replicating() -> bool:
            answers = [
                await self.nodes[number + 3].command("CLUSTER", "REPLICATE", self.ids[number]) for number in range(3)
            ]
            return all(answer == ["+OK"] for answer in answers)

        await until(replicating)

        await self.well()

    async def well(self) -> None:
        """Wait until every slot is served, and every replica has what its master has."""

        async def whole() -> bool:
            states = ["cluster_state:ok" in await node.command("CLUSTER", "INFO") for node in self.nodes]
            return all(states) and all([await in_step(node) for node in self.nodes])

        await until(whole)

    async def serving(self, run_id: str) -> RedisServer:
        """Return the node that serves a run."""
        return self.nodes[await self._serving(run_id)]

    async def replica_of(self, run_id: str) -> RedisServer:
        """Return the replica of the node that serves a run."""
        return self.nodes[(await self._serving(run_id) + 3) % 6]

    async def may_fail_over(self, run_id: str, may: bool) -> None:
        """Say whether the replica of the node that serves a run takes over when that is away."""
        replica = await self.replica_of(run_id)
        await replica.command("CONFIG", "SET", "cluster-replica-no-failover", "no" if may else "yes")

    async def _serving(self, run_id: str) -> int:
        """Return which node serves a run."""
        [slot] = await self.nodes[-1].command("CLUSTER", "KEYSLOT", Keys.of("", run_id).events)
        for number, node in enumerate(self.nodes):
            if not node.running:
                continue
            for line in await node.command("CLUSTER", "NODES"):
                words = line.split()
                spans = [span.partition("-") for span in words[8:] if not span.startswith("[")]
                if any(int(low) <= int(slot[1:]) <= int(high or low) for low, _, high in spans):
                    return self.ids.index(words[0])
            raise RuntimeError(f"node {number} knows of nobody for slot {slot}")
        raise RuntimeError("no node runs")

    async def kill_master(self, run_id: str) -> None:
        """Kill who serves a run."""
        self.nodes[await self._serving(run_id)].kill()

    async def fail_over(self, run_id: str) -> None:
        """Have the replica of who serves a run take over, as it is done for an update."""
        await self.hand_over(await self._serving(run_id))

    async def hand_over(self, number: int) -> None:
        """Have the replica of a master take over."""
        other = self.nodes[(number + 3) % 6]
        await other.command("CLUSTER", "FAILOVER")

        async def done() -> bool:
            known = [line for node in self.nodes for line in await node.command("CLUSTER", "NODES")]
            return sum("slave" in line.split()[2] for line in known if line.startswith(self.ids[number])) == 6

        await until(done)

    async def move_slot(self, run_id: str) -> None:
        """Move the slot of a run to another master, key by key, as `redis-cli --cluster reshard` does."""
        async with self.moving(run_id) as move:
            # Half of it moved, for a while: what is asked for is at either.
            for key in Keys.of("asyncstream:", run_id):
                await move(key)
                await asyncio.sleep(0.1)

    @asynccontextmanager
    async def moving(self, run_id: str) -> AsyncIterator[Callable[[str], Awaitable[object]]]:
        """Have the slot of a run under way to another master; what this gives moves a key, the end moves all others."""
        number = await self._serving(run_id)
        giver = self.nodes[number]
        target = next(other for other in range(3) if other not in (number, (number + 3) % 6))
        taker = self.nodes[target]
        [slot] = [answer[1:] for answer in await giver.command("CLUSTER", "KEYSLOT", Keys.of("", run_id).events)]

        async def move(key: str) -> object:
            return await giver.command("MIGRATE", "127.0.0.1", str(taker.port), key, "0", "5000")

        await taker.command("CLUSTER", "SETSLOT", slot, "IMPORTING", self.ids[number])
        await giver.command("CLUSTER", "SETSLOT", slot, "MIGRATING", self.ids[target])
        yield move
        for key in Keys.of("asyncstream:", run_id):
            await move(key)
        for node in (taker, giver):
            await node.command("CLUSTER", "SETSLOT", slot, "NODE", self.ids[target])

    def kill(self) -> None:
        for node in self.nodes:
            node.kill()


class Sentinels:
    """A master with a replica, and three Sentinels."""

    options = ("--repl-diskless-sync-delay", "0")

    def __init__(self, directory: Path, program: str) -> None:
        self.directory = directory
        self.servers: list[RedisServer] = []
        for number in range(5):
            (directory / str(number)).mkdir()
            self.servers.append(RedisServer(directory / str(number), keeps=False, program=program))
        self.sentinels = self.servers[2:]

    @property
    def url(self) -> str:
        where = ",".join(f"127.0.0.1:{one.port}" for one in self.sentinels)
        return f"redis+sentinel://{where}/main/0"

    async def start(self, *more: str, password: str = "") -> None:
        """Start them, and wait until each Sentinel knows the replica and the others.

        Args:
            *more: Lines of the configuration of each Sentinel.
            password: What each Sentinel wants to be told, by the others too.
        """
        master, replica = self.servers[:2]
        await master.start(*self.options)
        await replica.start("--replicaof", "127.0.0.1", str(master.port), *self.options)
        for one in self.sentinels:
            await one.start_sentinel(
                f"sentinel monitor main 127.0.0.1 {master.port} 2",
                f"sentinel down-after-milliseconds main {_DOWN_MS}",
                "sentinel failover-timeout main 3000",
                *([f"requirepass {password}"] if password else []),
                *more,
            )
            one.password = password

        await self.well()

    async def well(self) -> None:
        """Wait until each Sentinel knows the master, its replica and the others, and the replica has all it has."""

        async def known() -> bool:
            for one in self.sentinels:
                line = await self._told(one)
                if "slaves=1,sentinels=3" not in line or "status=ok" not in line:
                    return False
            roles = [await server.command("INFO", "replication") for server in self.servers[:2]]
            return sorted("role:master" in told for told in roles) == [False, True] and all(
                [await in_step(server) for server in self.servers[:2]]
            )

        await until(known)

    async def serving(self, run_id: str) -> RedisServer:
        """Return who the Sentinels say is the master."""
        told = await self._told(self.sentinels[0])
        return next(server for server in self.servers if f"address=127.0.0.1:{server.port}," in told)

    async def replica_of(self, run_id: str) -> RedisServer:
        """Return the other server."""
        return self.servers[1 - self.servers.index(await self.serving(run_id))]

    async def may_fail_over(self, run_id: str, may: bool) -> None:
        """Say whether the replica takes over when the master is away."""
        for one in self.sentinels:
            await one.command("SENTINEL", "SET", "main", "down-after-milliseconds", _DOWN_MS if may else "60000")

    async def _told(self, sentinel: RedisServer) -> str:
        [line] = [line for line in await sentinel.command("INFO", "sentinel") if line.startswith("master0:")]
        return line

    async def kill_master(self, run_id: str) -> None:
        """Kill the master."""
        self.servers[0].kill()

    async def fail_over(self, run_id: str) -> None:
        """Have the replica take over."""
        replica = await self.replica_of(run_id)
        assert ["+OK"] == await self.sentinels[0].command("SENTINEL", "FAILOVER", "main")

        async def done() -> bool:
            return "role:master" in await replica.command("INFO", "replication")

        await until(done)

    def kill(self) -> None:
        for server in self.servers:
            server.kill()


KINDS = {"cluster": Cluster, "sentinel": Sentinels}
