"""What changes comments and share links."""

from datetime import timedelta

from django.contrib.auth.hashers import make_password
from django.core.cache import cache
from django.db import transaction
from django.utils import timezone

from apps.generations.models import Generation
from apps.reviews.models import COMMENT_LIMIT, GUEST_NAME_LIMIT, Comment, ShareLink
from apps.workspaces.access import require, sees
from apps.workspaces.activity import record
from apps.workspaces.models import Membership, Role
from studio.errors import StudioError

# How long a link may live, by the choices of the form; None: until it is taken back.
LIVES: dict[str, timedelta | None] = {
    "day": timedelta(days=1),
    "week": timedelta(days=7),
    "month": timedelta(days=30),
    "open": None,
}
PASSWORD_LEAST = 6
LINKS_MOST = 50
# A page of remarks is read by people; beyond this somebody fills the database.
COMMENTS_MOST = 500
# Tries an hour for one link from one address: a password of six letters then holds for ages.
TRIES_AN_HOUR = 20
HOUR_S = 3600


def make_link(
    *,
    membership: Membership,
    generation: Generation,
    lives: str,
    password: str = "",
    with_original: bool = True,
    comments_on: bool = True,
    downloads_on: bool = False,
) -> ShareLink:
    """A new link to a finished take, with the original if whoever makes the link sees that file.

    Raises ``StudioError``, and ``PermissionDenied`` for viewers.
    """
    require(membership, Role.EDITOR)
    if generation.result_id is None:
        raise StudioError("share_without_result", "This take has no result to share.", "Wait until it is finished.")
    if lives not in LIVES:
        raise StudioError("share_lives_invalid", "That is no length of time.", "Choose one of the list.", field="lives")
    if password and len(password) < PASSWORD_LEAST:
        raise StudioError(
            "share_password_short",
            f"The password has {len(password)} characters.",
            f"Use {PASSWORD_LEAST} or more, or none.",
            field="password",
        )
    if generation.share_links.filter(revoked_at=None).count() >= LINKS_MOST:
        raise StudioError(
            "share_links_too_many",
            f"This take has {LINKS_MOST} links.",
            "Take back one that is not needed.",
            status=409,
        )
    length = LIVES[lives]
    with transaction.atomic():
        record("share.made", workspace=membership.workspace, actor=membership.user, subject=_name(generation))
        return ShareLink.objects.create(
            generation=generation,
            created_by=membership.user,
            expires_at=timezone.now() + length if length else None,
            password=make_password(password) if password else "",
            with_original=with_original and sees(membership, generation.video),
            comments_on=comments_on,
            downloads_on=downloads_on,
        )


def revoke_link(*, membership: Membership, link: ShareLink) -> None:
    """Take a link back: it leads nowhere from now on."""
    require(membership, Role.EDITOR)
    with transaction.atomic():
        if ShareLink.objects.filter(pk=link.pk, revoked_at=None).update(revoked_at=timezone.now()):
            subject = _name(link.generation)
            record("share.revoked", workspace=membership.workspace, actor=membership.user, subject=subject)


def _name(generation: Generation) -> str:
    project = generation.project
    return f"take {generation.number} of {project.name}" if project else f"take {generation.number}"


def add_comment(*, membership: Membership, generation: Generation, at_s: float, text: str) -> Comment:
    """A member's remark; everybody who may look may say something."""
    return _add(generation, at_s, text, author=membership.user)


def add_guest_comment(*, link: ShareLink, name: str, at_s: float, text: str) -> Comment:
    """A remark by somebody without an account, under the name they give."""
    if not link.comments_on:
        raise StudioError("share_comments_off", "Comments are off for this link.", "Write to its sender.", status=403)
    name = " ".join(name.replace("\x00", "").split())
    if not name or len(name) > GUEST_NAME_LIMIT:
        raise StudioError(
            "comment_name_missing",
            "A comment needs a name." if not name else f"The name has {len(name)} characters.",
            f"Type yours, {GUEST_NAME_LIMIT} characters at most.",
            field="name",
        )
    return _add(link.generation, at_s, text, link=link, guest_name=name)


def _add(generation: Generation, at_s: float, text: str, **by) -> Comment:
    text = text.replace("\x00", "").strip()
    if not text or len(text) > COMMENT_LIMIT:
        raise StudioError(
            "comment_text_invalid",
            "The comment is empty." if not text else f"The comment has {len(text)} characters.",
            f"Write 1 to {COMMENT_LIMIT} characters.",
            field="text",
        )
    if Comment.objects.filter(generation=generation, deleted_at=None).count() >= COMMENTS_MOST:
        raise StudioError(
            "comments_too_many", f"This take has {COMMENTS_MOST} comments.", "Delete old ones first.", status=409
        )
    length = (generation.result.duration_s or 0.0) if generation.result else 0.0
    # "not at_s >= 0" also catches what is no number
    second = 0.0 if not at_s >= 0 else min(at_s, length)
    return Comment.objects.create(generation=generation, at_s=round(second, 3), text=text, **by)


def delete_comment(*, membership: Membership, comment: Comment) -> None:
    """Take a remark away: one's own, or any for editors and above."""
    if comment.author_id != membership.user.pk:
        require(membership, Role.EDITOR)
    Comment.objects.filter(pk=comment.pk, deleted_at=None).update(deleted_at=timezone.now())


def restore_comment(*, membership: Membership, comment: Comment) -> None:
    """Undo of :func:`delete_comment`."""
    if comment.author_id != membership.user.pk:
        require(membership, Role.EDITOR)
    Comment.objects.filter(pk=comment.pk).update(deleted_at=None)


def count_try(link: ShareLink, address: str, what: str) -> None:
    """Count a password or comment that comes from ``address``; raises ``StudioError`` (429) when it is too many."""
    name = f"share:{what}:{link.pk.hex}:{address}"
    cache.add(name, 0, timeout=HOUR_S)
    if cache.incr(name) > TRIES_AN_HOUR:
        raise StudioError("share_too_many_tries", "That was tried too often.", "Try again in an hour.", status=429)
