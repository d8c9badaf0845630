"""Words of ``buy`` and ``sell``: size, then instrument, price, trigger and flags. Called by the parser.

``stop 60000 mark @ 59950`` makes the order wait at the venue for a trigger; ``take`` is the same for a take-profit.
"""

from typing import TYPE_CHECKING

from jackbot_tui.desk import commands as c
from jackbot_tui.desk.language import amounts
from jackbot_tui.desk.language.grammar import FLAGS, LATER_FLAGS, MARKET_WORDS, MAX_SLIP_TICKS, SMART_FLAGS
from jackbot_tui.desk.language.near import suggestion
from jackbot_tui.model.enums import Side, TimeInForce, TriggerBy

if TYPE_CHECKING:
    from jackbot_tui.desk.language.lexer import Token
    from jackbot_tui.desk.language.parser import Reader

TRIGGER_WORDS = ("stop", "take")


class OrderWords:
    """``buy`` and ``sell``: size, then symbol, price and flags in any order, each at most once."""

    def __init__(self, reader: "Reader", side: Side) -> None:
        self.reader = reader
        self.side = side
        self.key = ""
        self.price: c.Price | None = None
        self.seen: dict[str, Token] = {}
        self.slip: int | None = None
        self.trigger: c.Price | None = None

    def read(self) -> c.PlaceOrder:
        reader = self.reader
        if reader.peek() in ("@", *MARKET_WORDS):
            raise reader.problem(f"SIZE comes first: {reader.verb.usage}", reader.tokens[reader.at])
        size = reader.size()
        while not reader.done:
            self.word()
        self.check()
        tif = TimeInForce.GTC
        if (self.price is None and self.trigger is None) or "ioc" in self.seen:
            tif = TimeInForce.IOC
        elif "fok" in self.seen:
            tif = TimeInForce.FOK
        return c.PlaceOrder(
            side=self.side,
            size=size,
            key=self.key,
            price=self.price,
            post="post" in self.seen,
            reduce="reduce" in self.seen,
            tif=tif,
            slip_ticks=self.slip,
            trigger=self.trigger,
            trigger_by=next((by for by in TriggerBy if by.value in self.seen), None),
            take_profit="take" in self.seen,
        )

    def word(self) -> None:
        reader = self.reader
        token = reader.tokens[reader.at]
        word = reader.peek()
        if word == "@":
            self.once("@", token)
            reader.at += 1
            self.price = reader.price()
        elif word in MARKET_WORDS:
            self.once("mkt", token)
            reader.at += 1
        elif word in TRIGGER_WORDS:
            self.once(word, token)
            reader.at += 1
            self.read_trigger()
        elif word in ("post", "ioc", "fok", "gtc", "reduce", *TriggerBy):
            self.once(word, token)
            reader.at += 1
        elif word.startswith("slip="):
            self.once("slip", token)
            reader.at += 1
            self.slip = amounts.tick_count(word[5:], token.start + 5, "slip", MAX_SLIP_TICKS, "slip=5t")
        elif word.partition("=")[0] in LATER_FLAGS:
            name = word.partition("=")[0]
            raise reader.problem(f"{name} comes with {LATER_FLAGS[name]}: not available yet", token, "unavailable")
        elif word.partition("=")[0] in SMART_FLAGS:
            name = word.partition("=")[0]
            raise reader.problem(f"{name} belongs to smart trades: smart buy 0.5 @ 61000 {name} …", token)
        elif amounts.starts_number(word) and not reader.symbols.matches(word):
            raise reader.problem(f"{token.text[:40]} stands alone: a price goes after @, a size comes first", token)
        elif not self.key and (reader.symbols.matches(word) or "/" in word):
            self.key = reader.symbol()
        else:
            names = suggestion(word, (*FLAGS, *MARKET_WORDS))
            raise reader.problem(f'"{token.text[:40]}" is neither an instrument nor a flag{names}', token)

    def read_trigger(self) -> None:
        """The price after ``stop`` or ``take``, with a span of its own."""
        limit = self.reader.spans.pop("price", None)
        self.trigger = self.reader.price()
        self.reader.spans["trigger"] = self.reader.spans.pop("price")
        if limit is not None:
            self.reader.spans["price"] = limit

    def once(self, name: str, token: "Token") -> None:
        if name in self.seen:
            raise self.reader.problem(f"{token.text} is there twice", token)
        self.seen[name] = token

    def clash(self, first: str, second: str, why: str) -> None:
        if first in self.seen and second in self.seen:
            later = max(self.seen[first], self.seen[second], key=lambda token: token.start)
            raise self.reader.problem(why, later)

    def check(self) -> None:
        self.clash("@", "mkt", "either @ PRICE or mkt, not both")
        self.clash("ioc", "fok", "either ioc or fok, not both")
        self.clash("ioc", "gtc", "either ioc or gtc, not both")
        self.clash("fok", "gtc", "either fok or gtc, not both")
        self.clash("post", "ioc", "post rests, ioc does not: choose one")
        self.clash("post", "fok", "post rests, fok does not: choose one")
        self.clash("@", "slip", "slip bounds market orders; a limit order is bounded by its price")
        self.clash("stop", "take", "either stop or take, not both: send two orders, or say smart")
        self.clash("last", "mark", "either last or mark, not both")
        for name in ("post", "ioc", "fok"):
            for trigger in TRIGGER_WORDS:
                self.clash(trigger, name, f"an order that waits for a trigger cannot be {name}: leave it out")
        for by in TriggerBy:
            if by.value in self.seen and self.trigger is None:
                raise self.reader.problem(f"{by.value} says what triggers: stop PRICE {by.value}", self.seen[by.value])
        if self.price is None and self.trigger is None:
            for name in ("post", "fok", "gtc"):
                if name in self.seen:
                    raise self.reader.problem(f"{name} needs a price: add @ PRICE", self.seen[name])
