"""Mail to whoever started a take, when it has ended: for those who asked for it and are not looking."""

from uuid import UUID

from django.conf import settings
from django.core.mail import EmailMessage
from django.template.loader import render_to_string
from django.urls import reverse

from apps.generations import signals
from apps.generations.models import Generation, Status
from apps.workspaces.models import Membership

# A cancelled take was ended by a person, who knows.
OUTCOMES = {Status.COMPLETED: "is finished", Status.FAILED: "failed", Status.REJECTED: "was refused"}
ONCE_S = 7 * 24 * 3600


def worth_a_mail(take: Generation, to: Status) -> bool:
    """Whether the end of this take is told by mail. Those of a batch are not: it has a page for all of them."""
    wanted = take.created_by is not None and take.created_by.mail_when_done
    return wanted and not take.background and to in OUTCOMES


def mail_outcome(generation_id: UUID) -> bool:
    """Send the mail, once; False where there is nobody to tell, or they have just seen it for themselves."""
    related = ("project", "workspace", "created_by")
    take = Generation.objects.select_related(*related).get(pk=generation_id)
    person = take.created_by
    if person is None or not worth_a_mail(take, Status(take.status)) or signals.looks_on(take.pk, person.pk):
        return False
    member = Membership.objects.filter(user=person, workspace=take.workspace, workspace__closed_at=None)
    if not member.exists() or not signals.first_in(take.pk, "mailed", ONCE_S):
        return False
    name = f"{take.project.name}, take {take.number}" if take.project else f"Take {take.number}"
    words = f"{name} {OUTCOMES[Status(take.status)]}"
    context = {"take": take, "words": words, "address": settings.PUBLIC_URL + _page(take)}
    body = render_to_string("generations/mail/outcome.txt", context)
    try:
        EmailMessage(subject=" ".join(words.split()), body=body, to=[person.email]).send()
    except OSError:  # the mail server is away: the task asks it again
        signals.forget_first(take.pk, "mailed")
        raise
    return True


def _page(take: Generation) -> str:
    """Where the take is to be seen; one without a project has only its result in the library."""
    slug = take.workspace.slug
    if take.project_id:
        return reverse("generations:take", args=[slug, take.project_id, take.number])
    return (
        reverse("assets:detail", args=[slug, take.result_id]) if take.result_id else reverse("workspace", args=[slug])
    )
