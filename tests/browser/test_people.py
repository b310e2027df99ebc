"""Teams and accounts in a real browser: invite and join, a role at once, the second factor, leaving, handing over."""

import re
import time

import pytest
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from axe_playwright_python.sync_playwright import Axe
from django.core.cache import cache
from playwright.sync_api import Browser, Page, expect

from apps.accounts.models import User
from apps.workspaces.models import Membership, Role, Workspace
from tests.conftest import PASSWORD

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def fresh_limits(settings, live_server):
    cache.clear()
    settings.PUBLIC_URL = live_server.url
    settings.EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"  # links are shown to be handed on


def fits(page: Page) -> bool:
    """Whether nothing is wider than the window."""
    return page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def test_invite_join_change_the_role_and_leave(signed_in, live_server, workspace, browser: Browser):
    page = signed_in
    page.goto(f"{live_server.url}/w/harbour/members/")
    page.get_by_label("E-mail").fill("nora@studio.example")
    page.locator("#invite-role").select_option("editor")
    page.get_by_role("button", name="Invite", exact=True).click()
    expect(page.get_by_text("Invited nora@studio.example.")).to_be_visible()
    page.get_by_text("Show the link").click()
    link = page.get_by_label("Link for nora@studio.example").input_value()

    context = browser.new_context(viewport={"width": 375, "height": 812})
    nora = context.new_page()
    nora.goto(link)
    assert fits(nora)
    nora.get_by_role("link", name="Create an account").click()
    nora.get_by_label("Your name").fill("Nora Quist")
    nora.get_by_label("E-mail").fill("nora@studio.example")
    nora.get_by_label("Password").fill(PASSWORD)
    nora.get_by_role("button", name="Create account").click()
    nora.get_by_role("button", name="Join").click()
    nora.wait_for_url("**/w/harbour/library/")
    nora.goto(f"{live_server.url}/w/harbour/projects/")
    expect(nora.get_by_role("button", name="New project")).to_be_visible()

    page.reload()
    page.get_by_label("Role of Nora Quist", exact=True).select_option("viewer")
    page.get_by_role("button", name="Change the role of Nora Quist").click()
    expect(page.get_by_text("Nora Quist is now viewer.")).to_be_visible()
    nora.get_by_role("button", name="New project").click()  # the page is older than the role
    expect(nora.get_by_text("Your role in this workspace is Viewer")).to_be_visible()

    nora.goto(f"{live_server.url}/w/harbour/members/")
    assert fits(nora)
    nora.get_by_role("button", name="Leave Harbour films").click()
    nora.wait_for_url(re.compile(r"/w/(?!harbour)"))
    assert nora.goto(f"{live_server.url}/w/harbour/members/").status == 404
    context.close()


def test_hand_over_the_workspace(signed_in, live_server, workspace, teammate, owner):
    page = signed_in
    page.goto(f"{live_server.url}/w/harbour/members/")
    page.get_by_text("Hand over the workspace").click()
    page.get_by_label("Emre Bay becomes the owner").check()
    page.get_by_role("button", name="Hand over to Emre Bay").click()
    expect(page.get_by_text("Emre Bay owns the workspace now.")).to_be_visible()
    assert Membership.objects.get(user=teammate, workspace=workspace).role == Role.OWNER
    assert Membership.objects.get(user=owner, workspace=workspace).role == Role.ADMIN


def code_of(secret: str) -> str:
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30))


def test_set_up_the_app_and_sign_in_with_it(signed_in, live_server, owner):
    page = signed_in
    page.goto(f"{live_server.url}/account/2fa/")
    page.get_by_role("link", name="Set up").click()
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Confirm").click()
    secret = page.get_by_label("Secret").input_value()
    page.get_by_label(re.compile("code", re.IGNORECASE)).fill(code_of(secret))
    page.get_by_role("button", name="Switch on").click()
    codes = page.get_by_role("list", name="Unused codes").get_by_role("listitem")
    expect(codes).to_have_count(10)
    spare = codes.first.inner_text()

    page.context.clear_cookies()
    page.goto(f"{live_server.url}/account/login/")
    page.get_by_label("E-mail").fill(owner.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("heading", name="One more step")).to_be_visible()
    page.get_by_label(re.compile("code", re.IGNORECASE)).fill(spare)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url("**/w/**")
    assert User.objects.get(pk=owner.pk).activity.filter(action="account.factor_added").exists()


def test_a_passkey_is_made_and_signs_in(signed_in, live_server, owner):
    """With the browser's own virtual authenticator."""
    page = signed_in
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    devtools.send(
        "WebAuthn.addVirtualAuthenticator",
        {
            "options": {
                "protocol": "ctap2",
                "transport": "internal",
                "hasResidentKey": True,
                "hasUserVerification": True,
                "isUserVerified": True,
                "automaticPresenceSimulation": True,
            }
        },
    )
    page.goto(f"{live_server.url}/account/2fa/webauthn/add/")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Confirm").click()
    page.get_by_label("Name").fill("Desk")
    page.get_by_label("Let it sign me in without the password").check()
    page.get_by_role("button", name="Add the passkey").click()
    page.wait_for_url("**/recovery-codes/")
    page.context.clear_cookies()
    page.goto(f"{live_server.url}/account/login/")
    page.get_by_role("button", name="Use a passkey").click()
    page.wait_for_url("**/w/**")


def test_a_new_key_is_copied_by_its_button(signed_in, live_server):
    page = signed_in
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(f"{live_server.url}/w/harbour/keys/")
    page.get_by_label("Name").fill("my script")
    page.get_by_role("button", name="Make key").click()
    key = page.get_by_role("textbox", name="New key").input_value()
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_text("Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == key


@pytest.mark.parametrize("width", [375, 1440])
def test_the_pages_fit_and_hold_together(studio, live_server, owner, workspace, teammate, as_person, width):
    page = studio
    cookie = as_person(owner).cookies["sessionid"].value
    page.context.add_cookies([{"name": "sessionid", "value": cookie, "url": live_server.url}])
    page.set_viewport_size({"width": width, "height": 900})
    for address in (
        "/w/harbour/members/",
        "/w/harbour/activity/",
        "/w/harbour/settings/",
        "/account/profile/",
        "/account/email/",
        "/account/2fa/",
        "/account/sessions/",
        "/account/activity/",
        "/account/data/",
        "/account/password/change/",
    ):
        answer = page.goto(f"{live_server.url}{address}")
        assert answer.status == 200, address
        expect(page.get_by_role("heading", level=1)).to_have_count(1)
        assert fits(page), address
        found = Axe().run(page).response["violations"]
        grave = [f"{one['id']}: {one['help']}" for one in found if one["impact"] in ("serious", "critical")]
        assert grave == [], address


def test_names_without_a_space_stay_within_a_phone(studio, live_server, owner, workspace, teammate, as_person):
    long = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft"
    Workspace.objects.filter(pk=workspace.pk).update(name=long)
    User.objects.filter(pk=teammate.pk).update(name=long, email=f"{long.lower()}@studio.example")
    User.objects.filter(pk=owner.pk).update(is_staff=True)
    cookie = as_person(owner).cookies["sessionid"].value
    studio.context.add_cookies([{"name": "sessionid", "value": cookie, "url": live_server.url}])
    studio.set_viewport_size({"width": 375, "height": 812})
    for path in ("/w/harbour/settings/", "/account/profile/", "/staff/w/harbour/", "/w/harbour/members/"):
        studio.goto(live_server.url + path)
        assert fits(studio), path
    studio.get_by_text("Hand over the workspace").click()
    assert fits(studio)
