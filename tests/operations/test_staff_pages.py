"""The staff's pages: who may open them, what they tell, and what they do."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from unittest.mock import patch
from uuid import uuid4

import pytest
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from apps.accounts.models import User
from apps.api.catalogue import ENTRIES
from apps.billing import invoices, ledger
from apps.billing.models import BillingProfile, Invoice
from apps.billing.plans import load_plans, plan_of
from apps.generations import signals
from apps.generations.models import Event, Generation, Status
from apps.generations.services import begin, complete, end_without_result
from apps.operations import deeds, visiting
from apps.operations.forms import DeedForm
from apps.operations.models import StaffAction
from apps.projects.models import Project
from apps.workspaces.models import Activity, Workspace
from apps.workspaces.services import create_workspace
from studio.errors import StudioError
from tests.factories import AssetFactory, GenerationFactory

pytestmark = pytest.mark.django_db
NO_FACE = ENTRIES["generation_input_video_no_face"].message.removesuffix(".")


@pytest.fixture(autouse=True)
def billing_on(settings, db):
    settings.BILLING = True
    load_plans()


@pytest.fixture
def staff(db) -> User:
    return User.objects.create_user("sten@studio.example", "open-the-studio-1", name="Sten Aff", is_staff=True)


@pytest.fixture
def client(as_person, staff):
    return as_person(staff)


@pytest.fixture
def take(workspace) -> Generation:
    """Finished, and charged half a dollar."""
    take = GenerationFactory(workspace=workspace, quoted_micros=500_000, price_micros_per_frame=2000)
    begin(take.pk)
    complete(generation_id=take.pk, result=AssetFactory(workspace=workspace), lipsynced_s=10.0, report={})
    take.refresh_from_db()
    return take


def do(client, place: Workspace | Generation, deed: str, **fields):
    address = (
        reverse("staff:workspace_deed", args=[place.slug, deed])
        if isinstance(place, Workspace)
        else reverse("staff:take_deed", args=[place.pk, deed])
    )
    return client.post(address, {"reason": "They asked for it.", "once": str(uuid4())} | fields)


def test_nobody_else_learns_that_the_pages_exist(as_person, owner, workspace, take):
    pages = [reverse("staff:dashboard"), reverse("staff:workspace", args=["harbour"])]
    for address in [*pages, reverse("staff:take", args=[take.pk]), reverse("staff:search")]:
        assert as_person(owner).get(address).status_code == 404


def test_the_dashboard_tells_money_takes_and_trouble(client, workspace, take):
    failed = GenerationFactory(workspace=workspace)
    Generation.objects.filter(pk=failed.pk).update(error_code="generation_input_video_no_face")
    end_without_result(failed.pk, Status.FAILED)
    late = invoices.issue(workspace=workspace)
    invoices.note_failure(late, "declined")
    page = client.get(reverse("staff:dashboard")).content.decode()
    for words in ("$0.50", "50.0 %", "1 of 2, none charged", NO_FACE, "LS-000001", "Harbour films", "lipsync-2"):
        assert words in page, words


def test_an_empty_studio_has_a_dashboard_too(client):
    page = client.get(reverse("staff:dashboard")).content.decode()
    assert "Nothing finished in this month." in page
    assert "Nobody is late" in page


def test_the_queries_of_the_dashboard_do_not_grow(client, staff, workspace, take, django_assert_max_num_queries):
    for number in range(3):
        other = Workspace.objects.create(slug=f"more-{number}", name="More")
        one = GenerationFactory(workspace=other, quoted_micros=500_000, price_micros_per_frame=2000)
        begin(one.pk)
        complete(generation_id=one.pk, result=AssetFactory(workspace=other), lipsynced_s=10.0, report={})
        invoices.note_failure(invoices.issue(workspace=other), "declined")
    own = create_workspace(name="Office", owner=staff)
    client.get(reverse("assets:library", args=[own.slug]))  # the one last visited, which the frame of each page shows
    for name, args in (("dashboard", []), ("workspace", ["harbour"]), ("take", [take.pk])):
        with django_assert_max_num_queries(19):
            assert client.get(reverse(f"staff:{name}", args=args)).status_code == 200


@pytest.mark.parametrize("text", ["Harbour", "ada@studio", "HARBOUR"])
def test_search_finds_a_workspace_by_name_and_by_member(client, workspace, text):
    assert client.get(reverse("staff:search"), {"q": text}).url == reverse("staff:workspace", args=["harbour"])


def test_search_finds_a_take_by_its_id(client, take):
    assert client.get(reverse("staff:search"), {"q": str(take.pk)}).url == reverse("staff:take", args=[take.pk])
    assert "Nothing has this name" in client.get(reverse("staff:search"), {"q": str(uuid4())}).content.decode()


@pytest.mark.parametrize("written", [lambda id: id.hex, lambda id: str(id).upper(), lambda id: id.urn])
def test_search_finds_a_take_however_its_id_is_written(client, take, written):
    found = client.get(reverse("staff:search"), {"q": written(take.pk)})
    assert found.url == reverse("staff:take", args=[take.pk])


def test_a_credit_is_given_once_written_down_twice_and_pays_open_invoices(client, staff, workspace, take):
    invoice = invoices.issue(workspace=workspace)
    once = str(uuid4())
    for _ in range(2):
        do(client, workspace, "credit", amount="0.75", once=once)
    assert ledger.balance(workspace) == 250_000
    invoice.refresh_from_db()
    assert invoice.status == "paid"
    action = StaffAction.objects.last()
    assert (action.actor, action.action, action.reason) == (staff, "credit", "They asked for it.")
    assert action.detail == {"micros": 750_000, "invoices_paid": ["LS-000001"]}
    assert Activity.objects.filter(workspace=workspace, action="staff.action", subject="Give credit").count() == 2


def test_without_a_reason_nothing_happens(client, workspace):
    answer = do(client, workspace, "credit", amount="5", reason="")
    assert answer.status_code == 422
    assert "This field is required" in answer.content.decode()
    assert (ledger.balance(workspace), StaffAction.objects.count()) == (0, 0)


def test_a_payment_is_noted_for_one_of_the_workspaces_own_invoices(client, workspace, take):
    invoice = invoices.issue(workspace=workspace)
    other = Workspace.objects.create(slug="other", name="Other")
    assert do(client, other, "payment", invoice=str(invoice.pk), reference="IBAN 7").status_code == 422
    assert do(client, workspace, "payment", invoice=str(invoice.pk), reference="IBAN 7").status_code == 302
    assert (Invoice.objects.get().status, invoices.settled(workspace)) == ("paid", 0)


def test_a_plan_is_changed_and_a_pause_stops_and_resumes(client, workspace):
    do(client, workspace, "plan", plan="enterprise")
    assert plan_of(workspace).code == "enterprise"
    do(client, workspace, "pause", reason="Chargeback.")
    assert BillingProfile.objects.get(workspace=workspace).pause_reason == "Chargeback."
    page = client.get(reverse("staff:workspace", args=["harbour"])).content.decode()
    assert "Let new work start" in page
    do(client, workspace, "resume")
    assert BillingProfile.objects.get(workspace=workspace).paused_at is None


def test_a_refund_is_never_more_than_the_take_cost(client, workspace, take):
    assert do(client, take, "refund", amount="0.30").status_code == 302
    too_much = do(client, take, "refund", amount="0.30")
    assert too_much.status_code == 422
    assert "has cost less than that" in too_much.content.decode()
    assert ledger.earned_by(take.pk) == 200_000
    assert StaffAction.objects.filter(action="refund").count() == 1


def test_a_running_take_is_cancelled_and_run_again_for_its_owner(client, workspace, owner, settings):
    settings.BILLING = False
    take = GenerationFactory(workspace=workspace)
    assert do(client, take, "refund", amount="1").status_code == 404
    do(client, take, "cancel")
    take.refresh_from_db()
    assert take.status == Status.CANCELLED
    do(client, take, "retry")
    again = Generation.objects.exclude(pk=take.pk).get()
    assert (again.created_by, again.status) == (owner, Status.PENDING)
    assert StaffAction.objects.get(action="retry").detail == {"new": str(again.pk)}


def test_a_form_sent_twice_runs_a_take_again_once(client, workspace, settings):
    settings.BILLING = False
    take = GenerationFactory(workspace=workspace, status=Status.FAILED)
    once = str(uuid4())
    first, second = (do(client, take, "retry", once=once) for _ in range(2))
    assert first.url == second.url == reverse("staff:take", args=[once])
    assert Generation.objects.count() == 2


@pytest.mark.parametrize("gone", ["project", "take", "workspace"])
def test_nothing_is_run_again_where_its_people_would_not_see_it(client, workspace, settings, gone):
    settings.BILLING = False
    take = GenerationFactory(workspace=workspace, status=Status.FAILED)
    now = timezone.now()
    if gone == "workspace":
        Workspace.objects.filter(pk=workspace.pk).update(closed_at=now)
    elif gone == "project":
        Project.objects.filter(pk=take.project_id).update(deleted_at=now)
    else:
        Generation.objects.filter(pk=take.pk).update(deleted_at=now)
    assert do(client, take, "retry").status_code == 404
    assert Generation.objects.count() == 1


@pytest.mark.database
@pytest.mark.django_db(transaction=True)
def test_a_take_that_finishes_while_staff_cancel_it_is_finished(staff, workspace):
    """Both want the row of the take and that of the workspace: in one order, or PostgreSQL ends one of them."""
    take = GenerationFactory(workspace=workspace, quoted_micros=500_000, price_micros_per_frame=2000)
    begin(take.pk)
    result, finishing, capture = AssetFactory(workspace=workspace), threading.Event(), ledger.capture

    def slowly(**what):
        finishing.set()
        time.sleep(0.5)
        return capture(**what)

    def finish() -> bool:
        try:
            return complete(generation_id=take.pk, result=result, lipsynced_s=10.0, report={})
        finally:
            connection.close()

    with patch.object(ledger, "capture", slowly), ThreadPoolExecutor(1) as pool:
        finished = pool.submit(finish)
        finishing.wait(10)
        form = DeedForm({"reason": "Stuck.", "once": str(uuid4())}, workspace=workspace)
        assert form.is_valid()
        with pytest.raises(StudioError, match="has ended meanwhile"):
            deeds.do(deeds.TAKE_DEEDS["cancel"], actor=staff, workspace=workspace, form=form, take=take)
        assert finished.result()
    assert ledger.earned_by(take.pk) == 500_000


def test_the_whole_story_of_a_take(client, take):
    page = client.get(reverse("staff:take", args=[take.pk])).content.decode()
    for words in ("Finished", "Capture", "revenue $0.50", take.video.name, take.audio.name, str(take.pk)):
        assert words in page, words


def test_codes_are_told_in_words(client, take, workspace):
    Generation.objects.filter(pk=take.pk).update(
        sync_mode="cut_off",
        options={
            "reasoning_enabled": True,
            "active_speaker_detection": {"kind": "person", "id": 2},
            "temperature": 0.5,
        },
        report={"timings_s": {"read": 3.0, "assemble": 1.0}},
    )
    happened = [
        ("stage", {"stage": "lipsync", "worker": "render@one"}),
        ("pieces", {"count": 5, "kept": 4, "frames": 250, "frames_kept": 200}),
        (Status.FAILED, {"code": "generation_input_video_no_face"}),
    ]
    for what, detail in happened:
        Event.objects.create(generation=take, what=what, detail=detail)
    page = client.get(reverse("staff:take", args=[take.pk])).content.decode()
    told = ["Cut off", "Second look", "Person 2", "worker: render@one", "Drawn in 5 pieces", NO_FACE]
    told += ["4 of them are there from earlier", "Reading footage and following faces", "Sound and file"]
    for words in told:
        assert words in page, words
    for code in ("cut_off", "reasoning_enabled", "active_speaker", "frames_kept", "generation_input", "assemble"):
        assert code not in page, code


def test_the_log_names_deeds_as_their_buttons_do(client, workspace):
    do(client, workspace, "pause")
    page = client.get(reverse("staff:workspace", args=["harbour"])).content.decode()
    assert '<span class="strong">Pause new work</span>' in page


def test_a_visit_sees_what_the_member_sees_and_changes_nothing(client, owner, workspace, take):
    begun = do(client, workspace, "visit", member=str(owner.pk))
    assert begun.url == reverse("assets:library", args=["harbour"])
    page = client.get(begun.url).content.decode()
    assert "You look as ada@studio.example" in page
    refused = client.post(reverse("projects:new", args=["harbour"]), {"name": "Mine"})
    assert refused.status_code == 403
    assert "Nothing can be changed" in refused.content.decode()
    for closed in ("/staff/", "/admin/", "/account/email/", "/w/harbour/keys/"):
        assert client.get(closed).status_code == 403
    client.post(visiting.LEAVE_PATH)
    assert client.get(reverse("staff:dashboard")).status_code == 200
    assert StaffAction.objects.get(action="visit").detail["email"] == "ada@studio.example"


def test_a_visit_shows_the_workspace_that_reads_of_it_and_no_other(client, owner, workspace):
    other = create_workspace(name="Of others", owner=owner, slug="of-others")
    do(client, workspace, "visit", member=str(owner.pk))
    assert client.get(reverse("assets:library", args=[workspace.slug])).status_code == 200
    for name in ("workspace", "assets:library", "projects:list", "people:members"):
        assert client.get(reverse(name, args=[other.slug])).status_code == 403, name
    client.post(visiting.LEAVE_PATH)
    do(client, other, "visit", member=str(owner.pk))
    assert client.get(reverse("assets:library", args=[other.slug])).status_code == 200
    assert other.activity.filter(action="staff.action").exists()


def test_a_visit_is_not_taken_for_the_member_looking_on(client, owner, workspace):
    """Or the member would get no mail when the take ends."""
    running = GenerationFactory(workspace=workspace, created_by=owner)
    status = reverse("generations:status", args=["harbour", running.project_id, running.number])
    do(client, workspace, "visit", member=str(owner.pk))
    assert client.get(status, headers={"X-Looking": "1"}).status_code == 200
    assert not signals.looks_on(running.pk, owner.pk)


def test_the_tables_bear_the_studios_name_and_mark_and_lead_back(client):
    page = client.get("/admin/").content.decode()
    assert "<title>" in page and "Django" not in page
    assert page.count("Lipsync Studio") >= 2
    assert 'href="/static/favicon.svg"' in page
    assert 'href="/staff/"' in page


def test_a_visit_ends_by_itself_and_never_shows_staff(client, staff, owner, workspace, monkeypatch):
    other = User.objects.create_user("boss@studio.example", "open-the-studio-1", is_staff=True)
    workspace.memberships.create(user=other, role="admin")
    assert do(client, workspace, "visit", member=str(other.pk)).status_code == 422
    monkeypatch.setattr(visiting, "LASTS", timedelta(seconds=-1))
    do(client, workspace, "visit", member=str(owner.pk))
    assert client.get(reverse("staff:dashboard")).status_code == 200
