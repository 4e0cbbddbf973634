"""What a failure of redis-py means, whichever class or text it has; and what is done about it. Without a Redis."""

import asyncio
import pickle
import traceback
from typing import Any

import pytest
from redis import exceptions
from redis._parsers.base import BaseParser
from redis.asyncio import Redis, RedisCluster
from redis.asyncio.sentinel import MasterNotFoundError, Sentinel

from asyncstream import ConfigurationError
from asyncstream.relay.errors import StoreError
from asyncstream.relay.log.redis_answers import Failure, judge, refused_by, sent_to
from asyncstream.relay.log.redis_link import LOCAL, RedisLink

OF_A_SCRIPT = "ERR Error running script (call to f_7bb37e04): @user_script:11: @user_script: 11: -{}"

PASSING = {
    "BUSY": "BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.",
    "CLUSTERDOWN": "CLUSTERDOWN Hash slot not served",
    "LOADING": "LOADING Redis is loading the dataset in memory",
    "MASTERDOWN": "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
    "MISCONF": "MISCONF Redis is configured to save RDB snapshots, but it is currently not able to persist on disk.",
    "NOREPLICAS": "NOREPLICAS Not enough good replicas to write.",
    "OOM": "OOM command not allowed when used memory > 'maxmemory'.",
    "READONLY": "READONLY You can't write against a read only replica.",
    "TRYAGAIN": "TRYAGAIN Multiple keys request during rehashing of slot",
    "UNBLOCKED": "UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)",
}
REFUSED = {
    "WRONGPASS": "WRONGPASS invalid username-password pair or user is disabled.",
    "NOPERM": "NOPERM this user has no permissions to run the 'evalsha' command",
    "WRONGTYPE": "WRONGTYPE Operation against a key holding the wrong kind of value",
    "MOVED": "MOVED 866 127.0.0.1:7001",
    "ASK": "ASK 866 127.0.0.1:7001",
    "CROSSSLOT": "CROSSSLOT Keys in request don't hash to the same slot",
    "ResponseError": "ERR unknown command 'XREAD', with args beginning with: 'a' 'BUSY' '-OOM '",
    "BUSYKEY": "BUSYKEY Target key name already exists.",
}
SCRIPT_OF_7 = " script: 7bb37e0452924559c98d15ed469f943cbe3169e1, on @user_script:11."


def answered(text: str) -> Exception:
    """Return what redis-py makes of an answer."""
    return BaseParser.parse_error(text)


class ResetTransport(AttributeError):
    """What asyncio raises when a transport is written to that was reset."""


@pytest.mark.parametrize("word", PASSING)
def test_a_refusal_that_passes(word):
    text = PASSING[word]

    assert Failure("passing", word) == judge(answered(text))
    assert Failure("passing", word) == judge(answered(text + SCRIPT_OF_7))
    assert Failure("passing", word) == judge(answered(OF_A_SCRIPT.format(text)))


@pytest.mark.parametrize("word", PASSING)
def test_a_refusal_without_a_class_of_its_own(word):
    """As other versions of redis-py give it."""
    assert Failure("passing", word) == judge(exceptions.ResponseError(PASSING[word]))


@pytest.mark.parametrize("word", REFUSED)
def test_a_refusal_that_stays(word):
    found = judge(answered(REFUSED[word]))

    assert "refused" == found.kind
    assert found.word in (word, "ERR")


@pytest.mark.parametrize("word", ["MOVED", "ASK"])
@pytest.mark.parametrize(
    ("where", "expected"),
    [("127.0.0.1:7001", ("127.0.0.1", 7001)), (":7001", ("", 7001)), ("2001:db8::1:7001", ("2001:db8::1", 7001))],
)
def test_where_a_cluster_sends_one_on_to(word, where, expected):
    """The lowest version of redis-py has a class for it in the client of a cluster alone."""
    text = f"{word} 866 {where}"

    assert [expected] * 2 == [sent_to(answered(text)), sent_to(exceptions.ResponseError(text))]
    assert word == judge(exceptions.ResponseError(text)).word


@pytest.mark.parametrize("text", ["MOVED", "MOVED 866", "ASK 866 127.0.0.1", "OOM command not allowed: 1"])
def test_what_names_no_place_sends_nobody_on(text):
    assert sent_to(exceptions.ResponseError(text)) is None


@pytest.mark.parametrize(
    "said", ["AuthenticationError('invalid username-password pair or user is disabled.')", "auth:AuthenticationError"]
)
def test_how_many_sentinels_refused_the_credentials(said):
    """As the versions of redis-py write it."""
    both = f"No master found for 'm' : <Redis(a)> - {said}, <Redis(b)> - {said}"
    one = f"No master found for 'm' : <Redis(a)> - {said}, <Redis(b)> - TimeoutError('AuthenticationError')"

    assert [2, 1, 0] == [refused_by(MasterNotFoundError(text)) for text in (both, one, "No master found for 'm'")]
    assert refused_by(exceptions.ConnectionError(both)) is None


async def test_what_redis_py_says_of_its_sentinels_is_in_no_error(monkeypatch):
    """Some versions write there what their clients are made with, the password too."""

    async def nowhere(self: Sentinel, name: str) -> None:
        raise MasterNotFoundError("No master found for 'm' : <Redis(password=s3cr3t)> - TimeoutError()")

    monkeypatch.setattr(Sentinel, "discover_master", nowhere)
    link = RedisLink("redis+sentinel://h/m", connect_timeout=0.1, reconnect_timeout=0.1)
    with pytest.raises(StoreError) as caught:
        await link.promptly(lambda: link.ask("a", ("GET", "a")))
    await link.close()

    told = ["".join(traceback.format_exception(caught.value)), *map(repr, chain(caught.value))]
    assert not [text for text in told if "s3cr3t" in text]


def chain(error: BaseException | None) -> list[BaseException]:
    """Return an error with all that led to it."""
    return [] if error is None else [error, *chain(error.__cause__), *chain(error.__context__)]


def test_a_class_that_redis_py_may_have_one_day():
    class NoReplicasError(exceptions.ReadOnlyError):
        pass

    assert Failure("passing", "READONLY") == judge(NoReplicasError("You can't write"))


@pytest.mark.parametrize(
    "error",
    [
        exceptions.ConnectionError("Connection closed by server."),
        exceptions.TimeoutError("Timeout reading from socket"),
        exceptions.InvalidResponse("Protocol Error: b'HTTP/1.1 400'"),
        ConnectionResetError(104, "Connection reset by peer"),
        TimeoutError(),
        ResetTransport("'NoneType' object has no attribute 'send'"),
        RuntimeError("unable to perform operation on <TCPTransport closed=True>; the handler is closed"),
        EOFError(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_whatever_a_connection_raises_is_a_lost_connection(error):
    assert "lost" == judge(error).kind


def link(**options: float) -> RedisLink:
    return RedisLink("redis://h:1/0", **({"connect_timeout": 0.2, "reconnect_timeout": 0.2} | options))


class Ask:
    """Fails as often as it is told to."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.times = 0

    async def __call__(self) -> str:
        self.times += 1
        if self.errors:
            raise self.errors.pop(0)
        return "answer"


WAYS = ["promptly", "patiently", "held"]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("lost", [ConnectionResetError(), ResetTransport(), exceptions.ConnectionError("closed")])
async def test_a_connection_that_idled_too_long_is_replaced_at_once(way, lost, monkeypatch):
    slept = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    ask = Ask(lost)

    assert "answer" == await getattr(link(), way)(ask)
    assert 2 == ask.times
    assert slept in ([], [0.0])


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("word", PASSING)
async def test_a_refusal_that_passes_is_waited_for(way, word):
    ask = Ask(*[answered(PASSING[word])] * 2)

    assert "answer" == await getattr(link(), way)(ask)
    assert 3 == ask.times


@pytest.mark.parametrize("way", WAYS)
async def test_a_refusal_that_does_not_pass_in_time_is_told_by_its_word(way):
    ask = Ask(*[answered(PASSING["OOM"])] * 1_000)
    with pytest.raises(StoreError, match=r"^the Redis at h:1 answered OOM$"):
        await getattr(link(), way)(ask)

    assert ask.times > 2


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("word", REFUSED)
async def test_a_refusal_that_stays_is_told_at_once(way, word):
    ask = Ask(answered(REFUSED[word]))
    with pytest.raises(StoreError) as caught:
        await getattr(link(), way)(ask)

    assert 1 == ask.times
    assert ("h", 1) == (caught.value.host, caught.value.port)
    assert "127.0.0.1:7001" not in str(caught.value)
    assert ("Redis Cluster" in str(caught.value)) == (word in ("MOVED", "ASK", "CROSSSLOT"))


async def test_somebody_who_waits_is_told_at_once_that_nobody_is_there():
    for absent in (ConnectionRefusedError(), FileNotFoundError(), OSError("Multiple exceptions: [Errno 111] ...")):
        wrapped = exceptions.ConnectionError("Error connecting to h:1.")
        wrapped.__context__ = absent
        for error in (absent, wrapped):
            ask = Ask(*[error] * 10)
            with pytest.raises(StoreError, match="cannot be reached"):
                await link(connect_timeout=20).promptly(ask)

            assert 1 == ask.times


async def test_connections_that_are_lost_again_and_again_are_tried_to_the_deadline():
    lost = exceptions.ConnectionError("Error 104 while writing to socket. Connection reset by peer.")
    lost.__cause__ = ConnectionResetError(104, "Connection reset by peer")
    ask = Ask(*[lost] * 6)

    assert "answer" == await link(connect_timeout=20).promptly(ask)
    with pytest.raises(StoreError, match="cannot be reached"):
        await link(connect_timeout=0.3).promptly(Ask(*[lost] * 1_000))


async def test_a_store_that_is_closed_asks_no_more():
    ask = Ask(*[ConnectionRefusedError()] * 1_000)
    closed = link(reconnect_timeout=60)
    asking = asyncio.create_task(closed.patiently(ask))
    await asyncio.sleep(0.05)
    await closed.close()
    with pytest.raises(StoreError, match="is closed"):
        await asyncio.wait_for(asking, 5)


GOOD_URLS = [
    "redis://h",
    "redis://u:p@h:1/3",
    "redis://h/0?client_name=a&health_check_interval=30&socket_keepalive=yes",
    "rediss://h/0?ssl_cert_reqs=none&ssl_check_hostname=no",
    "unix:///run/redis.sock?db=2",
    "redis://:p%2Fq,r@[::1]:1/",
]
BAD_URLS = [
    "redis://h/0?decode_responses=yes",
    "redis://h/0?protocol=3",
    "redis://h/0?max_connections=1",
    "redis://h/0?socket_timeout=0.1",
    "redis://h/0?socket_connect_timeout=3",
    "redis://h/0?socket_read_size=1",
    "redis://h/0?encoding=latin-1",
    "redis://h/0?retry_on_timeout=yes",
    "redis://h/0?s3cr3t=1",
    "redis://h/0?db=s3cr3t",
    "redis://h/0?health_check_interval=s3cr3t",
    "redis://h/0?ssl_cert_reqs=none",
    "redis://h/s3cr3t",
    "redis://h/0/1",
    "rediss://h/0?ssl_cert_reqs=s3cr3t",
    "rediss://h/0?ssl_ca_certs=/s3cr3t/no/such/file",
    "rediss://h/0?ssl_certfile=/s3cr3t/no/such/file",
    "rediss://h/0?ssl_keyfile=/s3cr3t/no/such/file",
    "rediss://h/0?ssl_certfile=/s3cr3t/no/such/file&ssl_keyfile=/s3cr3t/no/such/file",
    "rediss://h/0?ssl_ciphers=s3cr3t",
    "rediss://h/0?ssl_min_version=TLSv1_2",
    "unix:///run/redis.sock?ssl_cert_reqs=none",
]
NO_PLACES = [
    "sentinel://h:26379",
    "redis-sentinel://h",
    "redis-cluster://h",
    "redis+sentinel://h:26379",
    "redis+sentinel://h:26379/s3cr3t/s3cr3t",
    "redis+cluster://h:s3cr3t",
    "redis+cluster://:s3cr3t@h/1",
    "redis+cluster://h?db=1",
    "redis+cluster://h?sentinel_password=s3cr3t",
    "redis://h1:7000,h2:7000,h3:7000",
    "redis://u:s3cr3t@h1,h2:6379/0",
]


@pytest.mark.parametrize("url", GOOD_URLS)
def test_options_that_can_be_used(url):
    RedisLink(url, connect_timeout=1, reconnect_timeout=1)


@pytest.mark.parametrize("url", BAD_URLS)
def test_options_that_cannot_be_used_are_found_when_the_store_is_made(url):
    with pytest.raises(ConfigurationError) as caught:
        RedisLink(url, connect_timeout=1, reconnect_timeout=1)

    assert "s3cr3t" not in str(caught.value) + repr(vars(caught.value))
    assert b"s3cr3t" not in pickle.dumps(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("url", NO_PLACES)
def test_a_place_that_is_none_is_found_when_the_store_is_made(url):
    with pytest.raises(ConfigurationError) as caught:
        RedisLink(url, connect_timeout=1, reconnect_timeout=1)

    assert "s3cr3t" not in str(caught.value)


NAMED = {
    "redis+sentinel://u:s3cr3t@h1,[::1]:7/m/2?sentinel_password=s3cr3t": (
        "the Redis 'm' of the Sentinels at h1:26379,::1:7"
    ),
    "rediss+sentinel://h/m?ssl_cert_reqs=none&sentinel_username=a": "the Redis 'm' of the Sentinels at h:26379",
    "redis+cluster://:s3cr3t@h1:7000,h2": "the Redis Cluster at h1:7000,h2:6379",
    "rediss+cluster://h:7000/0?client_name=a&ssl_check_hostname=no": "the Redis Cluster at h:7000",
}


@pytest.mark.parametrize("url", NAMED)
async def test_a_cluster_and_a_sentinel_are_named_without_their_passwords(url):
    found = RedisLink(url, connect_timeout=0.1, reconnect_timeout=1)
    with pytest.raises(StoreError) as caught:
        await found.promptly(Ask(*[answered(PASSING["OOM"])] * 1_000))
    await found.close()

    assert f"{NAMED[url]} answered OOM" == str(caught.value)
    assert "s3cr3t" not in repr(found)


async def test_of_several_servers_another_one_may_take_over():
    found = RedisLink("redis+cluster://h", connect_timeout=5, reconnect_timeout=1)

    assert "answer" == await found.promptly(Ask(ConnectionRefusedError()))


@pytest.mark.parametrize("kind", ["redis", "sentinel", "cluster"])
async def test_a_client_is_given_instead_of_an_url(kind):
    options = {"password": "s3cr3t", "decode_responses": True, "socket_timeout": 0.01}
    client: Any = {
        "redis": lambda: Redis(host="h", port=1, **options),
        "sentinel": lambda: Sentinel([("h", 1)]).master_for("m", **options),
        "cluster": lambda: RedisCluster("h", 1, **options),
    }[kind]()
    found = RedisLink(LOCAL, connect_timeout=1, reconnect_timeout=1, client=client)
    await found.close()

    assert found.name.endswith("at h:1")
    assert ("h", 1) == (found.host, found.port)
    assert (kind != "redis") == found.fails_over
    assert "s3cr3t" not in repr(found)


def test_what_is_no_client_of_a_master():
    with pytest.raises(ConfigurationError, match="slave_for"):
        RedisLink(LOCAL, connect_timeout=1, reconnect_timeout=1, client=Sentinel([("h", 1)]).slave_for("m"))
    with pytest.raises(ConfigurationError, match="got object"):
        RedisLink(LOCAL, connect_timeout=1, reconnect_timeout=1, client=object())
    with pytest.raises(ConfigurationError, match="got both"):
        RedisLink("redis://h", connect_timeout=1, reconnect_timeout=1, client=Redis())
