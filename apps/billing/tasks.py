"""Work of the billing room in the background."""

import logging
from datetime import timedelta
from uuid import UUID

from celery import shared_task
from django.db import transaction
from django.utils import timezone

from apps.billing import invoices, mails, spending, subscriptions
from apps.billing.later import later
from apps.billing.models import Invoice, InvoiceStatus, Subscription
from apps.billing.payments import provider
from apps.billing.plans import FREE, current_plan, plan_of
from apps.workspaces.models import Workspace
from studio.errors import StudioError

log = logging.getLogger(__name__)

# The tries to collect an invoice end after 31 min; one that is older and was not told has lost its message.
TOLD_WITHIN = timedelta(hours=1)


@shared_task(name="billing.after_usage")
def after_usage(workspace_id: str) -> None:
    """After a hold or a capture: alerts on the way to the cap, and an invoice where the plan's threshold is reached."""
    workspace = Workspace.objects.get(pk=UUID(workspace_id))
    with transaction.atomic():  # an alert whose mail did not go out is told by the next run
        new = spending.note_alerts(workspace)
        if new:
            mails.alert(new[-1], spending.spend_of(workspace))
    if invoices.is_due(workspace, plan_of(workspace).auto_invoice_cents):
        invoices.issue(workspace=workspace)


@shared_task(name="billing.invoice_issued", bind=True, max_retries=5)
def invoice_issued(self, invoice_id: str) -> None:
    """Collect the payment where one was saved, and send the invoice by mail. A refused card is noted at the invoice.

    Where the provider stays silent the mail goes out all the same, or nobody would know what is to be paid by when.
    """
    invoice = Invoice.objects.select_related("workspace").get(pk=UUID(invoice_id))
    if invoice.told_at is not None:
        return
    if invoice.status == InvoiceStatus.OPEN:
        try:
            provider().collect(invoice)
        except StudioError as error:
            if error.code == "payment_refused":
                invoices.note_failure(invoice, error.message)
            elif self.request.retries < self.max_retries:
                raise self.retry(exc=error, countdown=60 * 2**self.request.retries) from error
    invoice.refresh_from_db()
    mails.invoice(invoice)
    Invoice.objects.filter(pk=invoice.pk).update(told_at=timezone.now())


@shared_task(name="billing.daily")
def daily() -> None:
    """Renew plans, and invoice usage of earlier months and whatever reached its threshold unseen. Runs each hour.

    Invoices that nobody was told of are told: their message was lost with Redis, or the mail server was away.
    """
    subscriptions.renew_due()
    _end_plans_of_closed()
    for workspace_id in invoices.workspaces_with_usage_of_last_month():
        invoices.issue(workspace=Workspace.objects.get(pk=workspace_id))
    untold = Invoice.objects.filter(told_at=None, issued_at__lt=timezone.now() - TOLD_WITHIN)
    for invoice_id in untold.values_list("pk", flat=True):
        later("billing.invoice_issued", str(invoice_id))
    for workspace_id in invoices.open_entries().values_list("workspace", flat=True).distinct():
        try:
            after_usage(str(workspace_id))
        except OSError as error:  # the mail server is away: the others are not kept waiting
            log.warning("an alert of workspace %s waits for the next hour: %s", workspace_id, error)


def _end_plans_of_closed() -> None:
    """Have a provider renew no plan of a closed workspace; asked each hour until it has heard it."""
    renewed = Subscription.objects.filter(ended_at=None, workspace__closed_at__isnull=False).exclude(provider_ref="")
    for one in renewed.exclude(next_plan__monthly_cents=0).select_related("workspace"):
        try:
            provider().change_plan(one.workspace, current_plan(FREE), 0, "")
        except StudioError as error:
            log.warning("the plan of %s, which is closed, goes on: %s", one.workspace.slug, error)


@shared_task(name="billing.catch_up")
def catch_up() -> int:
    """Ask the provider of payments for messages that did not arrive. Runs each hour; a refusal waits for the next."""
    return provider().catch_up()
