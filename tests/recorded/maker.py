"""The example of docs/BACKTEST.md: joins both touches with a post-only order, and never holds more than ``most``."""

from decimal import Decimal

from jackbot_tui.backtest.trader import Trader


class JoinTheTouch(Trader):
    size = Decimal("0.01")
    most = Decimal("0.05")
    every_s = 2.0

    def on_start(self) -> None:
        self.key = self.keys[0]
        self.wake_in(self.every_s)

    def on_timer(self) -> None:
        self.wake_in(self.every_s)
        if not self.market(self.key).live:
            return
        if self.orders(self.key):
            self.say("cancel all", self.key)
        held = self.position(self.key).quantity
        if held < self.most:
            self.say(f"buy {self.size} @ bid post", self.key)
        if held > -self.most:
            self.say(f"sell {self.size} @ ask post", self.key)
