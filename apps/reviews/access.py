"""The other door: from a signed address to a shared take, without an account."""

from typing import Any
from uuid import UUID

from django.contrib.auth.hashers import check_password
from django.core import signing
from django.http import Http404
from django.utils.crypto import constant_time_compare, salted_hmac

from apps.reviews.models import ShareLink
from studio.errors import StudioError

SALT = "reviews.share"
NO_LINK = "This address leads nowhere."
SESSION_KEY = "shares"


def token_of(link: ShareLink) -> str:
    """The part of the address that names a link: its id, signed, so that nobody can make one up."""
    return signing.Signer(sep=".", salt=SALT).sign(link.pk.hex)


def link_of(token: str) -> ShareLink:
    """The open link behind a token.

    Raises ``Http404`` for a forged one and for a take that is gone or whose workspace is closed, ``StudioError`` (410)
    for one that has expired or was taken back.
    """
    try:
        identity = UUID(hex=signing.Signer(sep=".", salt=SALT).unsign(token))
    except (signing.BadSignature, ValueError) as error:
        raise Http404(NO_LINK) from error
    related = ("generation__workspace", "generation__project__workspace", "generation__video", "generation__audio",
               "generation__result", "created_by")  # fmt: skip
    link = ShareLink.objects.select_related(*related).filter(pk=identity).first()
    if link is None or not _is_there(link):
        raise Http404(NO_LINK)
    if not link.is_open():
        raise StudioError(
            "share_link_closed",
            "This link is no longer open.",
            "Ask the person who sent it for a new one.",
            status=410,
        )
    return link


def _is_there(link: ShareLink) -> bool:
    take = link.generation
    deleted = take.deleted_at or (take.project is not None and take.project.deleted_at) or take.workspace.closed_at
    return not deleted and take.result is not None and take.result.deleted_at is None


def is_unlocked(session: Any, link: ShareLink) -> bool:
    """Whether this visitor has given the password, where there is one; a changed password locks again."""
    if not link.password:
        return True
    return constant_time_compare(session.get(SESSION_KEY, {}).get(link.pk.hex, ""), _mark(link))


def unlock(session: Any, link: ShareLink, password: str) -> bool:
    """Note in the session that the password was right; False where it was not."""
    if not check_password(password, link.password):
        return False
    session[SESSION_KEY] = session.get(SESSION_KEY, {}) | {link.pk.hex: _mark(link)}
    return True


def _mark(link: ShareLink) -> str:
    return salted_hmac(SALT, link.password).hexdigest()
