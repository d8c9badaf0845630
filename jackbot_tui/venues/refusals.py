"""How a venue refuses orders and treats amends, as data: its own codes and words, per market kind.

The paper venue speaks them; nothing else reads this. ``venues/<name>/refusals.py`` holds one venue's table, from the
sources named there. Where those give a code and no text, the words are ours and the code is the venue's.
"""

from importlib import import_module

from msgspec import Struct

from jackbot_tui.model.enums import MarketKind, TriggerBy


class Answer(Struct, frozen=True):
    """A refusal in the venue's own code and words."""

    code: str
    reason: str

    @property
    def words(self) -> str:
        """As one line; a code that says nothing new is left out."""
        return self.reason if self.code in ("", self.reason) else f"{self.reason} [{self.code}]"


class VenueRefusals(Struct, frozen=True, kw_only=True):
    """What the venue answers.

    ``post_only_accepted``: a post-only order that would take is accepted first and then ended, instead of refused.
    ``position_too_large``: for the leverage that is set. ``amend_down_keeps_place``: an order amended to a smaller
    quantity at its price stays where it is in the queue; False also where nobody says so, since that never flatters.
    ``price_too_high`` and ``price_too_low``: beyond the price band. ``mode_refused`` and ``leverage_refused`` are the
    codes for a margin mode that cannot change now, and for leverage that is not allowed; "" where none is known.
    ``triggers``: the prices that may wake a waiting order there, the usual one first; None: the last trade and, on
    perpetuals, the mark. ``would_trigger``: its trigger is reached already.
    """

    post_only_crosses: Answer
    post_only_accepted: bool = False
    no_funds: Answer
    position_too_large: Answer
    reduce_only: Answer
    unknown_order: Answer
    price_too_high: Answer = Answer("price_band", "the price is above the venue's price band")
    price_too_low: Answer = Answer("price_band", "the price is below the venue's price band")
    amend_down_keeps_place: bool = False
    mode_refused: str = ""
    leverage_refused: str = ""
    triggers: tuple[TriggerBy, ...] | None = None
    trigger_kind: Answer = Answer("trigger", "the venue has no such trigger")
    would_trigger: Answer = Answer("trigger", "the order would trigger immediately")


STANDARD = "binance"
"""Whose table an instrument of no known venue gets: tests make such up."""


def refusals_of(venue: str, kind: MarketKind) -> VenueRefusals:
    """The table of a venue's market; that of its perpetuals where the kind has none of its own."""
    name = f"jackbot_tui.venues.{venue}.refusals"
    try:
        module = import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not name.startswith(error.name):
            raise
        module = import_module(f"jackbot_tui.venues.{STANDARD}.refusals")
    tables: dict[MarketKind, VenueRefusals] = module.REFUSALS
    return tables.get(kind) or tables[MarketKind.LINEAR]
