"""What the host of parent orders (``parents``) needs of the engine."""

from decimal import Decimal
from typing import Protocol

from jackbot_tui.engine.answers import Asked, Submitted
from jackbot_tui.engine.market_data import MarketData
from jackbot_tui.execution.base import VenueExecutor
from jackbot_tui.execution.oms import Oms
from jackbot_tui.execution.portfolio import Portfolio
from jackbot_tui.model.clock import Clock
from jackbot_tui.model.margin import MarginMode
from jackbot_tui.model.orders import OrderRequest
from jackbot_tui.model.records import Record
from jackbot_tui.risk.gate import RiskGate
from jackbot_tui.risk.refusal import Refusal


class ParentsPort(Protocol):
    """The engine as its parent orders see it."""

    @property
    def clock(self) -> Clock: ...

    @property
    def data(self) -> MarketData: ...

    @property
    def oms(self) -> Oms: ...

    @property
    def executor(self) -> VenueExecutor: ...

    @property
    def portfolio(self) -> Portfolio: ...

    @property
    def seed(self) -> int: ...

    def submit(self, request: OrderRequest) -> Submitted: ...

    def cancel(self, client_id: str, source: str) -> Asked: ...

    def set_margin(self, key: str, mode: MarginMode | None, leverage: Decimal | None, source: str) -> Asked: ...

    @property
    def gate(self) -> RiskGate: ...

    def refusal_of(self, request: OrderRequest, confirmed: bool = False) -> Refusal | None: ...

    def append(self, record: Record) -> int: ...

    def publish_durable(
        self, seq: int, ts: int, kind: str, level: str, text: str, *, key: str = "", number: int = 0
    ) -> None: ...
