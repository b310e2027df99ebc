"""Mails about money, to the owners of a workspace and the address its billing page names."""

from django.conf import settings
from django.core.mail import EmailMessage
from django.template.loader import render_to_string
from django.urls import reverse

from apps.billing.models import Invoice, SpendAlert
from apps.billing.pdf import invoice_pdf
from apps.billing.spending import Spend, profile_of
from apps.workspaces.models import Role, Workspace


def recipients(workspace: Workspace) -> list[str]:
    """Owners, and the billing address where there is one."""
    owners = workspace.memberships.filter(role=Role.OWNER).values_list("user__email", flat=True)
    extra = profile_of(workspace).billing_email
    return sorted({*owners, *([extra] if extra else [])})


def alert(row: SpendAlert, spend: Spend) -> None:
    """That a share of the monthly cap is reached."""
    subject = f"{row.workspace.name}: {row.percent} % of the monthly cap is reached"
    _send(row.workspace, subject, "billing/mail/alert.txt", {"alert": row, "spend": spend})


def invoice(one: Invoice) -> None:
    """A new invoice, with its PDF."""
    message = _message(one.workspace, f"Invoice {one.number}", "billing/mail/invoice.txt", {"invoice": one})
    message.attach(f"{one.number}.pdf", invoice_pdf(one), "application/pdf")
    message.send()


def _send(workspace: Workspace, subject: str, template: str, context: dict) -> None:
    _message(workspace, subject, template, context).send()


def _message(workspace: Workspace, subject: str, template: str, context: dict) -> EmailMessage:
    address = f"{settings.PUBLIC_URL}{reverse('billing:billing', args=[workspace.slug])}"
    body = render_to_string(template, context | {"workspace": workspace, "address": address})
    return EmailMessage(subject=subject, body=body, to=recipients(workspace))
