"""Listen keys of USD-M's user data streams: one per account, good for an hour, renewed or ended. No sockets.

Facts: ../shared/exchanges/binance.md §7.
"""

import hashlib

from jackbot_tui.sim.timeline import Timeline

LIFETIME_NS = 3_600_000_000_000


class ListenKeys:
    """Same seed, same keys."""

    def __init__(self, timeline: Timeline, seed: int) -> None:
        self._timeline = timeline
        self._seed = seed
        self._made = 0
        self._keys: dict[str, tuple[int, int]] = {}

    def account_of(self, key: str) -> int | None:
        """Whose stream the key opens; None when it opens none."""
        found = self._keys.get(key)
        return None if found is None or found[1] <= self._timeline.elapsed_ns else found[0]

    def give(self, account: int) -> str:
        """The account's key, extended, or a new one."""
        key = self.extend(account)
        if key is None:
            self._made += 1
            key = hashlib.sha256(f"{self._seed}:{account}:listen:{self._made}".encode()).hexdigest()
            self._keys[key] = account, self._timeline.elapsed_ns + LIFETIME_NS
        return key

    def extend(self, account: int) -> str | None:
        """Another hour for the account's key; None when it has none."""
        for key, (owner, _) in self._keys.items():
            if owner == account and self.account_of(key) is not None:
                self._keys[key] = account, self._timeline.elapsed_ns + LIFETIME_NS
                return key
        return None

    def end(self, account: int) -> None:
        """The account's key opens nothing any more, whoever uses it."""
        for key in [key for key, (owner, _) in self._keys.items() if owner == account]:
            del self._keys[key]

    def expired(self) -> list[str]:
        """Keys that ran out since the last time."""
        return self._drop([key for key, (_, ends) in self._keys.items() if ends <= self._timeline.elapsed_ns])

    def expire_all(self) -> list[str]:
        return self._drop(list(self._keys))

    def _drop(self, keys: list[str]) -> list[str]:
        for key in keys:
            del self._keys[key]
        return keys
