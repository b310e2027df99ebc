"""Links by which others look at a result without an account, made and taken back by programs."""

from typing import Any

from django.urls import reverse
from django.utils import timezone

from apps.api import answers, bodies, queries, schemas
from apps.api.errors import ApiError
from apps.api.links import base_of
from apps.api.looking import found
from apps.api.models import Call, Scope
from apps.api.routing import Caller, route
from apps.generations.models import Generation
from apps.reviews.access import token_of
from apps.reviews.models import ShareLink
from apps.reviews.services import make_link, revoke_link

TAG = "Generations"
CODES = ("generation_not_found", "invalid_generation_id")


@route(
    "POST",
    "generations/{generation_id}/share-links",
    summary="Share a result",
    tag=TAG,
    scope=Scope.GENERATE,
    body=schemas.NewShareLink,
    example={"lives": "week", "downloads": True},
    gives=answers.ShareLink,
    status=201,
    codes=(*CODES, "share_without_result", "share_links_too_many", "share_password_short"),
)
def share(caller: Caller, generation_id: str) -> dict[str, Any]:
    """A page that shows the result to whoever has its address: for a day, a week, a month, or until it is taken back.
    With a `password` of six characters or more it asks for that first.
    """
    body = schemas.NewShareLink.model_validate(bodies.read_json(caller.request))
    made = make_link(
        membership=caller.membership,
        generation=_finished(caller, generation_id),
        lives=body.lives,
        password=body.password or "",
        with_original=body.original,
        comments_on=body.comments,
        downloads_on=body.downloads,
    )
    return _link_json(made, caller)


@route(
    "GET",
    "generations/{generation_id}/share-links",
    summary="List the links of a result",
    tag=TAG,
    scope=Scope.GENERATE,
    gives=list[answers.ShareLink],
    codes=CODES,
)
def share_links(caller: Caller, generation_id: str) -> list[dict[str, Any]]:
    """Those that are open, newest first. Who has an address can look, so reading it takes the scope generate."""
    links = _finished(caller, generation_id).share_links.order_by("-created_at")
    now = timezone.now()
    return [_link_json(link, caller) for link in links if link.is_open(now)]


@route(
    "DELETE",
    "generations/{generation_id}/share-links/{link_id}",
    summary="Take a link back",
    tag=TAG,
    scope=Scope.GENERATE,
    gives=answers.Deleted,
    codes=(*CODES, "share_link_not_found"),
)
def unshare(caller: Caller, generation_id: str, link_id: str) -> dict[str, Any]:
    """It leads nowhere from now on; a second time changes nothing."""
    generation, row_id = _finished(caller, generation_id), queries.uuid_or_none(link_id)
    link = generation.share_links.filter(pk=row_id).first() if row_id else None
    if link is None:
        raise ApiError("share_link_not_found")
    revoke_link(membership=caller.membership, link=link)
    return {"id": str(link.pk)}


def _finished(caller: Caller, generation_id: str) -> Generation:
    row = found(caller, generation_id)
    if isinstance(row, Call):
        raise ApiError("share_without_result")
    return row


def _link_json(link: ShareLink, caller: Caller) -> dict[str, Any]:
    return {
        "id": str(link.pk),
        "url": base_of(caller.request) + reverse("share:page", args=[token_of(link)]),
        "createdAt": link.created_at.isoformat(),
        "expiresAt": link.expires_at.isoformat() if link.expires_at else None,
        "password": bool(link.password),
        "original": link.with_original,
        "comments": link.comments_on,
        "downloads": link.downloads_on,
    }
