"""The account over all kinds of market, valued in one currency: what ``account`` answers and the screen shows.

Dollars count at par, as in equity. Every other currency is valued by a followed market against dollars: by mark, book
or last trade. What has no price says so and is not in the sum.
"""

from collections.abc import Callable
from decimal import Decimal

from jackbot_tui.desk.ports import EnginePort
from jackbot_tui.desk.words import average_text, money, signed_money
from jackbot_tui.execution.holdings import Holdings
from jackbot_tui.execution.portfolio import DOLLARS
from jackbot_tui.model.accounting import currencies_of, unrealized
from jackbot_tui.model.clock import NS_PER_S
from jackbot_tui.model.numbers import ONE, ZERO, text_of
from jackbot_tui.model.orders import Position
from jackbot_tui.model.transitions import EXACT

Price = Callable[[str], Decimal | None]
Table = Callable[..., list[str]]

WALLET_HEAD = ("wallet", "currency", "total", "free", "price", "value")
POSITION_HEAD = ("symbol", "quantity", "entry", "mark", "open profit", "margin", "leverage", "liquidation")
UNIT = "USD"
"""Dollars at par, whichever."""


def account(engine: EnginePort, table: Table) -> tuple[list[str], dict[str, object]]:
    """Lines for people and the same as data; ``table`` lays rows out."""
    executor = engine.executor
    if executor.remote and not executor.account_heard_ns:
        return ["the venue has not told of the account yet"], {"account": executor.holder, "heard": False}
    now = engine.clock.now_ns()
    held = executor.holdings(now)
    price = prices(engine)
    wallets, unknown, total = _wallets(held, price)
    positions, profit = _positions(held, engine, price, unknown)
    equity = EXACT.add(total, profit)
    age = f", heard {(now - executor.account_heard_ns) // NS_PER_S} s ago" if executor.remote else ""
    name = f"account {executor.holder}" if executor.remote else f"{engine.mode.value} account"
    lines = [f"{name} at {engine.venue}: equity {money(equity)} {UNIT}, of it open profit {signed_money(profit)}{age}"]
    lines += table(WALLET_HEAD, [tuple(row.values()) for row in wallets]) if wallets else ["no balances"]
    lines += table(POSITION_HEAD, [tuple(row.values()) for row in positions]) if positions else ["no positions"]
    if unknown:
        lines.append(f"without a known price, not in the sum: {', '.join(sorted(unknown))}")
    data: dict[str, object] = {
        "account": executor.holder,
        "mode": engine.mode.value,
        "venue": engine.venue,
        "heard": True,
        "unit": UNIT,
        "equity": f"{equity:.2f}",
        "open_profit": f"{profit:.2f}",
        "wallets": wallets,
        "positions": positions,
        "unknown": sorted(unknown),
        "heard_ns": executor.account_heard_ns,
    }
    return lines, data


def prices(engine: EnginePort) -> Price:
    """Dollars per unit of a currency, None where no followed market tells; spot goes before perpetuals."""
    known: dict[str, Decimal] = {}
    for key in sorted(engine.data.markets, key=lambda each: currencies_of(each).is_perpetual):
        currencies = currencies_of(key)
        mark = engine.mark_of(key) if currencies.quote in DOLLARS and currencies.base not in known else None
        if mark is not None:
            known[currencies.base] = mark
    return lambda currency: ONE if currency in DOLLARS else known.get(currency)


def _wallets(held: Holdings, price: Price) -> tuple[list[dict[str, str]], set[str], Decimal]:
    """Rows, currencies without a price, and what the others are worth."""
    rows, unknown, total = [], set(), ZERO
    for each in held.wallets:
        if not each.total and not each.free:
            continue
        dollars = price(each.currency)
        if dollars is None:
            unknown.add(each.currency)
        worth = None if dollars is None else EXACT.multiply(each.total, dollars)
        total = EXACT.add(total, worth or ZERO)
        rows.append(
            {
                "wallet": each.kinds,
                "currency": each.currency,
                "total": text_of(each.total),
                "free": text_of(each.free),
                "price": "?" if dollars is None else text_of(dollars),
                "value": "?" if worth is None else f"{worth:.2f}",
            }
        )
    return rows, unknown, total


def _positions(
    held: Holdings, engine: EnginePort, price: Price, unknown: set[str]
) -> tuple[list[dict[str, str]], Decimal]:
    """Rows, and the profit of all of them that is still open, in dollars."""
    rows, total = [], ZERO
    for each in held.positions:
        mark, settle = engine.mark_of(each.key), currencies_of(each.key).settle
        market = engine.data.markets.get(each.key)
        places = 2 if market is None else market.instrument.price_places
        dollars = price(settle)
        profit = None
        if mark is not None and dollars is not None:
            position = Position(key=each.key, quantity=each.quantity, average_entry=each.entry)
            profit = EXACT.multiply(unrealized(position, mark), dollars)
            total = EXACT.add(total, profit)
        else:
            unknown.add(f"open profit of {each.key.partition(':')[2]}")
        rows.append(
            {
                "symbol": each.key.partition(":")[2],
                "quantity": text_of(each.quantity),
                "entry": average_text(each.entry, places),
                "mark": "?" if mark is None else f"{mark:.{places}f}",
                "open profit": "?" if profit is None else signed_money(profit),
                "margin": "-" if each.margin is None else money(each.margin),
                "leverage": f"{each.setting.mode.value} {text_of(each.setting.leverage)}x",
                "liquidation": "-" if not each.liquidation else f"{each.liquidation:.{places}f}",
            }
        )
    return rows, total
