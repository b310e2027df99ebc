"""The shell around every page: the way in, the theme, the icons, the error pages and the security policy."""

import re

import pytest
from django.core.exceptions import PermissionDenied
from django.template import Context, Template, TemplateSyntaxError
from django.test import Client, RequestFactory, override_settings
from django.urls import path, reverse

from apps.workspaces.models import Membership, Role, Workspace
from apps.workspaces.services import create_workspace
from studio import icons, views
from studio.urls import handler400, handler403, handler404, handler500, urlpatterns
from tests.factories import AssetFactory

__all__ = ["handler400", "handler403", "handler404", "handler500"]

INLINE = re.compile(
    r"<script(?![^>]*\s(?:src=|type=\"application/json\"))|\sstyle=|\son[a-z]+=|javascript:|\shx-on", re.IGNORECASE
)


@pytest.fixture
def client(owner, workspace, as_person) -> Client:
    return as_person(owner)


# --- The way in -----------------------------------------------------------------------------------


def test_home_leads_to_the_workspace_last_visited(client, owner, workspace):
    other = create_workspace(name="Another", owner=owner)
    assert client.get("/")["Location"] == reverse("assets:library", args=[other.slug]), "by name at first"
    assert client.get(reverse("workspace", args=[workspace.slug]))["Location"] == reverse(
        "assets:library", args=[workspace.slug]
    )
    assert client.get("/")["Location"] == reverse("assets:library", args=[workspace.slug])


def test_home_makes_a_first_workspace_and_sends_strangers_to_sign_in(django_user_model, as_person):
    newcomer = django_user_model.objects.create_user("new@studio.example", "x", name="Nina New")
    client = as_person(newcomer)
    client.get("/")
    client.get("/")
    assert Membership.objects.get(user=newcomer).role == Role.OWNER
    assert Client().get("/")["Location"].startswith(reverse("account_login"))


def test_a_workspace_one_has_left_is_not_where_home_leads(client, owner, workspace):
    client.get(reverse("workspace", args=[workspace.slug]))
    Membership.objects.filter(user=owner).delete()
    assert workspace.slug not in client.get("/")["Location"].split("/")


def test_an_outsider_cannot_enter(workspace, outsider, as_person):
    assert as_person(outsider).get(reverse("workspace", args=[workspace.slug])).status_code == 404


def test_a_new_workspace_is_entered_at_once(client, owner):
    answer = client.post(reverse("new_workspace"), {"name": "Winter film"})
    made = Workspace.objects.get(name="Winter film")
    assert answer["Location"] == reverse("workspace", args=[made.slug])
    assert made.memberships.get().user == owner


@pytest.mark.parametrize(("name", "words"), [("  ", "A workspace needs a name."), ("x" * 81, "81 characters")])
def test_a_workspace_name_that_does_not_fit_is_kept_and_explained(client, name, words):
    answer = client.post(reverse("new_workspace"), {"name": name})
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert f'value="{name.strip()}"' in answer.content.decode()


def test_health_answers_anybody(db):
    assert Client().get("/healthz").json() == {"status": "ok"}


# --- Theme ----------------------------------------------------------------------------------------


def test_the_server_draws_the_chosen_theme_from_a_cookie(client, workspace):
    page = reverse("assets:library", args=[workspace.slug])
    assert "data-theme" not in client.get(page).content.decode().split("<head>")[0]
    answer = client.post(reverse("theme"), {"theme": "dark", "next": page})
    assert answer["Location"] == page
    assert '<html lang="en" data-theme="dark">' in client.get(page).content.decode()
    client.post(reverse("theme"), {"theme": "", "next": page})
    assert "data-theme" not in client.get(page).content.decode().split("<head>")[0]


def test_the_theme_form_leads_nowhere_else_and_takes_no_other_value(client, workspace):
    answer = client.post(reverse("theme"), {"theme": '"><script>', "next": "https://elsewhere.example/"})
    assert answer["Location"] == "/"
    assert "theme" not in client.cookies or client.cookies["theme"].value == ""


# --- Icons ----------------------------------------------------------------------------------------


def draw(source: str, **names: str) -> str:
    return Template("{% load icons %}" + source).render(Context(names))


def test_icons_are_hidden_unless_they_carry_a_name():
    assert 'aria-hidden="true"' in draw('{% icon "upload" %}')
    assert 'role="img" aria-label="Open &lt;now&gt;"' in draw('{% icon "check" "" label %}', label="Open <now>")
    assert 'class="i small"' in draw('{% icon "check" "small" %}')


def test_a_misspelt_icon_stops_the_page():
    with pytest.raises(TemplateSyntaxError, match="uplaod"):
        draw('{% icon "uplaod" %}')


def test_the_sprite_holds_every_listed_icon_and_is_kept_for_good(client):
    answer = client.get(reverse("icons", args=[icons.version()]))
    symbols = set(re.findall(r'<symbol id="([a-z0-9-]+)"', answer.content.decode()))
    assert symbols == icons.NAMES
    assert "immutable" in answer["Cache-Control"]
    assert len(answer.content) < 40_000
    assert client.get(reverse("icons", args=["000000000000"])).status_code == 404


# --- Error pages ----------------------------------------------------------------------------------


def broken(request):
    raise RuntimeError("the disk is on fire")


def closed(request):
    raise PermissionDenied("Your role in this workspace is Viewer.")


with_faults = override_settings(ROOT_URLCONF=__name__)
urlpatterns = [path("broken/", broken), path("closed/", closed), *urlpatterns]


@with_faults
@pytest.mark.parametrize(
    ("address", "status", "words"),
    [
        ("/broken/", 500, "The server made a mistake"),
        ("/closed/", 403, "Your role in this workspace is Viewer."),
        ("/nowhere/", 404, "There is nothing at this address"),
    ],
)
def test_error_pages_say_what_is_safe_and_give_a_number_to_quote(db, address, status, words):
    client = Client(raise_request_exception=False)
    answer = client.get(address)
    html = answer.content.decode()
    assert answer.status_code == status
    assert words in html
    assert answer["X-Request-Id"] in html
    assert "disk is on fire" not in html


def test_a_request_that_cannot_be_read_has_its_page_too():
    request = RequestFactory().get("/")
    answer = views.bad_request(request, ValueError("damaged"))
    assert answer.status_code == 400
    assert "could not be read" in answer.content.decode()


def test_an_old_form_is_told_so(db):
    client = Client(enforce_csrf_checks=True)
    answer = client.post(reverse("theme"), {"theme": "dark"})
    assert answer.status_code == 403
    assert "This page was open for too long" in answer.content.decode()


# --- Every page -----------------------------------------------------------------------------------


def test_no_page_holds_what_the_security_policy_refuses(client, workspace):
    asset = AssetFactory(workspace=workspace, video=True)
    library = reverse("assets:library", args=[workspace.slug])
    detail = reverse("assets:detail", args=[workspace.slug, asset.pk])
    inside = [library, f"{library}?kind=image", detail, reverse("new_workspace"), reverse("account_email")]
    outside = [reverse(f"account_{name}") for name in ("login", "signup", "reset_password", "reset_password_done")]
    for reader, pages in ((client, inside), (Client(), [*outside, "/nowhere/"])):
        for page in pages:
            answer = reader.get(page)
            html = answer.content.decode()
            assert not INLINE.search(html), f"{page}: {INLINE.search(html)}"
            assert html.count("<h1") == 1, page
            policy = answer["Content-Security-Policy"]
            assert "unsafe" not in policy
            assert "script-src 'self'" in policy


def test_sign_up_leads_into_a_library_of_ones_own(db):
    client = Client()
    form = {"name": "Nina New", "email": "Nina@Studio.example", "password1": "harbour-at-dawn-9"}
    page = client.post(reverse("account_signup"), form, follow=True)
    assert page.redirect_chain[-1][0] == "/w/nina-new/library/"
    assert "Successfully" not in page.content.decode()


def test_signing_in_says_so_where_redis_is_away(owner, settings):
    settings.CACHES = {
        "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "redis://127.0.0.1:1"}
    }
    answer = Client().post("/account/login/", {"login": owner.email, "password": "wrong"})
    assert (answer.status_code, answer["Retry-After"]) == (503, "60")
    page = answer.content.decode()
    assert "does not answer" in page and answer["X-Request-Id"] in page


def test_a_wrong_password_keeps_the_address_and_says_so(owner):
    answer = Client().post(reverse("account_login"), {"login": owner.email, "password": "wrong"})
    html = answer.content.decode()
    assert "E-mail and password do not match." in html
    assert f'value="{owner.email}"' in html


def test_the_switcher_lists_the_persons_workspaces_and_no_others(client, owner, workspace, outsider):
    create_workspace(name="Another film", owner=owner)
    html = client.get(reverse("assets:library", args=[workspace.slug])).content.decode()
    assert "Another film" in html
    assert "Elsewhere" not in html


# --- Accounts -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("backend", "mails"), [("filebased", 0), ("locmem", 1)])
def test_a_link_to_confirm_goes_out_only_where_mail_arrives(db, settings, mailoutbox, tmp_path, backend, mails):
    settings.EMAIL_BACKEND = f"django.core.mail.backends.{backend}.EmailBackend"
    settings.EMAIL_FILE_PATH = tmp_path
    address = f"nina.{backend}@studio.example"  # one mail per address and three minutes is the rate limit
    form = {"name": "Nina New", "email": address, "password1": "harbour-at-dawn-9"}
    page = Client().post(reverse("account_signup"), form, follow=True).content.decode()
    assert len(mailoutbox) == mails
    assert list(tmp_path.iterdir()) == []
    assert (f"A link to confirm {address} is on its way." in page) == bool(mails)


def test_a_lost_password_is_replaced_by_a_link_that_works_once(owner, mailoutbox):
    client = Client()
    client.post(reverse("account_reset_password"), {"email": owner.email})
    body = mailoutbox[0].body
    assert "asked for a new password" in body
    assert "Hello from" not in body
    link = re.search(r"http://testserver(/\S+)", body)[1]
    form = client.get(link, follow=True)
    assert "Choose a new password" in form.content.decode()
    new = "another-harbour-10"
    done = client.post(form.redirect_chain[-1][0], {"password1": new, "password2": new}, follow=True)
    assert "Your password is changed" in done.content.decode()
    owner.refresh_from_db()
    assert owner.check_password(new)
    assert "This link is used up" in Client().get(link, follow=True).content.decode()


def test_an_unknown_address_is_not_given_away_on_the_page(db, mailoutbox):
    answer = Client().post(reverse("account_reset_password"), {"email": "nobody@studio.example"})
    assert answer["Location"] == reverse("account_reset_password_done")
    assert "There is no account with this address" in mailoutbox[0].body
