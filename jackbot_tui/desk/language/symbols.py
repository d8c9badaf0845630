"""Names of instruments as people write them: ``binance:BTC/USDT``, ``BTC/USDT``, ``BTCUSDT`` or just ``btc``."""

from collections.abc import Iterable, Mapping

from jackbot_tui.desk.language.errors import SyntaxProblem


class SymbolTable:
    """The instruments a line may name. ``natives`` gives the venue's own name per key, where known."""

    def __init__(self, keys: Iterable[str] = (), natives: Mapping[str, str] | None = None) -> None:
        self.keys = tuple(keys)
        self._names: tuple[dict[str, list[str]], ...] = ({}, {}, {}, {})
        for key in self.keys:
            symbol = self.symbol_of(key)
            names = (key, symbol, (natives or {}).get(key, ""), symbol.partition("/")[0])
            for table, name in zip(self._names, names, strict=True):
                if name:
                    table.setdefault(name.lower(), []).append(key)

    @staticmethod
    def symbol_of(key: str) -> str:
        """Unified symbol of a key: what follows the venue."""
        return key.partition(":")[2]

    def matches(self, word: str) -> list[str]:
        """Keys that ``word`` may mean: by key, else unified symbol, else native name, else base currency."""
        name = word.lower()
        for table in self._names:
            if name in table:
                return table[name]
        return []

    def resolve(self, word: str, caret: int) -> str:
        """The one key that ``word`` means; SyntaxProblem when there is none or more than one."""
        found = self.matches(word)
        if len(found) == 1:
            return found[0]
        if found:
            names = [self.symbol_of(key) for key in found]
            if len(set(names)) < len(names):
                names = found
            raise SyntaxProblem(f"{word[:40]} may be {' or '.join(names)}: write one of them in full", caret, names[-1])
        known = ", ".join(self.symbol_of(key) for key in self.keys[:6]) or "none yet"
        more = f" and {len(self.keys) - 6} more" if len(self.keys) > 6 else ""
        raise SyntaxProblem(f"no instrument {word[:40]} here: {known}{more}", caret)
