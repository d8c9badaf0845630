"""The file of volume profiles: what usually trades at which time of day, for VWAP orders.

A text file of lines ``KEY,HH:MM,VOLUME``: the instrument's key, a time of day (UTC) and what usually trades from then
until the next line of that instrument, in base units. An instrument's lines begin at 00:00 and are equally far apart,
as an exchange's candles of a day are. ``#`` begins a remark. Read once, when an engine starts.
"""

from pathlib import Path

from jackbot_tui.model.errors import InputError

DAY_MINUTES = 24 * 60
MOST_BYTES = 10_000_000


def volume_profiles(name: str) -> dict[str, tuple[float, ...]]:
    """Volumes by instrument key, from 00:00 in equal parts; empty for no ``name``. InputError says file, line, why."""
    if not name:
        return {}
    path = Path(name).expanduser()
    where = f"[parents] profile {path}"
    try:
        if path.stat().st_size > MOST_BYTES:
            raise InputError(f"{where}: larger than {MOST_BYTES // 1_000_000} MB, which no profile is")
        lines = path.read_text().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{where}: cannot be read ({error})") from error
    rows: dict[str, list[tuple[int, float]]] = {}
    for number, line in enumerate(lines, 1):
        words = [word.strip() for word in line.partition("#")[0].split(",")]
        if words == [""]:
            continue
        try:
            key, time, volume = words
            hour, _, minute = time.partition(":")
            at, size = int(hour) * 60 + int(minute), float(volume)
        except ValueError:
            raise InputError(
                f"{where}, line {number}: write KEY,HH:MM,VOLUME, as binance:BTC/USDT,09:30,125.4"
            ) from None
        if not (0 <= at < DAY_MINUTES and 0 <= int(minute) < 60 and 0 <= size < float("inf")) or ":" not in key:
            raise InputError(f"{where}, line {number}: no key, no time of day or no volume: {line.strip()[:60]}")
        rows.setdefault(key, []).append((at, size))
    return {key: _even(where, key, marks) for key, marks in rows.items()}


def _even(where: str, key: str, marks: list[tuple[int, float]]) -> tuple[float, ...]:
    times = [at for at, _ in marks]
    count = len(times)
    if DAY_MINUTES % count or times != [part * DAY_MINUTES // count for part in range(count)]:
        raise InputError(f"{where}: the {count} lines of {key} are not in order and equally far apart from 00:00 on")
    if not any(volume for _, volume in marks):
        raise InputError(f"{where}: {key} has no volume at all")
    return tuple(volume for _, volume in marks)
