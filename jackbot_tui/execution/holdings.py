"""What an account holds, wallet by wallet, as its executor knows it: plain values for screens. Looks up no prices."""

from decimal import Decimal

from msgspec import Struct

from jackbot_tui.model.margin import MarginSetting


class Holding(Struct, frozen=True):
    """One currency in one wallet; ``kinds`` says what is paid from it. Open profit of perpetuals is not in it."""

    kinds: str
    currency: str
    total: Decimal
    free: Decimal


class HeldPosition(Struct, frozen=True, kw_only=True):
    """A perpetual position, signed base units. None = not told. ``margin`` is what it ties up, settlement currency."""

    key: str
    quantity: Decimal
    entry: Decimal
    setting: MarginSetting
    margin: Decimal | None = None
    liquidation: Decimal | None = None


class Holdings(Struct, frozen=True):
    """The whole account."""

    wallets: tuple[Holding, ...]
    positions: tuple[HeldPosition, ...]
