"""The two faces of the link: what the server needs of a desk, and what every client offers, over a socket or not."""

from collections.abc import AsyncIterator, Callable
from typing import Protocol

from jackbot_tui.desk.views import ClientInfo, Context, Notice, Reply, Role, ScreenView, ViewRequest
from jackbot_tui.link.messages import Welcome

NO_CONTEXT = Context()


class DeskFace(Protocol):
    """What the link needs of ``desk.Desk``."""

    @property
    def mode(self) -> str: ...

    @property
    def version(self) -> str: ...

    @property
    def instance(self) -> str:
        """Different for every engine process."""
        ...

    @property
    def notice_seq(self) -> int: ...

    def attach(self, role: Role, name: str) -> ClientInfo: ...

    def detach(self, client: ClientInfo) -> None: ...

    def heartbeat(self, client: ClientInfo, glass_age_ms: float) -> None: ...

    async def execute(self, client: ClientInfo, line: str, context: Context, confirmed: bool) -> Reply: ...

    def preview(self, client: ClientInfo, line: str, context: Context) -> Reply: ...

    def picture(self, client: ClientInfo, request: ViewRequest) -> ScreenView: ...

    async def kill(self, client: ClientInfo, flatten: bool) -> Reply: ...

    def notices_after(self, seq: int) -> list[Notice]: ...

    def subscribe(self, callback: Callable[[Notice], None]) -> Callable[[], None]: ...


class Link(Protocol):
    """What a screen holds. Every call raises LinkError, in one line, when the engine cannot be reached or is silent."""

    @property
    def connected(self) -> bool: ...

    @property
    def trouble(self) -> str:
        """Why there is no connection, in words; "" when there is one."""
        ...

    @property
    def picture(self) -> ScreenView | None:
        """The newest picture received."""
        ...

    async def connect(self, timeout_s: float = 5.0) -> Welcome: ...

    async def pull(self, view: ViewRequest, timeout_s: float = 5.0) -> ScreenView: ...

    async def execute(
        self, line: str, context: Context = NO_CONTEXT, confirmed: bool = False, timeout_s: float = 10.0
    ) -> Reply: ...

    async def preview(self, line: str, context: Context = NO_CONTEXT, timeout_s: float = 5.0) -> Reply: ...

    async def kill(self, flatten: bool = False, timeout_s: float = 10.0) -> Reply: ...

    async def heartbeat(self, glass_age_ms: float = -1.0) -> None: ...

    def notices(self) -> AsyncIterator[Notice]: ...

    async def close(self) -> None: ...
