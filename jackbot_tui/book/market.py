"""All that is known of one instrument's market: its guarded book, its trades, ticker and mark price.

Written by the market data pipeline only; engine, executors and views read it. It has no opinion and no clock.
"""

from jackbot_tui.book.order_book import OrderBook
from jackbot_tui.book.sequencer import L2Sequencer
from jackbot_tui.book.tape import TradeTape
from jackbot_tui.model.enums import BookState
from jackbot_tui.model.instrument import Instrument
from jackbot_tui.model.market import BookTicker, MarkPrice


class InstrumentMarket:
    """See the module's paragraph. Times are local receive times in nanoseconds, 0 = never."""

    __slots__ = (
        "book",
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
        )
        self.book: OrderBook = self.sequencer.book
        self.trades = TradeTape(instrument.tick)
        self.ticker: BookTicker | None = None
        self.mark: MarkPrice | None = None
        self.last_frame_ns = 0
        """Last frame of any stream."""
        self.last_book_ns = 0
        """Last update or snapshot of the book, in sequence or not."""

    @property
    def state(self) -> BookState:
        return self.sequencer.state

    @property
    def live(self) -> bool:
        """Whether the book may price an order."""
        return self.sequencer.state is BookState.LIVE
