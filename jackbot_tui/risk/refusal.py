"""Why the gate says no: one code per reason, one sentence per code, and the page that lists them.

The engine and the desk pass refusals on unchanged; ``docs_page`` prints docs/RISK.md, so that no table is written by
hand.
"""

from enum import StrEnum

import msgspec

from jackbot_tui.risk.limits import RiskLimits


class RefusalCode(StrEnum):
    """Stable words for programs; the sentence of each is in ``SENTENCES``."""

    KILLED = "killed"
    ENGINE_UNHEALTHY = "engine_unhealthy"
    UNKNOWN_INSTRUMENT = "unknown_instrument"
    MALFORMED = "malformed"
    REDUCE_ONLY = "reduce_only"
    TICK = "tick"
    LOT = "lot"
    MIN_QTY = "min_qty"
    MAX_QTY = "max_qty"
    PRICE_RANGE = "price_range"
    BOOK_NOT_LIVE = "book_not_live"
    BOOK_OLD = "book_old"
    BAND = "band"
    COLLAR = "collar"
    MARK_COLLAR = "mark_collar"
    FAR = "far"
    TRIGGER = "trigger"
    MIN_NOTIONAL = "min_notional"
    MAX_NOTIONAL = "max_notional"
    ORDER_QTY = "order_qty"
    ORDER_NOTIONAL = "order_notional"
    POSITION = "position"
    OPEN_ORDERS = "open_orders"
    RATE = "rate"
    DUPLICATE = "duplicate"
    DUPLICATE_RECENT = "duplicate_recent"
    DAY_LOSS = "day_loss"


SENTENCES: dict[RefusalCode, str] = {
    RefusalCode.KILLED: "The kill switch is engaged: only orders that reduce a position pass until 'kill reset'.",
    RefusalCode.ENGINE_UNHEALTHY: "The engine is stopping or its journal cannot be written: nothing new may leave.",
    RefusalCode.UNKNOWN_INSTRUMENT: "The engine does not follow this instrument.",
    RefusalCode.MALFORMED: "The order contradicts itself: a limit without price, a market with one, post-only IOC.",
    RefusalCode.REDUCE_ONLY: (
        "Reduce-only without a position on the other side, or on spot, where it does not exist;"
        " or a spot close of more than working orders leave of the position."
    ),
    RefusalCode.TICK: "The price is not a multiple of the instrument's tick.",
    RefusalCode.LOT: "The quantity is not a multiple of the instrument's lot.",
    RefusalCode.MIN_QTY: "The quantity is below the venue's minimum.",
    RefusalCode.MAX_QTY: "The quantity is above the venue's maximum for this order type.",
    RefusalCode.PRICE_RANGE: "The price is outside the venue's absolute price range.",
    RefusalCode.BOOK_NOT_LIVE: "The order book is not in sync: it may not price an order.",
    RefusalCode.BOOK_OLD: "The order book is older than max_book_age_ms.",
    RefusalCode.BAND: "The price is outside the venue's price band around its reference price.",
    RefusalCode.COLLAR: "The order reaches further through the opposite touch than collar_pct or collar_ticks allow.",
    RefusalCode.MARK_COLLAR: "The price is further on the bad side of the mark price than mark_collar_pct allows.",
    RefusalCode.FAR: "The price is further behind its own touch than far_limit_pct allows.",
    RefusalCode.TRIGGER: (
        "The trigger is reached already, its price is not known now, or the venue has no such orders or trigger."
    ),
    RefusalCode.MIN_NOTIONAL: "The order's value is below the venue's minimum.",
    RefusalCode.MAX_NOTIONAL: "The order's value is above the venue's maximum.",
    RefusalCode.ORDER_QTY: "The quantity is above our limit max_order_qty.",
    RefusalCode.ORDER_NOTIONAL: "The order's value is above our limit max_order_notional.",
    RefusalCode.POSITION: "With its side's working orders filled, the position would exceed max_position_notional.",
    RefusalCode.OPEN_ORDERS: "As many orders rest already as max_open_orders, or the venue, allows.",
    RefusalCode.RATE: "More orders within one second than max_orders_per_s allows; cancels are exempt.",
    RefusalCode.DUPLICATE: "The same manual order was sent within duplicate_refuse_ms: taken for a double press.",
    RefusalCode.DUPLICATE_RECENT: "The same manual order was sent within duplicate_confirm_ms: confirm it.",
    RefusalCode.DAY_LOSS: "The loss since UTC midnight has reached max_day_loss: only reducing orders pass.",
}


class Refusal(msgspec.Struct, frozen=True):
    """One refusal. ``message`` is the line for people; ``figure``, ``limit`` and ``nearest`` are decimal text or "".

    ``nearest`` is the nearest value that would pass this check (several separated by " or ").
    """

    code: RefusalCode
    message: str
    figure: str = ""
    limit: str = ""
    nearest: str = ""


def docs_page() -> str:
    """The text of docs/RISK.md."""
    lines = [
        "# Risk gate",
        "",
        "Every order and every amend, from any source, passes the gate before it is journaled and sent. A refusal is",
        "one line with the figure, the limit and the nearest allowed value, and changes nothing. Cancels are never",
        "refused. Quantities and prices are never rounded silently.",
        "",
        "An order that can only reduce a position (reduce-only on a perpetual; on spot, no more than the position",
        "less what working orders take off it) passes the kill switch, the day's loss, our caps on order, position",
        "and rate, and, as a market order, the checks of the book: the way out stays open. The venue's own filters",
        "and the number of resting orders hold for it as well.",
        "",
        "Orders count as large as they may become: an amend counts with the larger quantity until it is answered. An",
        "amend that adds risk meets the day's loss as a new order does. A mark price that came 10 s ago or earlier",
        "bounds and values nothing: the mid of a LIVE book, else the last trade, takes its place.",
        "",
        "An order that waits for a trigger is judged by where it will act: its value counts at its price, else at",
        "its trigger; collar_pct, collar_ticks and far_limit_pct bound its price around the trigger. It counts as a",
        "resting order, and in the position that the caps foresee.",
        "",
        "Generated from the code; do not edit.",
        "",
        "## Refusals",
        "",
        "| code | meaning |",
        "|---|---|",
        *(f"| `{code.value}` | {sentence} |" for code, sentence in SENTENCES.items()),
        "",
        "## Limits",
        "",
        "Section `[risk]` of the settings; 0 switches a limit off.",
        "",
        "| limit | default |",
        "|---|---|",
        *(f"| `{each.name}` | {each.default} |" for each in msgspec.structs.fields(RiskLimits)),
        "",
    ]
    return "\n".join(lines)
