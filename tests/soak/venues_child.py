"""All embedded exchanges in one process, for the soak of all venues: prints their addresses, then plays faults.

``python -m tests.soak.venues_child SEED MINUTES WARM_UP``: the first line on standard output is a JSON object of venue
to ``{"symbols": […], "endpoints": {…}}``. Faults come at random moments, seeded, in the first ``WARM_UP`` minutes much
more often than later, so that bounded histories are full by then; they end two minutes (or a fifth of the time) before
the end, so that every book has the time to come back. It ends when standard input does.
"""

import asyncio
import random
import sys
from collections import Counter

import msgspec

from jackbot_tui.model.clock import NS_PER_S
from jackbot_tui.model.enums import MarketKind
from jackbot_tui.sim.exchange import VENUES, SimExchange, front_of

RATE = 1.0
CHANCES = (
    ("drop", 0.02),
    ("repeat", 0.05),
    ("reorder", 0.05),
    ("truncate", 0.02),
    ("corrupt", 0.02),
    ("checksum", 0.05),
)
EVENTS = (("gap", 3), ("close", 1006), ("close", 1001), ("close", 1012), ("halfopen", None), ("silence", 20 * NS_PER_S))
RARE_EVENTS = (("maintenance", 15 * NS_PER_S), ("shutdown", 3 * NS_PER_S))
BETWEEN_S = (8.0, 40.0)
WARM_UP_BETWEEN_S = (2.0, 5.0)
LASTS_S = (1.0, 4.0)


def two_symbols(venue: str) -> list[str]:
    """A spot pair and a perpetual where the venue has both, else two of one kind."""
    listings = front_of(venue).LISTINGS
    first = {kind: [each.instrument.symbol for each in listings if each.instrument.kind is kind] for kind in MarketKind}
    spot, linear = first[MarketKind.SPOT], first[MarketKind.LINEAR]
    return [spot[0], linear[0]] if spot and linear else (spot or linear)[:2]


async def trouble(sim: SimExchange, rng: random.Random, warm_s: float, until_s: float) -> None:
    """Faults of one exchange until ``until_s`` of the loop's clock, then none; often until ``warm_s``."""
    loop = asyncio.get_running_loop()
    while (now := loop.time()) < until_s:
        await asyncio.sleep(rng.uniform(*(WARM_UP_BETWEEN_S if now < warm_s else BETWEEN_S)))
        draw = rng.random()
        if draw < 0.5:
            name, chance = rng.choice(CHANCES)
            sim.faults.set(name, chance)
            await asyncio.sleep(rng.uniform(*LASTS_S))
            sim.faults.set(name, 0.0)
        else:
            event, argument = rng.choice(EVENTS if draw < 0.95 else RARE_EVENTS)
            sim.faults.trigger(event, argument)
    sim.faults.clear()


async def main(seed: int, minutes: float, warm_up: float) -> None:
    loop = asyncio.get_running_loop()
    exchanges: dict[str, SimExchange] = {}
    for venue in VENUES:
        sim = exchanges[venue] = SimExchange(two_symbols(venue), venue=venue, seed=seed, rate=RATE)
        await sim.start()
    ready = {
        venue: {"symbols": [listing.instrument.symbol for listing in sim.listings], "endpoints": sim.endpoints}
        for venue, sim in exchanges.items()
    }
    sys.stdout.write(msgspec.json.encode(ready).decode() + "\n")
    sys.stdout.flush()
    warm = loop.time() + warm_up * 60
    until = warm + minutes * 60 - min(120.0, minutes * 12)
    rng = random.Random(seed)
    async with asyncio.TaskGroup() as group:
        troubles = [
            group.create_task(trouble(sim, random.Random(rng.random()), warm, until)) for sim in exchanges.values()
        ]
        await loop.run_in_executor(None, sys.stdin.read)
        for task in troubles:
            task.cancel()
    struck = sum((sim.faults.counts for sim in exchanges.values()), Counter[str]())
    sys.stdout.write(msgspec.json.encode(struck).decode() + "\n")
    for sim in exchanges.values():
        await sim.stop()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3])))
