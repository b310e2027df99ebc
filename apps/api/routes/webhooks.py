"""The webhook of the workspace and the log of its deliveries."""

from typing import Any

from apps.api import answers, bodies, queries, schemas
from apps.api.errors import ApiError
from apps.api.models import Delivery, Scope, Webhook
from apps.api.routing import Answer, Caller, Param, route
from apps.api.webhooks import resend, rotate_secret, send_test, set_address, webhook_of
from apps.workspaces.access import require
from apps.workspaces.models import Role

TAG = "Webhooks"


def webhook_json(webhook: Webhook) -> dict[str, Any]:
    return {
        "url": webhook.url or None,
        "secret": webhook.secret,
        "disabledAt": webhook.disabled_at.isoformat() if webhook.disabled_at else None,
        "previousSecretSignsUntil": webhook.previous_until.isoformat() if webhook.previous_until else None,
    }


def delivery_json(delivery: Delivery) -> dict[str, Any]:
    return {
        "id": str(delivery.pk),
        "event": delivery.event,
        "generationId": str(delivery.subject) if delivery.subject else None,
        "url": delivery.url,
        "body": delivery.body,
        "state": delivery.state,
        "tries": delivery.tries,
        "nextTryAt": delivery.next_try_at.isoformat() if delivery.finished_at is None else None,
        "answerStatus": delivery.answer_status,
        "answer": delivery.answer,
        "createdAt": delivery.created_at.isoformat(),
    }


def _administrator(caller: Caller) -> None:
    require(caller.membership, Role.ADMIN)


@route("GET", "webhook", summary="The workspace's webhook", tag=TAG, scope=Scope.MANAGE, gives=answers.Webhook)
@route(
    "GET",
    "organizations/webhook/secret",
    summary="The workspace's webhook (older address)",
    tag=TAG,
    scope=Scope.MANAGE,
    gives=answers.Webhook,
)
def get(caller: Caller) -> dict[str, Any]:
    """Address and secret; for administrators."""
    _administrator(caller)
    return webhook_json(webhook_of(caller.workspace))


@route(
    "PUT",
    "webhook",
    summary="Set the webhook's address",
    tag=TAG,
    scope=Scope.MANAGE,
    body=schemas.WebhookAddress,
    example={"url": "https://receiver.example/lipsync"},
    gives=answers.Webhook,
    codes=("generation_input_validation_failed",),
)
def put(caller: Caller) -> dict[str, Any]:
    """Every generation of the workspace is told to it when it ends. An empty address ends that."""
    _administrator(caller)
    body = schemas.WebhookAddress.model_validate(bodies.read_json(caller.request))
    return webhook_json(set_address(membership=caller.membership, url=body.url))


@route(
    "POST",
    "webhook/secret",
    summary="Rotate the secret",
    tag=TAG,
    scope=Scope.MANAGE,
    gives=answers.Webhook,
)
def rotate(caller: Caller) -> dict[str, Any]:
    """A new secret; for a day the old one signs beside it."""
    _administrator(caller)
    return webhook_json(rotate_secret(workspace=caller.workspace))


@route(
    "POST",
    "webhook/test",
    summary="Send a test event",
    tag=TAG,
    scope=Scope.MANAGE,
    gives=answers.Delivery,
    status=202,
    codes=("webhook_missing",),
)
def test(caller: Caller) -> Answer:
    """Queued to the workspace's address; look at the delivery for the answer."""
    _administrator(caller)
    delivery = send_test(workspace=caller.workspace)
    if delivery is None:
        raise ApiError("webhook_missing")
    return Answer(delivery_json(delivery), status=202)


@route(
    "GET",
    "webhook/deliveries",
    summary="Deliveries",
    tag=TAG,
    scope=Scope.MANAGE,
    query=(Param("limit", {"type": "integer", "minimum": 1, "maximum": 100}, "how many, default 50"),),
    gives=list[answers.Delivery],
)
def deliveries(caller: Caller) -> list[dict[str, Any]]:
    """The newest, with the last answer of each; `limit` 1 to 100, default 50."""
    _administrator(caller)
    limit = queries.whole(caller.request, "limit", default=50, least=1, most=100)
    return [delivery_json(row) for row in Delivery.objects.filter(workspace=caller.workspace)[:limit]]


@route(
    "POST",
    "webhook/deliveries/{delivery_id}/resend",
    summary="Send a delivery again",
    tag=TAG,
    scope=Scope.MANAGE,
    gives=answers.Delivery,
    status=202,
    codes=("not_found",),
)
def send_again(caller: Caller, delivery_id: str) -> Answer:
    """Whatever came of it before; it gets all its tries anew."""
    _administrator(caller)
    found = queries.uuid_or_none(delivery_id)
    delivery = Delivery.objects.filter(workspace=caller.workspace, pk=found).first() if found else None
    if delivery is None:
        raise ApiError("not_found")
    resend(delivery=delivery)
    delivery.refresh_from_db()
    return Answer(delivery_json(delivery), status=202)
