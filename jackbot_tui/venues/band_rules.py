"""The venues' price bands in words, and the page about them.

The figures of a band come with the instrument (``model.instrument.PriceBand``). Sources: the venues' pages on price
limits, read 2026-07. ``bands_page`` prints docs/PRICE_BANDS.md.
"""

import json
from importlib import resources

from msgspec import Struct

from jackbot_tui.model.enums import MarketKind
from jackbot_tui.venues import VENUES, load_spec

_SPOT, _LINEAR = MarketKind.SPOT, MarketKind.LINEAR


class BandRule(Struct, frozen=True):
    """``reference`` as in ``PriceBand``, "" where no rule is published or none is read; ``words`` say what is limited,
    ``figures`` where the figures come from."""

    reference: str
    words: str
    figures: str = ""


_BUY_UP = "buys from above, sells from below"
_ALL = "buys and sells, from above and below"
RULES: dict[tuple[str, MarketKind], BandRule] = {
    ("binance", _SPOT): BandRule("average", _ALL, "exchangeInfo, PERCENT_PRICE_BY_SIDE; the last trade stands for it"),
    ("binance", _LINEAR): BandRule("mark", _BUY_UP, "exchangeInfo, PERCENT_PRICE"),
    ("bitget", _SPOT): BandRule("last", _BUY_UP, "instruments, buyLimitPriceRatio and sellLimitPriceRatio"),
    ("bitget", _LINEAR): BandRule("last", _BUY_UP, "instruments, buyLimitPriceRatio and sellLimitPriceRatio"),
    ("bybit", _SPOT): BandRule("", "around an index that no stream of ours carries: not read"),
    ("bybit", _LINEAR): BandRule("mark", f"{_BUY_UP}; beyond it the price is moved", "instruments, priceLimitRatioX"),
    ("coinbase", _SPOT): BandRule("", "not published"),
    ("coinbase", _LINEAR): BandRule("", "not published"),
    ("cryptocom", _SPOT): BandRule("", "there is one (code 315), its figures are not published"),
    ("cryptocom", _LINEAR): BandRule("", "there is one (code 315), its figures are not published"),
    ("gateio", _SPOT): BandRule("", "there is one (PRICE_THRESHOLD_EXCEEDED), its figures are not published"),
    ("gateio", _LINEAR): BandRule("mark", _BUY_UP, "contracts, order_price_deviate"),
    ("hyperliquid", _SPOT): BandRule("", "95 % from a reference by its documents, which no stream of ours carries"),
    ("hyperliquid", _LINEAR): BandRule("mark", _ALL, "95 % from the reference, by its documents"),
    ("kraken", _SPOT): BandRule("", "not published"),
    ("kraken", _LINEAR): BandRule("", "a collar for orders that cross the spread, its figures are not published"),
    ("kucoin", _SPOT): BandRule("", "around the other side's best price, for orders that take: not read"),
    ("kucoin", _LINEAR): BandRule("mark", _BUY_UP, "contracts, buyLimit and sellLimit of the moment against markPrice"),
    ("mexc", _SPOT): BandRule("last", _BUY_UP, "exchangeInfo, PERCENT_PRICE_BY_SIDE"),
    ("mexc", _LINEAR): BandRule("mark", _BUY_UP, "contract detail, bidLimitPriceRate and askLimitPriceRate"),
    ("okx", _SPOT): BandRule("", "told by its price-limit page from moment to moment: not read"),
    ("okx", _LINEAR): BandRule("", "told by its price-limit page from moment to moment: not read"),
}
"""Every market kind that a venue has."""

RANGES = "ranges.json"
_EDGES = ("buy_down", "buy_up", "sell_down", "sell_up")
PROBED = "probed.json"
"""Beside this module: what probes found at the gateways of the embedded exchange, written by their conformance test."""

_HEAD = """\
# Price bands

Generated from `jackbot_tui.venues.band_rules` by `make docs`; do not edit by hand.

How far from a reference price an exchange lets a limit order be. The risk gate, paper matching and prophetic orders
([PARENT_ORDERS.md](PARENT_ORDERS.md)) keep to these rules, with the figures of the instrument at hand.

| exchange | market | reference | limited | figures from |
|---|---|---|---|---|"""
_PROBE = f"""
## Found by trying

`jackbot range probe VENUE SYMBOL` looks for the edges with post-only orders of the smallest size that cannot fill, each
canceled at once: on the embedded exchange; with `--testnet` on the exchange's test net (key `VENUE/testnet`, the test
net's market data addresses in the settings; not tried yet on a real one); with `--live` on the real account. That needs
the exchange under `[live] venues`, a key that may not withdraw, and the word `live` typed. It sends 8 to about 70
orders, never more than 200. Orders that it cannot take back are named.

A result is kept in the data directory (`{RANGES}`) and takes the place of the instrument's rule in engines of the same
place (embedded exchange, test net, real exchange) from their next start on; `jackbot range list` and `jackbot range
forget VENUE SYMBOL` show and remove it. An edge beyond 0.01 or 20 times the reference counts as not limited. While an
edge is not known (no coins to sell on spot, for example) no engine uses the result.

At the gateways of the embedded exchange, for exchanges that are open for live trading:
`tests/conformance/test_range_probe.py` holds each against what the gateway keeps, and writes this table with
`JACKBOT_WRITE_PROBED=1`.

| exchange | market | reference | buys from | buys to | sells from | sells to | orders |
|---|---|---|---|---|---|---|---|"""


def probed() -> dict[str, dict[str, str]]:
    """What the last probes found at the gateways, by ``venue kind``; empty where none was written down."""
    file = resources.files("jackbot_tui.venues").joinpath(PROBED)
    found: dict[str, dict[str, str]] = json.loads(file.read_text()) if file.is_file() else {}
    return found


def bands_page() -> str:
    """docs/PRICE_BANDS.md."""
    lines = [_HEAD]
    for venue in VENUES:
        spec = load_spec(venue)
        for kind in MarketKind:
            rule = RULES.get((venue, kind))
            if rule is not None and kind in spec.markets:
                cells = (spec.title, kind.value, rule.reference or "none", rule.words, rule.figures or "")
                lines.append(f"| {' | '.join(cells)} |")
    lines.append(_PROBE)
    for name, found in probed().items():
        venue, _, kind_text = name.partition(" ")
        figures = (found[edge] if found[edge] != "0" else "any" for edge in _EDGES)
        row = (load_spec(venue).title, kind_text, found["reference"], *figures, str(found["orders"]))
        lines.append(f"| {' | '.join(row)} |")
    return "\n".join(lines) + "\n"
