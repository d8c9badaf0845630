"""Who is subscribed to what. Feeds publish, sockets receive; neither knows the other."""

from typing import Protocol

from jackbot_tui.model.enums import MarketKind
from jackbot_tui.sim.binance.streams import Stream


class Subscriber(Protocol):
    def deliver(self, stream: Stream, payload: str) -> None:
        """Take one event of a subscribed stream; must not block."""


class Hub:
    """Subscribers per market kind and stream name, in the order in which they came."""

    def __init__(self) -> None:
        self._subscribers: dict[tuple[MarketKind, str], dict[Subscriber, Stream]] = {}

    def add(self, market: MarketKind, stream: Stream, subscriber: Subscriber) -> None:
        self._subscribers.setdefault((market, stream.name), {})[subscriber] = stream

    def remove(self, market: MarketKind, name: str, subscriber: Subscriber) -> None:
        found = self._subscribers.get((market, name))
        if found is not None and found.pop(subscriber, None) is not None and not found:
            del self._subscribers[(market, name)]

    def wanted(self, market: MarketKind, name: str) -> bool:
        return (market, name) in self._subscribers

    def publish(self, market: MarketKind, name: str, payload: str) -> None:
        found = self._subscribers.get((market, name))
        if found:
            for subscriber, stream in list(found.items()):
                subscriber.deliver(stream, payload)
