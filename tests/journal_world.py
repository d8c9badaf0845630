"""Records for tests of the journal: an order's life in few words, and seeded stories with all that goes wrong."""

import asyncio
import random
from collections.abc import Callable, Iterable
from decimal import Decimal
from pathlib import Path

from jackbot_tui.journal.store import SqliteJournal
from jackbot_tui.model.clock import NS_PER_S, ManualClock
from jackbot_tui.model.enums import Liquidity, OrderType, Side, TimeInForce
from jackbot_tui.model.ids import base36
from jackbot_tui.model.orders import (
    Order,
    OrderAccepted,
    OrderAmended,
    OrderAmendRequested,
    OrderCanceled,
    OrderCancelRequested,
    OrderExpired,
    OrderFilled,
    OrderRejected,
    OrderUnknown,
)
from jackbot_tui.model.records import (
    CommandReceived,
    FundingApplied,
    KillSwitch,
    MarkSampled,
    Note,
    OrderSubmitted,
    Record,
)

BTC = "binance:BTC/USDT:USDT"
ETH = "binance:ETH/USDT"
DAY = 86_400 * NS_PER_S
NOON = 20_000 * DAY + DAY // 2
"""2024-10-04T12:00Z."""


def client_id(number: int) -> str:
    return f"jmtest{base36(number, 8)}"


def order(
    number: int,
    side: Side = Side.BUY,
    quantity: str = "1",
    price: str | None = "100",
    key: str = BTC,
    ts: int = NOON,
    tag: str = "",
) -> Order:
    return Order(
        number=number,
        client_id=client_id(number),
        key=key,
        side=side,
        quantity=Decimal(quantity),
        type=OrderType.MARKET if price is None else OrderType.LIMIT,
        price=None if price is None else Decimal(price),
        tif=TimeInForce.GTC,
        post_only=False,
        reduce_only=False,
        owner="manual",
        source="ui",
        parent_id="",
        tag=tag,
        created_ns=ts,
        updated_ns=ts,
    )


def submitted(
    number: int, side: Side = Side.BUY, quantity: str = "1", price: str | None = "100", **more: object
) -> Record:
    made = order(number, side, quantity, price, **more)  # type: ignore[arg-type]
    return OrderSubmitted(made.created_ns, made)


def accepted(number: int, ts: int = NOON) -> Record:
    return OrderAccepted(client_id(number), ts, f"v{number}")


def filled(
    number: int,
    price: str = "100",
    quantity: str = "1",
    trade: str = "t1",
    fee: str = "0",
    currency: str = "USDT",
    ts: int = NOON,
    liquidity: Liquidity = Liquidity.MAKER,
) -> OrderFilled:
    return OrderFilled(
        client_id(number), ts, trade, Decimal(price), Decimal(quantity), liquidity, Decimal(fee), currency
    )


def traded(number: int, side: Side, quantity: str, price: str, ts: int, **more: object) -> list[Record]:
    """An order that fills whole at once."""
    fee = str(more.pop("fee", "0"))
    return [
        submitted(number, side, quantity, price, ts=ts, **more),
        filled(number, price, quantity, f"t{number}", fee, ts=ts),
    ]


async def open_journal(path: Path, now: int = NOON) -> SqliteJournal:
    return await SqliteJournal.open(path, ManualClock(now))


async def write_journal(path: Path, records: Iterable[Record]) -> None:
    """A journal at ``path`` that holds ``records``, closed in order."""
    journal = await open_journal(path)
    for record in records:
        journal.append(record)
    await journal.close()


async def eventually(condition: Callable[[], bool]) -> None:
    """Wait until ``condition`` holds, at most ten seconds."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - a poll with a deadline
            await asyncio.sleep(0.001)


def story(seed: int, length: int, first: int = 1, trade_prefix: str = "t") -> list[Record]:
    """``length`` records of a busy desk: orders in every state, fills that come late, twice or for nobody, funding,
    marks, notes and the kill switch, over several days and two instruments.

    Orders are numbered from ``first``; events also concern the orders before it.
    """
    rng = random.Random(seed)
    records: list[Record] = []
    now, last, trades = NOON, first - 1, 0
    while len(records) < length:
        now += rng.choice([0, 1, NS_PER_S, 3_600 * NS_PER_S])
        choice = rng.random()
        number = rng.randint(1, last) if last else 0
        if choice < 0.25 or not last:
            last += 1
            key, price = rng.choice([BTC, ETH]), rng.choice([None, "100.5", "99.25"])
            side = rng.choice(list(Side))
            records.append(submitted(last, side, rng.choice(["1", "0.3", "2.75"]), price, key=key, ts=now))
        elif choice < 0.6:
            trades += rng.random() < 0.9  # else a trade id that may have been seen
            price, quantity = f"{rng.uniform(90, 110):.2f}", rng.choice(["0.1", "0.25", "1", "0.333"])
            fee = rng.choice(["0", "0.05", "-0.01", "0.0001"])
            currency = rng.choice(["USDT", "USDT", "BTC", "ETH", "BNB"])
            late = rng.choice([0, 0, 0, DAY])
            records.append(filled(number, price, quantity, f"{trade_prefix}{trades}", fee, currency, now - late))
        elif choice < 0.65:
            records.append(filled(last + 50, trade="lost", ts=now))
        elif choice < 0.9:
            name = client_id(number)
            new = Decimal(rng.choice(["0.5", "3"]))
            happened: list[Record] = [
                OrderAccepted(name, now, f"v{number}"),
                OrderCancelRequested(name, now, "ui"),
                OrderCanceled(name, now, "by trader"),
                OrderExpired(name, now),
                OrderRejected(name, now, "-2010", "no money"),
                OrderUnknown(name, now, "no answer"),
                OrderAmendRequested(name, now, Decimal(101), new, "ui"),
                OrderAmended(name, now, Decimal(101), new),
            ]
            records.append(rng.choice(happened))
        elif choice < 0.94:
            rate, mark, amount = Decimal("0.0001"), Decimal(100), Decimal(rng.choice(["-0.01", "0.02"]))
            records.append(FundingApplied(now, BTC, rate, mark, Decimal(1), amount))
        elif choice < 0.96:
            records.append(MarkSampled(now, rng.choice([BTC, ETH]), Decimal("101.5")))
        elif choice < 0.98:
            records.append(KillSwitch(now, rng.random() < 0.5, "ui"))
        else:
            said: list[Record] = [Note(now, "tag", "pull"), CommandReceived(now, "ui", "buy 1 @ bid")]
            records.append(rng.choice(said))
    return records
