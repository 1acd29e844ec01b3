"""What once hung on how a set is kept, so that no two processes did it alike."""

import asyncio

from reconciler.agora.scrub import without
from reconciler.clock import SystemClock
from reconciler.engine.halt import Halt

NAMES = [f"rec-{number}" for number in range(20)]


def test_an_order_to_end_reaches_those_first_who_waited_first() -> None:
    async def waits(halt: Halt, name: str, woken: list[str]) -> None:
        await halt.sleep(60.0, SystemClock())
        woken.append(name)

    async def ended() -> list[str]:
        halt, woken = Halt(), list[str]()
        parts = [halt.part() for _ in NAMES]
        tasks = [
            asyncio.create_task(waits(part, name, woken))
            for part, name in zip(parts, NAMES, strict=True)
        ]
        await asyncio.sleep(0)
        halt.order()
        await asyncio.gather(*tasks)
        return woken

    assert asyncio.run(ended()) == NAMES


def test_a_secret_is_left_out_whole_where_one_of_its_forms_is_within_another() -> None:
    secret = '"quoted-secret'
    assert without(f"it was \\{secret}, he said", [secret]) == "it was ***, he said"
