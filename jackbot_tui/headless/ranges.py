"""Price ranges that probes found, kept beside the journals.

A range belongs to the place where it was found (``Place``): the embedded exchange's says nothing about the real venue.
"""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from jackbot_tui.model.errors import ConfigError
from jackbot_tui.model.instrument import PriceBand
from jackbot_tui.venues.band_rules import RANGES

if TYPE_CHECKING:
    from jackbot_tui.execution.live.probe import RangeFound

FILE_NAME = RANGES
EDGES = ("buy_down", "buy_up", "sell_down", "sell_up")


class Place(StrEnum):
    """Where a range was found, and where it holds."""

    SIM = "sim"
    TESTNET = "testnet"
    LIVE = "live"


class StoredRange(Struct, frozen=True, kw_only=True):
    """A band as a probe found it. ``known``: the edges that were found out; the others count as not limited."""

    key: str
    place: Place
    band: PriceBand
    known: tuple[str, ...]
    orders: int
    at_ns: int


class RangeStore:
    """The file of ranges in one data directory."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / FILE_NAME

    def all(self) -> list[StoredRange]:
        """By place and key; ConfigError when the file cannot be read."""
        try:
            text = self.path.read_bytes()
        except FileNotFoundError:
            return []
        try:
            found = msgspec.json.decode(text, type=list[StoredRange])
        except msgspec.DecodeError as error:
            raise ConfigError(f"{self.path} is no file of ranges ({error}): remove it and probe again") from None
        return sorted(found, key=lambda each: (each.place, each.key))

    def bands(self, place: Place) -> dict[str, PriceBand]:
        """By instrument, the complete ones: half a rule must not replace the venue's."""
        return {each.key: each.band for each in self.all() if each.place is place and len(each.known) == len(EDGES)}

    def keep(self, found: "RangeFound", place: Place) -> StoredRange:
        """Store what a probe found in place of what was there."""
        made = StoredRange(
            key=found.key,
            place=place,
            band=found.band,
            known=tuple(edge.value for edge, each in found.edges.items() if not each.problem),
            orders=found.orders,
            at_ns=found.at_ns,
        )
        self._write([each for each in self.all() if (each.key, each.place) != (made.key, place)] + [made])
        return made

    def forget(self, key: str) -> int:
        """Remove every range of an instrument; how many there were."""
        before = self.all()
        after = [each for each in before if each.key != key]
        if len(after) != len(before):
            self._write(after)
        return len(before) - len(after)

    def _write(self, ranges: list[StoredRange]) -> None:
        new = self.path.with_suffix(".new")
        new.write_bytes(msgspec.json.format(msgspec.json.encode(ranges)))
        new.replace(self.path)
