"""Ethereum's hash, addresses and signatures, as far as a venue's gateway must check them. Pure.

Keccak and the curve secp256k1 come with ccxt (its own Keccak, and the ``coincurve`` package that it depends on); both
are imported when they are first needed, so that an exchange without accounts loads neither. Typed data as EIP-712
writes it, for flat structures only. Keys here are test keys.
"""

from collections.abc import Mapping, Sequence
from types import ModuleType

from jackbot_tui.model.errors import InputError

Field = tuple[str, str]
"""Name and type of a field, in the order in which they are signed."""

WORD = 32
DOMAIN_FIELDS: tuple[Field, ...] = (
    ("name", "string"), ("version", "string"), ("chainId", "uint256"), ("verifyingContract", "address"),
)  # fmt: skip


def keccak256(data: bytes) -> bytes:
    """Keccak with the padding from before SHA-3 became a standard."""
    from ccxt.static_dependencies import keccak

    return bytes(keccak.SHA3(data))


def address_of(secret: str) -> str:
    """The address of a private key of 64 hexadecimal digits: ``0x`` and 40 lower-case digits."""
    return _address(_curve().PrivateKey(bytes.fromhex(secret)).public_key.format(compressed=False))


def signer_of(digest: bytes, r: str, s: str, v: int) -> str:
    """The address whose key made this signature of ``digest``; any well-formed one has some address.

    InputError for a signature that is none. ``r`` and ``s`` are hexadecimal with ``0x`` and may lack leading zeros.
    """
    try:
        numbers = b"".join(int(part, 16).to_bytes(WORD, "big") for part in (r, s))
        public = _curve().PublicKey.from_signature_and_message(numbers + bytes([v - 27]), digest, hasher=None)
    except (ValueError, OverflowError):
        raise InputError("the signature is malformed: give r and s of 32 bytes and v of 27 or 28") from None
    return _address(public.format(compressed=False))


def sign(digest: bytes, secret: str) -> dict[str, str | int]:
    """``digest`` signed, as Ethereum's wallets write it."""
    made = _curve().PrivateKey(bytes.fromhex(secret)).sign_recoverable(digest, hasher=None)
    return {"r": f"0x{made[:WORD].hex()}", "s": f"0x{made[WORD:64].hex()}", "v": made[64] + 27}


def typed_digest(
    domain: Mapping[str, object], name: str, fields: Sequence[Field], message: Mapping[str, object]
) -> bytes:
    """What is signed for ``message``, a flat structure. Fields are strings, addresses, ``uintN`` and ``bytes32``."""
    separator = _structure("EIP712Domain", DOMAIN_FIELDS, domain)
    return keccak256(b"\x19\x01" + separator + _structure(name, fields, message))


def _curve() -> ModuleType:
    try:
        import coincurve
    except ImportError:
        raise InputError("accounts of this exchange need the package coincurve: run 'pip install coincurve'") from None
    return coincurve


def _structure(name: str, fields: Sequence[Field], values: Mapping[str, object]) -> bytes:
    spelled = ",".join(f"{kind} {field}" for field, kind in fields)
    words = [keccak256(f"{name}({spelled})".encode())]
    words += [_word(kind, values[field]) for field, kind in fields]
    return keccak256(b"".join(words))


def _word(kind: str, value: object) -> bytes:
    if isinstance(value, bytes):
        return value
    if isinstance(value, int):
        return value.to_bytes(WORD, "big")
    text = str(value)
    return int(text, 16).to_bytes(WORD, "big") if kind == "address" else keccak256(text.encode())


def _address(public: bytes) -> str:
    """Of an uncompressed public key, whose first byte only says that it is one."""
    return f"0x{keccak256(public[1:])[-20:].hex()}"
