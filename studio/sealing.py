"""Secrets of others that the studio has to read again, such as keys for services: sealed before they go into a row.

The sealing key follows from ``SECRET_KEY``, so a copy of the database alone opens nothing. With another signing key
what was sealed is lost and has to be entered again.
"""

import base64

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings


class SealBroken(Exception):
    """It was sealed with another signing key, or changed since."""


def seal(text: str, purpose: str) -> str:
    """Encrypted and signed; only :func:`unseal` with the same purpose opens it."""
    return _cipher(purpose).encrypt(text.encode()).decode("ascii")


def unseal(sealed: str, purpose: str) -> str:
    """What was sealed; raises ``SealBroken``."""
    try:
        return _cipher(purpose).decrypt(sealed.encode("ascii")).decode()
    except (InvalidToken, UnicodeEncodeError) as error:
        raise SealBroken(purpose) from error


def _cipher(purpose: str) -> Fernet:
    derive = HKDF(algorithm=SHA256(), length=32, salt=None, info=f"studio.sealing.{purpose}".encode())
    return Fernet(base64.urlsafe_b64encode(derive.derive(settings.SECRET_KEY.encode())))
