"""Who is subscribed to what. Fronts publish, sockets receive; neither knows the other.

A topic is the front's own name for one stream of one market: its market kind and whatever identifies it.
"""

from typing import Protocol

from msgspec import Struct

from jackbot_tui.model.enums import MarketKind


class Topic(Struct, frozen=True):
    """``is_book``: frames of it follow one another by sequence, and ``gap`` faults strike them."""

    market: MarketKind
    name: str
    native: str = ""
    is_book: bool = False


class Subscriber(Protocol):
    def deliver(self, topic: Topic, frame: str | bytes) -> None:
        """Take one event of a subscribed topic; must not block."""


class Hub:
    """Subscribers per topic, in the order in which they came."""

    def __init__(self) -> None:
        self._subscribers: dict[tuple[MarketKind, str], dict[Subscriber, Topic]] = {}

    def add(self, topic: Topic, subscriber: Subscriber) -> None:
        self._subscribers.setdefault((topic.market, topic.name), {})[subscriber] = topic

    def remove(self, market: MarketKind, name: str, subscriber: Subscriber) -> None:
        found = self._subscribers.get((market, name))
        if found is not None and found.pop(subscriber, None) is not None and not found:
            del self._subscribers[(market, name)]

    def wanted(self, market: MarketKind, name: str) -> bool:
        return (market, name) in self._subscribers

    def subscribers(self, market: MarketKind, name: str) -> list[Subscriber]:
        """Who hears this topic now: for venues whose frames differ from client to client."""
        return list(self._subscribers.get((market, name), ()))

    def publish(self, market: MarketKind, name: str, frame: str | bytes) -> None:
        """The same frame to every subscriber."""
        found = self._subscribers.get((market, name))
        if found:
            for subscriber, topic in list(found.items()):
                subscriber.deliver(topic, frame)
