"""``python -m jackbot_tui.sim``: the embedded exchange as a process of its own, for the demo and for anybody's client.

Prints one JSON line on standard output when it accepts connections (``port``, ``pid``, ``symbols``, ``endpoints``, and
with ``--accounts`` the test keys of each account and ccxt's URLs), then nothing more. It ends on SIGTERM or SIGINT;
when standard input is a pipe, at its end; and with ``--parent-pid`` when that process is gone: an exchange never
outlives the console that started it. Bad options give one line and exit code 2.
"""

import argparse
import asyncio
import contextlib
import os
import signal
import stat
import sys
from collections.abc import Callable, Sequence

import msgspec

from jackbot_tui.model.errors import InputError
from jackbot_tui.sim import faults
from jackbot_tui.sim.exchange import VENUES, SimExchange

PARENT_CHECK_S = 0.5


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m jackbot_tui.sim",
        description="The embedded exchange: a venue's wire protocol on loopback, with a market of its own.",
        epilog="Faults:\n\n" + (faults.__doc__ or ""),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--port", type=int, default=0, help="TCP port on 127.0.0.1; 0 (default) takes a free one")
    parser.add_argument(
        "--symbols", nargs="+", default=[], metavar="SYMBOL",
        help="unified symbols, separated by spaces or commas (default: the venue's usual ones)",
    )  # fmt: skip
    parser.add_argument("--venue", default="binance", help=f"whose protocol to speak: {', '.join(VENUES)}")
    parser.add_argument("--seed", type=int, default=1, help="same seed, same market (default: %(default)s)")
    parser.add_argument("--rate", type=float, default=1.0, help="multiplies how often orders arrive (default: 1)")
    parser.add_argument("--volatility", type=float, default=1.0, help="multiplies how far prices move (default: 1)")
    parser.add_argument("--accounts", type=int, default=0, help="so many accounts; their keys are in the ready line")
    parser.add_argument("--fault", action="append", default=[], metavar="SPEC", help="what goes wrong; see below")
    parser.add_argument("--parent-pid", type=int, default=0, help="end when this process is gone")
    return parser


async def serve(options: argparse.Namespace) -> None:
    """Run until told to end."""
    symbols = [symbol for word in options.symbols for symbol in word.split(",") if symbol]
    exchange = SimExchange(
        symbols or None,
        venue=options.venue,
        seed=options.seed,
        rate=options.rate,
        volatility=options.volatility,
        faults=",".join(options.fault),
        accounts=options.accounts,
    )
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    await exchange.start(options.port)
    try:
        _watch_input(loop, ended)
        async with asyncio.TaskGroup() as group:
            watchers = [
                group.create_task(exchange.finished(), name="sim market"),
                group.create_task(_watch_parent(options.parent_pid, ended), name="sim parent watch"),
            ]
            _announce(exchange)
            await ended.wait()
            for watcher in watchers:
                watcher.cancel()
    finally:
        await exchange.stop()


def _announce(exchange: SimExchange) -> None:
    ready = {
        "port": exchange.port,
        "pid": os.getpid(),
        "symbols": [listing.instrument.symbol for listing in exchange.listings],
        "endpoints": exchange.endpoints,
    }
    if exchange.accounts.numbers:
        ready |= {"accounts": exchange.accounts.keys.all(), "ccxt_urls": exchange.ccxt_urls}
        ready |= {"credentials": exchange.front.credentials(exchange.accounts.keys.of(1))}
    sys.stdout.write(msgspec.json.encode(ready).decode() + "\n")
    sys.stdout.flush()


def _watch_input(loop: asyncio.AbstractEventLoop, ended: asyncio.Event) -> None:
    """When standard input is a pipe or socket from a parent, its end is ours."""
    try:
        descriptor = sys.stdin.fileno()
        mode = os.fstat(descriptor).st_mode
    except (AttributeError, OSError, ValueError):  # no standard input at all
        return
    if not (stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)):
        return

    def readable() -> None:
        with contextlib.suppress(BlockingIOError, InterruptedError):
            if not os.read(descriptor, 4096):
                loop.remove_reader(descriptor)
                ended.set()

    loop.add_reader(descriptor, readable)


async def _watch_parent(pid: int, ended: asyncio.Event) -> None:
    if not pid:
        return
    is_ours = os.getppid() == pid
    while True:
        if not (os.getppid() == pid if is_ours else _exists(pid)):
            ended.set()
            return
        await asyncio.sleep(PARENT_CHECK_S)


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # alive, but somebody else's
        return True
    return True


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop where it is installed, for less CPU per frame; None is asyncio's own."""
    try:
        import uvloop
    except ImportError:
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory


def main(arguments: Sequence[str] | None = None) -> int:
    options = build_parser().parse_args(arguments)
    try:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(serve(options))
    except InputError as error:
        print(f"sim: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
