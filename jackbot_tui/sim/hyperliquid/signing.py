"""Who signed an action: agents and masters of the exchange's accounts, the digests they sign, and their nonces.

Part of ``private``. An account is the address of its owner's key. The trader's key is an agent that the account has
approved: it signs orders and settings, never approvals or transfers. The reader's key belongs to nobody, and nothing it
signs is taken; reading needs no key at all. The venue looks a signature's address up, so that every mistake in what was
signed shows as an address that does not exist. Facts and test vectors: ../shared/exchanges/hyperliquid.md §8.3.
"""

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import msgspec

from jackbot_tui.model.errors import InputError
from jackbot_tui.sim.ethereum import Field, address_of, keccak256, signer_of, typed_digest
from jackbot_tui.sim.keys import ApiKey, KeyRing, KeyRole

ZERO_ADDRESS = "0x" + 40 * "0"
MAINNET = "a"
AGENT_FIELDS: tuple[Field, ...] = (("source", "string"), ("connectionId", "bytes32"))
_AGENT_DOMAIN = {"name": "Exchange", "version": "1", "chainId": 1337, "verifyingContract": ZERO_ADDRESS}

NONCES_KEPT = 100
DAY_MS = 86_400_000
OLDEST_MS, NEWEST_MS = 2 * DAY_MS, DAY_MS

USER_SIGNED: Mapping[str, tuple[str, tuple[Field, ...]]] = {
    "approveBuilderFee": (
        "HyperliquidTransaction:ApproveBuilderFee",
        (("hyperliquidChain", "string"), ("maxFeeRate", "string"), ("builder", "address"), ("nonce", "uint64")),
    ),
}
"""Actions whose fields are signed themselves, by the account's own key."""


class Signature(msgspec.Struct):
    r: str
    s: str
    v: int


def connection_id(action: Any, nonce: int, vault: str | None = None, expires_after: int | None = None) -> bytes:
    """The hash of an action: one of ``actions``, or the like with its fields in that order."""
    data = msgspec.msgpack.encode(action) + nonce.to_bytes(8, "big")
    data += b"\x00" if vault is None else b"\x01" + bytes.fromhex(vault.removeprefix("0x"))
    if expires_after is not None:
        data += b"\x00" + expires_after.to_bytes(8, "big")
    return keccak256(data)


def action_digest(
    action: Any, nonce: int, vault: str | None = None, expires_after: int | None = None, source: str = MAINNET
) -> bytes:
    """What an agent signs for an action."""
    message = {"source": source, "connectionId": connection_id(action, nonce, vault, expires_after)}
    return typed_digest(_AGENT_DOMAIN, "Agent", AGENT_FIELDS, message)


def user_digest(action: Mapping[str, Any]) -> bytes:
    """What an account signs for one of ``USER_SIGNED``. InputError for one that lacks a field."""
    name, fields = USER_SIGNED[action["type"]]
    domain = {
        "name": "HyperliquidSignTransaction", "version": "1", "verifyingContract": ZERO_ADDRESS,
        "chainId": int(str(action.get("signatureChainId", "0x66eee")), 16),
    }  # fmt: skip
    try:
        return typed_digest(domain, name, fields, action)
    except (KeyError, ValueError, OverflowError):
        raise InputError(f"{action['type']} lacks a field of {', '.join(field for field, _ in fields)}") from None


class Signers:
    """The addresses of all keys."""

    def __init__(self, keys: KeyRing) -> None:
        self._keys = keys
        self._used: dict[str, list[int]] = {}

    def address(self, key: ApiKey) -> str:
        return self._addresses[key.account, key.role]

    def account(self, address: str) -> int | None:
        """The account that has this address; None for an agent's, or nobody's."""
        return self._masters.get(address.lower())

    def agent_of(self, address: str) -> int | None:
        """The account that approved this agent."""
        return self._agents.get(address.lower())

    def wallet(self, account: int) -> str:
        """The address of an account."""
        return self._addresses[account, KeyRole.OWNER]

    def agent(self, account: int) -> str:
        """The address of the account's one agent."""
        return self._addresses[account, KeyRole.TRADER]

    def signer(self, digest: bytes, signature: Signature) -> str:
        """InputError for what is no signature."""
        return signer_of(digest, signature.r, signature.s, signature.v)

    def take_nonce(self, signer: str, nonce: int, now_ms: int) -> str:
        """Use up a nonce of ``signer``; what is wrong with it, "" when nothing is."""
        used = self._used.setdefault(signer, [])
        if not now_ms - OLDEST_MS < nonce < now_ms + NEWEST_MS:
            return f"Invalid nonce: nonce {nonce} is too far from the block's time {now_ms}"
        if nonce in used:
            return f"Invalid nonce: duplicate nonce {nonce}"
        if len(used) >= NONCES_KEPT and nonce < used[0]:
            return f"Invalid nonce: nonce too low {nonce} < {used[0]}"
        used.append(nonce)
        used.sort()
        del used[:-NONCES_KEPT]
        return ""

    @cached_property
    def _addresses(self) -> dict[tuple[int, KeyRole], str]:
        return {(key.account, key.role): address_of(key.secret) for key in self._keys.all()}

    @cached_property
    def _masters(self) -> dict[str, int]:
        return {address: account for (account, role), address in self._addresses.items() if role is KeyRole.OWNER}

    @cached_property
    def _agents(self) -> dict[str, int]:
        return {address: account for (account, role), address in self._addresses.items() if role is KeyRole.TRADER}
