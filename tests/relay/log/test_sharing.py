"""A question that many ask at the same moment is sent once, and is answered to each. No connection."""

import asyncio
import traceback

import pytest

from asyncstream.relay.errors import StoreError
from asyncstream.relay.log.sharing import Sharing


class Oracle:
    """Answers when it is told to, each question with its number."""

    def __init__(self) -> None:
        self.asked = 0
        self.may_send = asyncio.Event()
        self.may_answer = asyncio.Event()
        self.error: Exception | None = None

    async def __call__(self, close):
        await self.may_send.wait()
        close()
        self.asked += 1
        number = self.asked
        await self.may_answer.wait()
        if self.error is not None:
            raise self.error
        return number


async def turns(count: int = 5) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def test_a_crowd_asks_once():
    sharing, oracle = Sharing(), Oracle()
    crowd = [asyncio.create_task(sharing.ask("a", oracle)) for _ in range(1_000)]
    await turns()
    oracle.may_send.set()
    oracle.may_answer.set()

    assert [1] * 1_000 == await asyncio.gather(*crowd)


async def test_what_is_asked_differs():
    sharing, oracle = Sharing(), Oracle()
    oracle.may_send.set()
    oracle.may_answer.set()

    assert [1, 2] == await asyncio.gather(sharing.ask("a", oracle), sharing.ask("b", oracle))


async def test_who_comes_after_it_was_sent_asks_anew():
    """What was sent for before may be over: a run that has begun since then is not unknown."""
    sharing, oracle = Sharing(), Oracle()
    oracle.may_send.set()
    first = asyncio.create_task(sharing.ask("a", oracle))
    await turns()
    second = asyncio.create_task(sharing.ask("a", oracle))
    await turns()
    oracle.may_answer.set()

    assert [1, 2] == await asyncio.gather(first, second)
    assert 3 == await sharing.ask("a", oracle)


async def test_each_gets_an_error_of_its_own():
    sharing, oracle = Sharing(), Oracle()
    oracle.error = StoreError("away", host="h", port=1)
    crowd = [asyncio.create_task(sharing.ask("a", oracle)) for _ in range(50)]
    await turns()
    oracle.may_send.set()
    oracle.may_answer.set()
    found = await asyncio.gather(*crowd, return_exceptions=True)

    assert {("away", "h", 1)} == {(str(error), error.host, error.port) for error in found}
    assert 50 == len({id(error) for error in found})
    assert all(len(traceback.extract_tb(error.__traceback__)) < 5 for error in found)


async def test_who_leaves_takes_nothing_from_the_others():
    sharing, oracle = Sharing(), Oracle()
    staying = asyncio.create_task(sharing.ask("a", oracle))
    leaving = asyncio.create_task(sharing.ask("a", oracle))
    await turns()
    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    oracle.may_send.set()
    oracle.may_answer.set()

    assert 1 == await staying


@pytest.mark.parametrize("sent", [False, True])
async def test_with_the_last_one_the_question_goes(sent):
    sharing, oracle = Sharing(), Oracle()
    if sent:
        oracle.may_send.set()
    crowd = [asyncio.create_task(sharing.ask("a", oracle)) for _ in range(3)]
    await turns()
    for task in crowd:
        task.cancel()
    await asyncio.wait(crowd)

    assert {asyncio.current_task()} == asyncio.all_tasks()
    oracle.may_send.set()
    oracle.may_answer.set()
    assert 1 + sent == await sharing.ask("a", oracle)
