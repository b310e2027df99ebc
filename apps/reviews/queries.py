"""What pages show of comments and links."""

from dataclasses import dataclass

from django.utils import timezone

from apps.generations.models import Generation
from apps.reviews.access import token_of
from apps.reviews.models import Comment, ShareLink


@dataclass(frozen=True)
class Shown:
    """One open link with its address, below the studio's own."""

    link: ShareLink
    token: str


def comments_of(generation: Generation) -> list[Comment]:
    """Remarks in the order of the film."""
    return list(Comment.objects.filter(generation=generation, deleted_at=None).select_related("author"))


def open_links(generation: Generation) -> list[Shown]:
    """Links that still lead somewhere, newest first."""
    now = timezone.now()
    links = ShareLink.objects.filter(generation=generation, revoked_at=None).order_by("-created_at")
    return [Shown(link, token_of(link)) for link in links.select_related("created_by") if link.is_open(now)]
