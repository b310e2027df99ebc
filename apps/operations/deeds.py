"""What staff do. Each deed and the line about it are written together or not at all."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils import timezone

from apps.accounts.models import User
from apps.billing import invoices, ledger
from apps.billing.models import BillingProfile
from apps.billing.plans import current_plan, open_subscription, subscribe
from apps.generations import signals
from apps.generations.models import Generation, Status
from apps.generations.services import end_without_result, retry_generation
from apps.operations.forms import AmountForm, DeedForm, PaymentForm, PlanForm, VisitForm
from apps.operations.models import StaffAction
from apps.workspaces.access import open_memberships
from apps.workspaces.activity import record
from apps.workspaces.models import Role, Workspace
from studio.errors import StudioError

Facts = dict[str, Any]


@dataclass(frozen=True)
class Deed:
    """A name for addresses and the log, words for the page, the form it asks, what it does.

    ``run`` returns what it changed, for the log, and raises ``StudioError`` where it cannot be done.
    """

    name: str
    label: str
    form: type[DeedForm]
    run: Callable[..., Facts]
    offered: Callable[..., bool]


def do(deed: Deed, *, actor: User, workspace: Workspace, form: DeedForm, take: Generation | None = None) -> Facts:
    """Do it and write it down: in the staff's log, and in the activity that members read."""
    with transaction.atomic():
        if take is not None:  # before the workspace, as a take that ends does: the other order would be a deadlock
            Generation.objects.select_for_update().get(pk=take.pk)
        Workspace.objects.select_for_update().get(pk=workspace.pk)
        facts = deed.run(workspace, form, take)
        StaffAction.objects.create(
            actor=actor,
            action=deed.name,
            workspace=workspace,
            generation=take.pk if take else None,
            reason=form.cleaned_data["reason"],
            detail=facts,
        )
        record("staff.action", workspace=workspace, actor=actor, subject=deed.label)
    return facts


def _credit(workspace: Workspace, form: AmountForm, take: None) -> Facts:
    memo = form.cleaned_data["reason"]
    ledger.credit(workspace=workspace, micros=form.micros(), key=f"credit:{form.cleaned_data['once']}", memo=memo)
    paid = invoices.settle_from_credit(workspace)
    return {"micros": form.micros(), "invoices_paid": [one.number for one in paid]}


def _payment(workspace: Workspace, form: PaymentForm, take: None) -> Facts:
    """The reference is the key: the same transfer noted twice is booked once."""
    invoice, ref = form.cleaned_data["invoice"], form.cleaned_data["reference"].strip()
    cents = invoice.due_cents
    key = f"payment:manual:{invoice.pk}:{ref}"[:120]
    invoices.pay(invoice=invoice, cents=cents, key=key, ref=ref, memo=f"Invoice {invoice.number}: {ref}")
    return {"invoice": invoice.number, "cents": cents, "reference": ref}


def _plan(workspace: Workspace, form: PlanForm, take: None) -> Facts:
    """On the spot and without a fee: what it costs is agreed outside, or renewed where the plan has a month."""
    before = open_subscription(workspace)
    if before is not None and before.provider_ref:
        raise StudioError("generation_conflict", "Stripe renews this plan.", "Change it at Stripe.", status=409)
    plan = current_plan(form.cleaned_data["plan"])
    subscribe(workspace=workspace, plan=plan)
    return {"from": before.plan.code if before else "", "to": plan.code}


def _pause(workspace: Workspace, form: DeedForm, take: None) -> Facts:
    BillingProfile.objects.update_or_create(
        workspace=workspace,
        defaults={"paused_at": timezone.now(), "pause_reason": form.cleaned_data["reason"]},
    )
    return {}


def _resume(workspace: Workspace, form: DeedForm, take: None) -> Facts:
    BillingProfile.objects.filter(workspace=workspace).update(paused_at=None, pause_reason="")
    return {}


def _visit(workspace: Workspace, form: VisitForm, take: None) -> Facts:
    member = form.cleaned_data["member"]
    return {"user": member.pk, "email": member.email}


def _refund(workspace: Workspace, form: AmountForm, take: Generation) -> Facts:
    try:
        ledger.refund(
            workspace=workspace,
            subject=take.pk,
            micros=form.micros(),
            key=f"refund:{form.cleaned_data['once']}",
            memo=f"Refund of take {take.number}: {form.cleaned_data['reason']}",
        )
    except ledger.LedgerError as error:
        raise StudioError("refund_too_large", "The take has cost less than that.", "Choose less.") from error
    invoices.settle_from_credit(workspace)
    return {"micros": form.micros()}


def _cancel(workspace: Workspace, form: DeedForm, take: Generation) -> Facts:
    Generation.objects.filter(pk=take.pk).active().update(cancel_requested_at=timezone.now())
    signals.ask_to_stop(take.pk)
    if not end_without_result(take.pk, Status.CANCELLED):
        raise StudioError("generation_conflict", "The take has ended meanwhile.", "", status=409)
    return {}


def _retry(workspace: Workspace, form: DeedForm, take: Generation) -> Facts:
    """As the workspace's owner, at today's price: all limits hold, and the new take is theirs. A form that is sent
    twice makes one take: the form's mark is its id.
    """
    owner = open_memberships().filter(workspace=workspace, role=Role.OWNER).first()
    if owner is None:
        raise StudioError("generation_conflict", "The workspace is closed, or has no owner.", "", status=409)
    once = form.cleaned_data["once"]
    if not Generation.objects.filter(workspace=workspace, pk=once).exists():
        retry_generation(membership=owner, generation=take, identity=once)
    return {"new": str(once)}


def _runs_again(take: Generation) -> bool:
    """Where its people would see the new take: they pay for it."""
    in_sight = take.project is None or take.project.deleted_at is None
    return take.is_final and take.deleted_at is None and in_sight and take.workspace.closed_at is None


def _paused(workspace: Workspace) -> bool:
    profile = getattr(workspace, "billing", None)
    return profile is not None and profile.paused_at is not None


WORKSPACE_DEEDS = {
    deed.name: deed
    for deed in (
        Deed("credit", "Give credit", AmountForm, _credit, lambda workspace: True),
        Deed("payment", "Note a payment", PaymentForm, _payment, lambda workspace: True),
        Deed("plan", "Change plan", PlanForm, _plan, lambda workspace: True),
        Deed("pause", "Pause new work", DeedForm, _pause, lambda workspace: not _paused(workspace)),
        Deed("resume", "Let new work start", DeedForm, _resume, _paused),
        Deed("visit", "Look as a member", VisitForm, _visit, lambda workspace: True),
    )
}
TAKE_DEEDS = {
    deed.name: deed
    for deed in (
        Deed("refund", "Refund", AmountForm, _refund, lambda take: bool(take.charged_micros)),
        Deed("cancel", "Cancel", DeedForm, _cancel, lambda take: not take.is_final),
        Deed("retry", "Run again", DeedForm, _retry, _runs_again),
    )
}
