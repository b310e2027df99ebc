"""Signatures of webhooks: the header of the hosted service, and those of Standard Webhooks.

``Sync-Signature: t=<unix>,v1=<hex HMAC-SHA256 of "t.body">`` with the secret as it is written. Standard Webhooks signs
``id.timestamp.body`` with the bytes that the secret's part after ``whsec_`` stands for in base64.
"""

import base64
import hashlib
import hmac
import secrets

SECRET_PREFIX = "whsec_"  # noqa: S105  (not a secret but its beginning)
SECRET_BYTES = 24


def new_secret() -> str:
    return SECRET_PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def headers_for(*, message_id: str, timestamp: int, body: str, keys: list[str]) -> dict[str, str]:
    """The signature headers, with one signature for each of the secrets ``keys`` (two while one replaces another)."""
    ours = [_hex(f"{timestamp}.{body}", key.encode()) for key in keys]
    standard = [_base64(f"{message_id}.{timestamp}.{body}", _raw(key)) for key in keys]
    return {
        "Sync-Signature": ",".join([f"t={timestamp}", *(f"v1={signature}" for signature in ours)]),
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(f"v1,{signature}" for signature in standard),
    }


def _raw(key: str) -> bytes:
    return base64.b64decode(key.removeprefix(SECRET_PREFIX))


def _mac(text: str, key: bytes) -> "hmac.HMAC":
    return hmac.new(key, text.encode(), hashlib.sha256)


def _hex(text: str, key: bytes) -> str:
    return _mac(text, key).hexdigest()


def _base64(text: str, key: bytes) -> str:
    return base64.b64encode(_mac(text, key).digest()).decode()
