"""A client of a venue's front without sockets: says, hears and asks pages by plain calls, in no time."""

import json
import re
from typing import Any

from jackbot_tui.model.errors import InputError
from jackbot_tui.sim.exchange import SimExchange
from jackbot_tui.sim.front import Call, Door, Reply, RequestRefused
from jackbot_tui.sim.hub import Topic

BEAT_NS = 10_000_000


class Ear:
    """One connection (``sim.front.Socket``) at the door of ``path``. Frames pass no faults of the line."""

    def __init__(self, sim: SimExchange, path: str) -> None:
        self.door: Door = next(door for door in sim.front.doors() if door.path == path)
        self.call = Call("GET", path)
        self.state: dict[str, Any] = {}
        self.topics: dict[str, Topic] = {}
        self.frames: list[str | bytes] = []
        self.ended: tuple[int, str] | None = None
        self._front = sim.front
        self._front.opened(self)

    def push(self, frame: str | bytes) -> None:
        self.frames.append(frame)

    def deliver_private(self, frame: str | bytes) -> None:
        self.push(frame)

    def deliver(self, topic: Topic, frame: str | bytes) -> None:
        self.push(self._front.dress(self, topic, frame))

    def subscribe(self, topic: Topic) -> None:
        self.topics[topic.name] = topic
        self._front.hub.add(topic, self)

    def unsubscribe(self, name: str) -> None:
        topic = self.topics.pop(name, None)
        if topic is not None:
            self._front.hub.remove(topic.market, name, self)

    def answered(self) -> None:
        """It is alive as long as somebody holds it."""

    def end(self, code: int, reason: str) -> None:
        self.ended = self.ended or (code, reason)

    def say(self, message: Any) -> None:
        self._front.received(self, message if isinstance(message, str) else json.dumps(message))

    def ask(self, message: Any) -> list[Any]:
        """What is answered at once."""
        self.take()
        self.say(message)
        return [json.loads(frame) for frame in self.take()]

    def take(self) -> list[str | bytes]:
        frames, self.frames = self.frames, []
        return frames

    def news(self) -> list[Any]:
        """Text frames since the last time, read."""
        return [json.loads(frame) for frame in self.take() if isinstance(frame, str)]


class Rest:
    """The pages of a front, with their counters."""

    def __init__(self, sim: SimExchange) -> None:
        self._pages = [
            (page.method, re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", page.path)), page)
            for page in sim.front.pages()
        ]

    def reply(self, path: str, method: str = "GET", body: bytes = b"", **query: str) -> Reply:
        for known, pattern, page in self._pages:
            found = pattern.fullmatch(path)
            if known == method and found:
                try:
                    return page.answer(Call(method, path, query, found.groupdict(), {}, body))
                except RequestRefused as refused:
                    return refused.reply
        raise InputError(f"no page {method} {path}")

    def get(self, path: str, **query: str) -> Any:
        return json.loads(self.reply(path, **query).body)

    def post(self, path: str, content: Any) -> Any:
        return json.loads(self.reply(path, "POST", json.dumps(content).encode()).body)


def stand_still(sim: SimExchange, milliseconds: int) -> None:
    """Let time pass without a market: no order arrives, only beats go by."""
    for _ in range(milliseconds * 1_000_000 // BEAT_NS):
        sim.timeline.advance_to(sim.timeline.elapsed_ns + BEAT_NS)
        sim.gateway.pump()


def run(sim: SimExchange, seconds: float) -> None:
    """Let the market run."""
    sim.advance(sim.timeline.elapsed_ns + round(seconds * 1e9))
