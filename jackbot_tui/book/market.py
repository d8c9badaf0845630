"""All that is known of one instrument's market: its guarded book, its trades, ticker and mark price.

Written by the market data pipeline only; engine, executors and views read it. It has no clock: whoever asks for a price
that may be too old brings the time.
"""

from decimal import Decimal

from jackbot_tui.book.order_book import OrderBook
from jackbot_tui.book.sequencer import L2Sequencer
from jackbot_tui.book.tape import TradeTape
from jackbot_tui.model.clock import NS_PER_S
from jackbot_tui.model.enums import BookState
from jackbot_tui.model.instrument import Instrument
from jackbot_tui.model.market import BookTicker, MarkPrice
from jackbot_tui.model.numbers import decimal_of

MARK_LIFE_NS = 10 * NS_PER_S
"""Age at which a mark price is no longer believed; venues send it every second to every few seconds."""


class InstrumentMarket:
    """See the module's paragraph. Times are local receive times in nanoseconds, 0 = never."""

    __slots__ = (
        "book",
        "book_event_ns",
        "instrument",
        "key",
        "last_book_ns",
        "last_frame_ns",
        "mark",
        "sequencer",
        "ticker",
        "trades",
    )

    def __init__(
        self,
        instrument: Instrument,
        policy: str,
        *,
        max_levels: int,
        buffer_limit: int = 5000,
        in_stream: bool = False,
        depth: int = 0,
        checksum: str = "",
        seed_depth: int = 0,
        keeps_unseen: bool = False,
    ) -> None:
        self.instrument = instrument
        self.key = instrument.key
        self.sequencer = L2Sequencer(
            self.key,
            policy,
            max_levels=max_levels,
            buffer_limit=buffer_limit,
            in_stream=in_stream,
            depth=depth,
            checksum=checksum,
            seed_depth=seed_depth,
            keeps_unseen=keeps_unseen,
        )
        self.book: OrderBook = self.sequencer.book
        self.trades = TradeTape(instrument.tick)
        self.ticker: BookTicker | None = None
        self.mark: MarkPrice | None = None
        self.last_frame_ns = 0
        """Last frame of any stream."""
        self.last_book_ns = 0
        """Last update or snapshot of the book, in sequence or not."""
        self.book_event_ns = 0
        """The exchange's own time of the newest update or snapshot of the book; 0 where it sends none."""

    @property
    def state(self) -> BookState:
        return self.sequencer.state

    @property
    def live(self) -> bool:
        """Whether the book may price an order."""
        return self.sequencer.state is BookState.LIVE

    @property
    def newest_event_ns(self) -> int:
        """The exchange's own time of the newest thing that book or tape have shown; 0 where it sends none."""
        last = self.trades.last
        return self.book_event_ns if last is None else max(self.book_event_ns, last.ts_event)

    def fresh_mark(self, now: int) -> Decimal | None:
        """The mark price, None when there is none or it came ``MARK_LIFE_NS`` ago or earlier."""
        mark = self.mark
        return None if mark is None or now - mark.ts_recv >= MARK_LIFE_NS else decimal_of(mark.mark)

    def value_price(self, now: int) -> Decimal | None:
        """Price at which a position is valued: a fresh mark, else the mid of a LIVE book, else the last trade."""
        mark = self.fresh_mark(now)
        if mark is not None:
            return mark
        bid, ask = self.book.best_bid(), self.book.best_ask()
        if bid is not None and ask is not None and self.live:
            return (decimal_of(bid[0]) + decimal_of(ask[0])) / 2
        last = self.trades.last_price
        return None if last is None else decimal_of(last)
