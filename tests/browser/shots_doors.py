"""Doors, errors, mails, empty pages and other people's views, for ``tests.browser.shots``."""

import json
from email import message_from_bytes, policy
from pathlib import Path
from uuid import UUID

from tests.browser.shots_takes import BENCH, FINISHED, VACANT, in_the_middle, settled

PASSWORD = "open-the-studio-1"
VIEWER, GUARDED, STRANGER = "vera@studio.example", "emre@studio.example", "sam@elsewhere.example"


def fill_doors(membership) -> list[tuple]:
    """Invitations in each state, a second factor, links of mails; returns the shots whose addresses came of it."""
    from allauth.account.forms import default_token_generator
    from allauth.account.models import EmailAddress, EmailConfirmationHMAC
    from allauth.account.utils import user_pk_to_url_str
    from django.urls import reverse
    from django.utils import timezone

    from apps.accounts.models import User
    from apps.assets.models import Asset
    from apps.workspaces.invitations import token_of
    from apps.workspaces.models import Invitation

    emre = User.objects.get(email=GUARDED)
    second_factor(emre)
    sent = Invitation.objects.get(workspace=membership.workspace, email="noor@elsewhere.example")
    now = timezone.now()
    about = {"workspace": membership.workspace, "invited_by": membership.user, "role": sent.role}
    ended = Invitation.objects.create(email="otto@elsewhere.example", sent_at=now, expires_at=now, **about)
    address, _ = EmailAddress.objects.get_or_create(user=emre, email=emre.email, defaults={"primary": True})
    ines = User.objects.get(email="ines@studio.example")
    key = user_pk_to_url_str(ines), default_token_generator.make_token(ines)
    User.objects.create_user(STRANGER, PASSWORD, name="Sam Field")
    film = Asset.objects.filter(workspace=membership.workspace, kind="video", status="ready").latest("duration_s")
    return [
        ("join", f"/join/{token_of(sent)}/", None, False),
        ("join-member", f"/join/{token_of(sent)}/"),
        ("join-wrong", f"/join/{token_of(sent)}/", None, True, False, False, STRANGER),
        ("join-ended", f"/join/{token_of(ended)}/", None, False),
        ("address-confirm", reverse("account_confirm_email", args=[EmailConfirmationHMAC(address).key]), None, False),
        ("address-broken", reverse("account_confirm_email", args=["nothing"]), None, False),
        ("password-new", reverse("account_reset_password_from_key", args=key), None, False),
        ("password-broken", reverse("account_reset_password_from_key", args=(key[0], "set-password")), None, False),
        ("file-page", reverse("assets:detail", args=["harbour", film.pk]), settled),
        ("file-where-used", reverse("assets:detail", args=["harbour", sample_of(membership)]), settled),
        *DOORS,
    ]


def sample_of(membership) -> UUID:
    """The film of the sample, which projects use."""
    from apps.projects.models import Project

    return Project.objects.get(workspace=membership.workspace, name="A new line").video_id


def second_factor(user) -> None:
    """An authenticator app and recovery codes."""
    from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
    from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret

    TOTP.activate(user, generate_totp_secret())
    RecoveryCodes.activate(user)


# --- States -------------------------------------------------------------------------------------------------


def sign_in(page) -> None:
    page.get_by_label("E-mail").fill(GUARDED)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.get_by_text("One more step").wait_for()


def wrong_code(page) -> None:
    sign_in(page)
    page.get_by_label("Code").fill("000000")
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.get_by_text("That does not fit").wait_for()


def confirmed(page) -> None:
    """Past the question for the password, which stands before pages that matter."""
    if page.get_by_role("heading", name="Confirm that it is you").is_visible():
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Confirm", exact=True).click()
        page.wait_for_load_state("networkidle")


def names_refused(page) -> None:
    page.get_by_label("E-mail").fill("no address")
    page.get_by_role("button", name="Create", exact=False).first.click()
    page.locator(".error").first.wait_for()


def delete_open(page) -> None:
    confirmed(page)
    page.mouse.wheel(0, 2000)


def menu_of_project(page) -> None:
    page.get_by_role("button", name="More for").first.click()


def from_keyboard(page) -> None:
    """Where the first Tab leads."""
    page.keyboard.press("Tab")


def failing(code: int):
    """A page that answers with an error as the studio draws it, from the server's own templates."""

    def prepare(page) -> None:
        from django.http import HttpRequest
        from django.shortcuts import render

        request = HttpRequest()
        request.request_id = "b7d0c2f4"
        names = {400: "400.html", 403: "403.html", 419: "403_csrf.html", 500: "500.html"}
        body = render(request, names[code], {"reason": "An editor may do that. You are a viewer here."}).content
        page.route("**/drawn/", lambda route: route.fulfill(status=code, content_type="text/html", body=body))
        page.goto(page.url.split("/healthz")[0] + "/drawn/")

    return prepare


def mails(page) -> None:
    """Every mail that went out while the studio was filled, as plain text is shown."""
    from django.conf import settings
    from django.core import mail

    folder = getattr(settings, "EMAIL_FILE_PATH", None)
    kept = sorted(Path(folder).glob("*.log")) if folder and Path(folder).exists() else []
    sent = [message_from_bytes(one.read_bytes(), policy=policy.default) for one in kept]
    letters = [(one["subject"], one.get_body().get_content()) for one in sent]
    letters += [(one.subject, one.body) for one in getattr(mail, "outbox", [])]
    page.goto("about:blank")  # where no policy stands against the style of this sheet
    page.set_content(
        "<meta name=viewport content='width=device-width'><title>Mails</title><main style='font: 15px/1.5 sans-serif; "
        "margin: 12px; max-width: 640px; white-space: pre-wrap; overflow-wrap: anywhere'></main>"
    )
    page.evaluate(
        """letters => { document.documentElement.lang = "en"; for (const [subject, text] of letters) {
            const head = document.createElement("h2"), body = document.createElement("p");
            head.textContent = subject; body.textContent = text; document.querySelector("main").append(head, body);
        } }""",
        json.loads(json.dumps(letters)),
    )


NEW = f"/w/harbour/p/{VACANT}/"
TAKE = f"{BENCH}takes/{FINISHED}/"
DOORS = (
    ("sign-up-refused", "/account/signup/", names_refused, False),
    ("second-factor", "/account/login/", sign_in, False),
    ("second-factor-refused", "/account/login/", wrong_code, False),
    ("mail-sent", "/account/confirm-email/", None, False),
    ("password-changed", "/account/password/reset/key/done/", None, False),
    ("account-closed", "/account/inactive/", None, False),
    ("sign-out", "/account/logout/"),
    ("confirm-it-is-you", "/account/reauthenticate/"),
    ("addresses", "/account/email/", confirmed),
    ("password-change", "/account/password/change/", confirmed),
    ("account-delete", "/account/data/delete/", delete_open),
    ("passkey-add", "/account/2fa/webauthn/add/", confirmed),
    ("security-on", "/account/2fa/", confirmed, True, False, False, GUARDED),
    ("recovery-codes", "/account/2fa/recovery-codes/", confirmed, True, False, False, GUARDED),
    ("recovery-codes-new", "/account/2fa/recovery-codes/generate/", confirmed, True, False, False, GUARDED),
    ("authenticator-off", "/account/2fa/totp/deactivate/", confirmed, True, False, False, GUARDED),
    ("passkeys", "/account/2fa/webauthn/", confirmed, True, False, False, GUARDED),
    ("error-400", "/healthz", failing(400), False),
    ("error-403", "/healthz", failing(403), False),
    ("error-form", "/healthz", failing(419), False),
    ("error-500", "/healthz", failing(500), False),
    ("error-no-access", "/w/harbour/billing/", None, True, False, False, VIEWER),
    ("mails", "/healthz", mails, False, False, True),
    ("api-reference", "/v2/docs"),
    ("skip", "/w/harbour/library/", from_keyboard, True, True),
    ("project-menu", "/w/harbour/projects/", menu_of_project),
    ("takes-empty", f"{NEW}takes/"),
    ("members-alone", "/w/empty/members/"),
    ("keys-none", "/w/empty/keys/"),
    ("webhook-none", "/w/empty/keys/webhook/"),
    ("activity-new", "/w/empty/activity/"),
    ("activity-no-match", "/w/harbour/activity/?q=nothing+like+this"),
    ("voices-none", "/w/empty/voices/"),
    ("batch-new-empty", "/w/empty/batch/new/"),
    ("billing-new", "/w/empty/billing/"),
    ("library-viewer", "/w/harbour/library/", None, True, False, False, VIEWER),
    ("projects-viewer", "/w/harbour/projects/", None, True, False, False, VIEWER),
    ("workbench-viewer", BENCH, settled, True, False, False, VIEWER),
    ("player-viewer", TAKE, in_the_middle, True, False, False, VIEWER),
    ("members-viewer", "/w/harbour/members/", None, True, False, False, VIEWER),
    ("comments", f"{TAKE}comments/"),
    ("speech-page", "/w/harbour/speech/"),
)
