"""Few tries are fresh at a time, old ones do not hold the others up, and nobody overtakes."""

from __future__ import annotations

import asyncio

from pytest_k8snet.agent.probing.gate import Gate


def test_only_so_many_are_fresh_and_turns_go_in_order():
    async def scenario() -> tuple[list[int], int]:
        gate, order, inside, most = Gate(2, 60), [], 0, 0

        async def work(number: int) -> None:
            nonlocal inside, most
            turn = await gate.enter()
            order.append(number)
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0.001)
            inside -= 1
            turn.end()

        await asyncio.gather(*map(work, range(20)))
        return order, most

    assert asyncio.run(scenario()) == (list(range(20)), 2)


def test_a_try_that_waits_long_makes_room_once():
    async def scenario() -> list[bool]:
        gate = Gate(1, 0.05)
        old = await gate.enter()
        new = await asyncio.wait_for(gate.enter(), 1)  # the old one is no longer fresh
        old.end()  # gives nothing back a second time
        third = asyncio.ensure_future(gate.enter())
        await asyncio.sleep(0.01)
        waiting = not third.done()
        new.end()
        await asyncio.wait_for(third, 1)
        return [waiting, third.done()]

    assert asyncio.run(scenario()) == [True, True]
