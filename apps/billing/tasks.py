"""Work of the billing room in the background."""

from uuid import UUID

from celery import shared_task

from apps.billing import invoices, mails, spending, subscriptions
from apps.billing.models import Invoice, InvoiceStatus
from apps.billing.payments import provider
from apps.billing.plans import plan_of
from apps.workspaces.models import Workspace
from studio.errors import StudioError


@shared_task(name="billing.after_usage")
def after_usage(workspace_id: str) -> None:
    """After a hold or a capture: alerts on the way to the cap, and an invoice where the plan's threshold is reached."""
    workspace = Workspace.objects.get(pk=UUID(workspace_id))
    new = spending.note_alerts(workspace)
    if new:
        mails.alert(new[-1], spending.spend_of(workspace))
    if invoices.is_due(workspace, plan_of(workspace).auto_invoice_cents):
        invoices.issue(workspace=workspace)


@shared_task(name="billing.invoice_issued", bind=True, max_retries=5)
def invoice_issued(self, invoice_id: str) -> None:
    """Collect the payment where one was saved, and send the invoice by mail. A refused card is noted at the invoice."""
    invoice = Invoice.objects.select_related("workspace").get(pk=UUID(invoice_id))
    if invoice.status == InvoiceStatus.OPEN:
        try:
            provider().collect(invoice)
        except StudioError as error:
            if error.code != "payment_refused":
                raise self.retry(exc=error, countdown=60 * 2**self.request.retries) from error
            invoices.note_failure(invoice, error.message)
    invoice.refresh_from_db()
    mails.invoice(invoice)


@shared_task(name="billing.daily")
def daily() -> None:
    """Renew plans, and invoice usage of earlier months and whatever reached its threshold unseen. Runs each hour."""
    subscriptions.renew_due()
    for workspace_id in invoices.workspaces_with_usage_of_last_month():
        invoices.issue(workspace=Workspace.objects.get(pk=workspace_id))
    for workspace_id in invoices.open_entries().values_list("workspace", flat=True).distinct():
        after_usage(str(workspace_id))


@shared_task(name="billing.catch_up")
def catch_up() -> int:
    """Ask the provider of payments for messages that did not arrive. Runs each hour; a refusal waits for the next."""
    return provider().catch_up()
