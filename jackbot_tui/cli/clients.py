"""``jackbot ctl`` and ``jackbot watch``: talk to a running engine from a shell. Light: the link's client, no more."""

import argparse
import asyncio
import os
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import TextIO

import msgspec

from jackbot_tui.desk.views import Notice, Reply, Role
from jackbot_tui.link.client import LinkClient, call
from jackbot_tui.settings.places import choose_engine, places_of

OK, REFUSED, USAGE, NO_ENGINE = 0, 1, 2, 3
SYNTAX = "syntax"
CONNECTION_LOOK_S = 0.2
_NS = 1_000_000_000


def run(options: argparse.Namespace) -> int:
    """Carry out ``ctl`` or ``watch``; LinkError when no engine is there."""
    path = choose_engine(places_of(os.environ), options.socket)
    if options.command == "watch":
        return asyncio.run(watch(path, options.run_for_ns, options.json, sys.stdout, sys.stderr))
    lines = _lines(sys.stdin) if options.line == "-" else [options.line]
    return send_lines(
        path, lines, as_json=options.json, timeout_s=options.timeout / _NS, out=sys.stdout, err=sys.stderr
    )


def send_lines(path: Path, lines: Iterable[str], *, as_json: bool, timeout_s: float, out: TextIO, err: TextIO) -> int:
    """Send lines one after the other; stops at the first that is not carried out. Its exit code, else 0."""
    for line in lines:
        reply = call(path, line, timeout_s=timeout_s)
        _print_reply(line, reply, as_json, out, err)
        if not reply.ok:
            return USAGE if reply.code == SYNTAX else REFUSED
    return OK


def _lines(source: TextIO) -> Iterable[str]:
    return (line for line in (raw.strip() for raw in source) if line and not line.startswith("#"))


def _print_reply(line: str, reply: Reply, as_json: bool, out: TextIO, err: TextIO) -> None:
    if as_json:
        out.write(msgspec.json.encode(reply, enc_hook=str).decode() + "\n")
        out.flush()
        return
    target = out if reply.ok else err
    if reply.caret >= 0:
        target.write(f"{line}\n{' ' * reply.caret}^\n")
    for text in reply.lines:
        target.write(f"{text}\n")
    target.flush()


async def watch(path: Path, run_for_ns: int, as_json: bool, out: TextIO, err: TextIO) -> int:
    """Print notices until the time is up; when the engine goes, say so, and go on when it is back."""
    client = LinkClient(path, Role.WATCH, "watch")
    await client.connect()
    helpers = [
        asyncio.create_task(client.stay_connected(), name="stay connected"),
        asyncio.create_task(_tell_connection(client, err), name="tell connection"),
    ]
    try:
        async with asyncio.timeout(run_for_ns / _NS if run_for_ns else None):
            async for notice in client.notices():
                out.write(_notice_line(notice, as_json) + "\n")
                out.flush()
    except TimeoutError:
        return OK
    finally:
        for helper in helpers:
            helper.cancel()
        await asyncio.gather(*helpers, return_exceptions=True)
        await client.close()
    return OK


async def _tell_connection(client: LinkClient, err: TextIO) -> None:
    """A line each time the engine goes and comes back."""
    there = True
    while True:
        await asyncio.sleep(CONNECTION_LOOK_S)
        if client.connected != there:
            there = client.connected
            err.write("the engine is back\n" if there else f"waiting for the engine: {client.trouble}\n")
            err.flush()


def _notice_line(notice: Notice, as_json: bool) -> str:
    if as_json:
        return msgspec.json.encode(notice).decode()
    seconds, rest = divmod(notice.ts, _NS)
    clock = time.strftime("%H:%M:%S", time.gmtime(seconds))
    return f"{clock}.{rest // 1_000_000:03d} {notice.level.upper():<4} {notice.text}"
