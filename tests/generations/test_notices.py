"""Mails about takes that have ended: off by default, once, and not to those who look on."""

import smtplib
from unittest.mock import patch

import pytest
from django.core import mail
from django.urls import reverse

from apps.generations import notices, signals
from apps.generations.models import Generation, Status
from apps.generations.services import end_without_result
from studio.errors import StudioError
from tests.factories import GenerationFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def take(workspace, owner, settings) -> Generation:
    settings.PUBLIC_URL = "https://studio.example"
    return GenerationFactory(workspace=workspace, created_by=owner, number=3)


@pytest.fixture
def sent(monkeypatch, django_capture_on_commit_callbacks):
    """Ends a take and gives the mail tasks that were queued by it."""
    queued = []
    monkeypatch.setattr("apps.generations.states.celery_app.send_task", lambda name, args, **_: queued.append(args))
    monkeypatch.setattr("apps.generations.services.dispatch", lambda: None)

    def end(take: Generation, to: Status) -> list:
        with django_capture_on_commit_callbacks(execute=True):
            end_without_result(take.pk, to, StudioError("no_face", "No face was found.", "Use other footage."))
        return queued

    return end


def wants_mail(owner) -> None:
    owner.mail_when_done = True
    owner.save()


def test_nobody_is_mailed_who_did_not_ask(take, sent):
    assert sent(take, Status.FAILED) == []


def test_who_asked_is_told_once_with_the_way_there(take, owner, sent):
    wants_mail(owner)
    assert sent(take, Status.REJECTED) == [[str(take.pk)]]
    assert notices.mail_outcome(take.pk) is True
    assert notices.mail_outcome(take.pk) is False
    (letter,) = mail.outbox
    assert (letter.to, letter.subject) == ([owner.email], "Harbour film, take 3 was refused")
    page = reverse("generations:take", args=["harbour", take.project_id, 3])
    assert f"https://studio.example{page}" in letter.body
    assert "No face was found. Use other footage." in letter.body


def test_a_mail_server_that_was_away_is_asked_again(take, owner, sent):
    wants_mail(owner)
    sent(take, Status.FAILED)
    away = smtplib.SMTPServerDisconnected("try later")
    with patch.object(mail.EmailMessage, "send", side_effect=away), pytest.raises(OSError, match="try later"):
        notices.mail_outcome(take.pk)
    assert notices.mail_outcome(take.pk) is True
    assert len(mail.outbox) == 1


def test_who_looks_on_a_batch_a_cancel_and_who_left_get_none(take, owner, viewer, sent, as_person):
    wants_mail(owner)
    status = reverse("generations:status", args=["harbour", take.project_id, 3])
    as_person(owner).get(status)
    assert not signals.looks_on(take.pk, owner.pk), "a tab behind others is not looked at"
    as_person(owner).get(status, headers={"X-Looking": "1"})
    assert sent(take, Status.FAILED)
    assert notices.mail_outcome(take.pk) is False
    cancelled = GenerationFactory(workspace=take.workspace, created_by=owner)
    of_a_batch = GenerationFactory(workspace=take.workspace, created_by=owner, background=True)
    assert len(sent(cancelled, Status.CANCELLED)) == len(sent(of_a_batch, Status.FAILED)) == 1
    wants_mail(viewer)
    theirs = GenerationFactory(workspace=take.workspace, created_by=viewer)
    assert len(sent(theirs, Status.FAILED)) == 2
    viewer.memberships.all().delete()
    assert notices.mail_outcome(theirs.pk) is False
    assert mail.outbox == []


def test_the_wish_is_kept_from_the_profile(as_person, owner):
    client = as_person(owner)
    for posted, kept in (({"mail": "on"}, True), ({}, False)):
        client.post(reverse("account_notices"), posted)
        owner.refresh_from_db()
        assert owner.mail_when_done is kept
