"""The line to a real account: what an engine has when, and only when, it was told to trade live.

Made by the runtime from ``LiveOptions``; owns the live executor and its session. The key was handed to this process,
or is read here from where it is kept; journals and logs carry the account's name alone.
"""

import asyncio
import random
from collections.abc import Callable, Sequence

from jackbot_tui.engine.core import Engine
from jackbot_tui.engine.options import LiveOptions
from jackbot_tui.engine.reconcile import Reconciliation, differences
from jackbot_tui.engine.settling import Settler
from jackbot_tui.execution.live.client import VenueClient
from jackbot_tui.execution.live.connection import open_clients
from jackbot_tui.execution.live.dialect import Dialect, untold_withdrawals
from jackbot_tui.execution.live.dialects import dialect_of
from jackbot_tui.execution.live.executor import LiveExecutor
from jackbot_tui.execution.live.failures import VenueFailure, place_of
from jackbot_tui.execution.live.keys import Credentials, KeyPlace, KeyStore, keyring_module
from jackbot_tui.execution.live.session import LiveSession, SessionPolicy
from jackbot_tui.execution.oms import Oms
from jackbot_tui.feeds.venue_limits import VenueLimits
from jackbot_tui.journal.base import Recovered
from jackbot_tui.model.clock import SystemClock
from jackbot_tui.model.enums import MarketKind
from jackbot_tui.model.errors import ConfigError
from jackbot_tui.venues.errors import ErrorKind

AGAIN_S = 5.0
"""After a bug in the session, so long until it is begun anew."""


class LiveLine:
    """See the module's paragraph. ConfigError at once when venue or key will not do."""

    def __init__(self, options: LiveOptions, venue: str, symbols: list[str], oms: Oms, seed: int) -> None:
        self._options = options
        self._dialect = dialect_of(venue)
        self._credentials = _credentials(options, self._dialect)
        shortest, longest = self._dialect.dead_man_s
        if options.dead_man_s and not shortest <= options.dead_man_s <= longest:
            takes = f"give {shortest:g} to {longest:g} s, or 0" if longest else "it has none: set 0"
            raise ConfigError(f"[live] dead_man_s = {options.dead_man_s:g} is not possible at {venue}: {takes}")
        self._rng = random.Random(seed)
        self._clock = SystemClock()
        self._symbols = {
            kind: [symbol for symbol in symbols if (":" in symbol) == (kind is MarketKind.LINEAR)]
            for kind in MarketKind
        }
        self.executor = LiveExecutor(self._dialect, self._clock, oms.trade_ids, self._tell, holder=options.account)
        self.session: LiveSession | None = None
        self.reconciliation: Reconciliation | None = None
        self.settler: Settler | None = None
        self._engine: Engine | None = None

    def attach(self, engine: Engine, wake: Callable[[], None]) -> None:
        """Before anything else: where to say things, and how to be listened to."""
        self._engine = engine
        self.reconciliation = Reconciliation(engine, self._options.rules)
        self.settler = Settler(engine, self.executor, self.reconciliation, self._on_account)
        engine.settling = self.settler
        self.executor.on_events(wake)
        self.executor.compare = self._compare

    def recall(self, recovered: Recovered | None) -> None:
        """What people settled in earlier sessions."""
        if self.settler is not None and recovered is not None:
            self.settler.recall(recovered.settled)

    async def run(self, limits: VenueLimits) -> None:
        """Trade until cancelled. ``limits`` are shared with the public requests: the venue counts them together."""
        kinds = [kind for kind, symbols in self._symbols.items() if symbols]
        try:
            while True:
                self.session = LiveSession(
                    self.executor,
                    lambda: self._open(kinds, limits),
                    self._symbols,
                    self._clock,
                    self._tell,
                    self._rng,
                    policy=SessionPolicy(poll_s=self._options.poll_s, dead_man_s=self._options.dead_man_s),
                    on_account=self._on_account,
                )
                try:
                    await self.session.run()
                except Exception as error:  # noqa: BLE001 - told and begun anew: orders at the venue must be looked after
                    self._tell("bad", f"the live session broke ({place_of(error)}) and begins anew")
                await asyncio.sleep(AGAIN_S)
        finally:
            await self.executor.close()

    async def _open(self, kinds: Sequence[MarketKind], limits: VenueLimits) -> dict[MarketKind, VenueClient]:
        """Clients for a key that may trade and may not withdraw; VenueFailure for any other."""
        clients = await open_clients(
            self._dialect, kinds, self._credentials, limits.requests, self._clock, self._options.addresses
        )
        try:
            for kind, client in clients.items():
                rights = await client.rights()
                if rights.may_withdraw and not self._options.allow_withdrawals:
                    reason = f"the key may withdraw: take that right away at {self._dialect.venue}"
                    raise VenueFailure(ErrorKind.AUTH, "may_withdraw", reason)
                if rights.may_withdraw is None:
                    self._tell("warn", untold_withdrawals(self._dialect.venue, kind))
                if rights.may_trade is False:
                    self.executor.read_only = f"the key of {self._options.account} may not trade {kind.value}"
        except VenueFailure:
            for client in clients.values():
                await client.close()
            raise
        return clients

    def _on_account(self) -> None:
        """The venue has told of the whole account."""
        engine, reconciliation = self._engine, self.reconciliation
        if engine is None or reconciliation is None:
            return
        account = self.executor.account
        engine.portfolio.agree_with(account.totals())
        positions = {position.key: position for position in engine.portfolio.positions}
        reconciliation.look(differences(engine.oms.open_orders(), positions, self.executor.tracker, account))

    def _compare(self) -> list[tuple[str, str, str, str]]:
        """What differed in the last looks."""
        current = [] if self.reconciliation is None else self.reconciliation.current
        return [(each.kind.value, each.subject, each.ours, each.venue) for each in current]

    def _tell(self, level: str, text: str) -> None:
        if self._engine is not None:
            self._engine.feed_note(level, f"live: {text}")


def _credentials(options: LiveOptions, dialect: Dialect) -> Credentials:
    if not options.given:
        return KeyStore(options.keys, ring=keyring_module()).find(options.account, dialect.credentials)
    parts = {name: options.given[name] for name in dialect.credentials}
    return Credentials(options.account, KeyPlace.FILE, parts)
