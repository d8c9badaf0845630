"""An engine's process that fails where it is told to, with its key in the words of the failure.

The directory in ``JACKBOT_TEST_FAILURES`` is looked at: while it has a file ``signing`` ccxt cannot sign, a file
``callback`` makes one callback of ours fail, a file ``end`` the host itself.
"""

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

from jackbot_tui.engine import live
from jackbot_tui.execution.live import connection
from jackbot_tui.execution.live.keys import Credentials
from jackbot_tui.headless import process
from jackbot_tui.headless.host import EngineHost

PLACE = Path(os.environ["JACKBOT_TEST_FAILURES"])
LOOK_S = 0.05
said: list[str] = []


class Failing(EngineHost):
    """The host, with the failures."""

    async def run(self) -> None:
        work = asyncio.ensure_future(super().run())
        while not work.done():
            if (PLACE / "callback").exists():
                (PLACE / "callback").unlink()
                asyncio.get_running_loop().call_soon(fail, "callback")
            if (PLACE / "end").exists():
                self.stop("the test has seen enough")
                await work
                fail("end")
            await asyncio.sleep(LOOK_S)
        await work


def fail(where: str) -> None:
    raise RuntimeError(f"provoked {where} with {' '.join(said)} {said!r}")


def unable(plain: type[Any]) -> type[Any]:
    def sign(self: Any, *arguments: Any, **named: Any) -> Any:
        if (PLACE / "signing").exists():
            fail("signing")
        return plain.sign(self, *arguments, **named)

    return type(plain.__name__, (plain,), {"sign": sign})


def main() -> int:
    opened = connection.open_clients

    async def open_clients(dialect: Any, kinds: Any, credentials: Credentials, *rest: Any, **named: Any) -> Any:
        said.extend(credentials.fields().values())
        clients = await opened(dialect, kinds, credentials, *rest, **named)
        for client in clients.values():
            client.exchange.__class__ = unable(type(client.exchange))
        return clients

    vars(live).update(open_clients=open_clients)
    vars(process).update(EngineHost=Failing)
    return process.main(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
