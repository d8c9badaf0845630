"""The link without a socket: the same face on a desk in the same process, for ``--embed`` and for tests."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable

from jackbot_tui.desk.views import ClientInfo, Context, Notice, Reply, Role, ScreenView, ViewRequest
from jackbot_tui.link.bugs import answer_to, told
from jackbot_tui.link.client import NOTICES_KEPT
from jackbot_tui.link.face import NO_CONTEXT, DeskFace
from jackbot_tui.link.messages import PROTOCOL, Welcome
from jackbot_tui.model.errors import JackbotError, LinkError


class InProcessLink:
    """A client of ``desk`` without bytes in between; time-outs and answers are those of the socket client."""

    def __init__(
        self,
        desk: DeskFace,
        role: Role = Role.SCREEN,
        name: str = "embedded",
        report: Callable[[str], None] = lambda text: None,
    ) -> None:
        """``report`` hears of bugs in words, for the log; ``bugs`` counts them."""
        self.bugs = 0
        self._report = report
        self.role = role
        self.name = name
        self._desk = desk
        self._client: ClientInfo | None = None
        self._picture: ScreenView | None = None
        self._trouble = "not connected yet"
        self._notices: deque[Notice] = deque(maxlen=NOTICES_KEPT)
        self._arrived = asyncio.Event()
        self._unsubscribe: Callable[[], None] | None = None
        self._closed = False

    @property
    def connected(self) -> bool:
        return self._client is not None

    @property
    def trouble(self) -> str:
        return self._trouble

    @property
    def picture(self) -> ScreenView | None:
        return self._picture

    async def connect(self, timeout_s: float = 5.0) -> Welcome:
        if self._client is not None:
            raise LinkError("this link is connected already")
        desk = self._desk
        self._client = desk.attach(self.role, self.name)
        self._unsubscribe = desk.subscribe(self._take)
        self._trouble = ""
        return Welcome(PROTOCOL, self._client.client_id, desk.mode, desk.version, desk.instance, desk.notice_seq)

    async def pull(self, view: ViewRequest, timeout_s: float = 5.0) -> ScreenView:
        self._picture = self._desk.picture(self._attached(), view)
        return self._picture

    async def execute(
        self, line: str, context: Context = NO_CONTEXT, confirmed: bool = False, timeout_s: float = 10.0
    ) -> Reply:
        client = self._attached()
        try:
            async with asyncio.timeout(timeout_s):
                return await self._desk.execute(client, line, context, confirmed)
        except TimeoutError:
            raise LinkError(f"no answer within {timeout_s:g} s: look at orders before repeating") from None
        except Exception as error:  # noqa: BLE001 - as over a socket: a bug met by one line is answered, told and counted
            return self._failed(error)

    async def preview(self, line: str, context: Context = NO_CONTEXT, timeout_s: float = 5.0) -> Reply:
        client = self._attached()
        try:
            return self._desk.preview(client, line, context)
        except Exception as error:  # noqa: BLE001 - see execute
            return self._failed(error)

    async def kill(self, flatten: bool = False, timeout_s: float = 10.0) -> Reply:
        client = self._client or ClientInfo(0, Role.KILL, self.name)
        try:
            async with asyncio.timeout(timeout_s):
                return await self._desk.kill(client, flatten)
        except TimeoutError:
            raise LinkError(f"KILL not confirmed within {timeout_s:g} s: send SIGUSR1 to the engine") from None
        except Exception as error:  # noqa: BLE001 - see execute
            return self._failed(error)

    async def heartbeat(self, glass_age_ms: float = -1.0) -> None:
        if self._client is not None:
            self._desk.heartbeat(self._client, glass_age_ms)

    async def notices(self) -> AsyncIterator[Notice]:
        while True:
            while self._notices:
                yield self._notices.popleft()
            if self._closed:
                return
            self._arrived.clear()
            await self._arrived.wait()

    async def close(self) -> None:
        self._closed = True
        client, self._client = self._client, None
        unsubscribe, self._unsubscribe = self._unsubscribe, None
        if unsubscribe is not None:
            unsubscribe()
        if client is not None:
            self._desk.detach(client)
        self._trouble = "closed here"
        self._arrived.set()

    def _take(self, notice: Notice) -> None:
        self._notices.append(notice)
        self._arrived.set()

    def _failed(self, error: Exception) -> Reply:
        if not isinstance(error, JackbotError):
            self.bugs += 1
            self._report(told(error))
        return answer_to(error)

    def _attached(self) -> ClientInfo:
        if self._client is None:
            raise LinkError(f"no connection to the engine: {self._trouble}")
        return self._client
