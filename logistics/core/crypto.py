"""Sealing of identifying columns and blind search tokens.

AES-256-GCM with a data key per tenant, derived by HKDF-SHA256 from a master key; the stored bytes carry
the master key's id, so that keys can be rotated while old rows stay readable. The associated data binds a
value to its tenant, table, row and field: a copied ciphertext does not open elsewhere.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
from functools import lru_cache
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

VERSION = b"\x01"
NONCE_BYTES = 12


class SealBroken(Exception):
    """A stored value does not open: wrong key, wrong row, or changed bytes."""


@lru_cache(maxsize=1)
def _keyring() -> tuple[str, dict[str, bytes]]:
    ring: dict[str, bytes] = {}
    for entry in settings.FIELD_KEYS:
        key_id, _, encoded = entry.partition(":")
        key = base64.b64decode(encoded)
        if len(key) != 32 or not 1 <= len(key_id) <= 32:
            raise ValueError("each field key is ID:BASE64 with 32 bytes")
        ring[key_id] = key
    if not ring:
        raise ValueError("FIELD_KEYS is empty")
    return next(iter(ring)), ring


@lru_cache(maxsize=4096)
def _derive(key_id: str, tenant_id: str, purpose: str) -> bytes:
    master = _keyring()[1].get(key_id)
    if master is None:
        raise SealBroken(f"no field key with id {key_id!r}: add it to CARRYWELL_FIELD_KEYS")
    return HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=f"{purpose}|{tenant_id}".encode()).derive(master)


@lru_cache(maxsize=1024)
def _cipher(key_id: str, tenant_id: str) -> AESGCM:
    return AESGCM(_derive(key_id, tenant_id, "field"))


def seal(plain: bytes, *, tenant_id: UUID | str, context: str) -> bytes:
    """Encrypt ``plain`` for one tenant; ``context`` (table|row|field) must be given again to open it."""
    key_id = _keyring()[0]
    nonce = os.urandom(NONCE_BYTES)
    label = key_id.encode()
    head = VERSION + bytes([len(label)]) + label
    body = _cipher(key_id, str(tenant_id)).encrypt(nonce, plain, f"{tenant_id}|{context}".encode())
    return head + nonce + body


def unseal(stored: bytes, *, tenant_id: UUID | str, context: str) -> bytes:
    """Decrypt what :func:`seal` made; raises :class:`SealBroken` when it does not fit."""
    stored = bytes(stored)
    if stored[:1] != VERSION:
        raise SealBroken("unknown seal version")
    size = stored[1]
    key_id = stored[2 : 2 + size].decode()
    nonce = stored[2 + size : 2 + size + NONCE_BYTES]
    try:
        return _cipher(key_id, str(tenant_id)).decrypt(
            nonce, stored[2 + size + NONCE_BYTES :], f"{tenant_id}|{context}".encode()
        )
    except InvalidTag as error:
        raise SealBroken("a sealed value does not fit its row") from error


def blind(value: str, *, tenant_id: UUID | str, kind: str) -> bytes:
    """A 16-byte keyed token for equality search (name prefix, MRN, phone, birth date) within a tenant.

    Tokens are made with the *last* key of the ring, which stays fixed through rotation of the first.
    """
    key_id = list(_keyring()[1])[-1]
    key = _derive(key_id, str(tenant_id), "blind")
    return hmac.new(key, f"{kind}|{value}".encode(), hashlib.sha256).digest()[:16]
