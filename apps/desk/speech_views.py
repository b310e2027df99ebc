"""Typing the words of a soundtrack: the form, how far it is, and the sound. In a dialog, or as pages of their own."""

import json
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.core.files.storage import default_storage
from django.http import FileResponse, Http404, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from apps.accounts.requests import SignedInRequest
from apps.projects.access import project_in
from apps.projects.models import Project
from apps.voices import previews
from apps.voices.access import speech_in
from apps.voices.keys import key_for, usable
from apps.voices.listing import voice_of, voices_of
from apps.voices.models import SpeechJob, SpeechState
from apps.voices.providers.base import SpeechProvider
from apps.voices.registry import provider as provider_named
from apps.voices.registry import providers
from apps.voices.services import SCRIPT_LIMIT, order_of, request_speech
from apps.workspaces.access import membership_in
from apps.workspaces.models import Membership, Role
from studio.errors import StudioError

LABELS = {"speed": "Speed", "stability": "Stability", "similarityBoost": "Likeness"}
YEAR_S = 365 * 24 * 3600


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def speak(request: SignedInRequest, ws: str) -> HttpResponse:
    """The form; a POST begins the work and answers with how far it is. What was typed stays where it is refused."""
    membership = membership_in(request.user, ws, at_least=Role.EDITOR)
    project = _project(membership, request.POST.get("project") or request.GET.get("project"))
    if request.method != "POST":
        context = form_context(membership, project, {"provider": request.GET.get("provider", "")})
        if request.htmx and request.htmx.target == "speech-voices":
            return render(request, "speech/form.html#voices", context)
        return _shown(request, "form", context)
    typed = request.POST.dict()
    try:
        order = order_of(
            membership=membership,
            provider=typed.get("provider", ""),
            voice_id=typed.get("voice", ""),
            script=typed.get("script", ""),
            options={name: _number(typed[name], name) for name in LABELS if typed.get(name)},
        )
        begun = request_speech(membership=membership, order=order)
    except StudioError as error:
        return _shown(request, "form", form_context(membership, project, typed, error), status=422)
    if request.htmx:
        return _followed(request, membership, project, begun)
    query = f"?project={project.pk}" if project else ""
    return redirect(f"{reverse('speech:job', args=[ws, begun.pk])}{query}")


@login_required
@require_safe
def job(request: SignedInRequest, ws: str, job_id: UUID) -> HttpResponse:
    """How far a text is; the part alone where it asks for itself."""
    membership = membership_in(request.user, ws)
    project = _project(membership, request.GET.get("project"))
    return _followed(request, membership, project, speech_in(membership, job_id))


@login_required
@require_safe
def preview(request: SignedInRequest, ws: str) -> HttpResponseBase:
    """A sample of a voice; 202 while a worker fetches or speaks it."""
    membership = membership_in(request.user, ws)
    try:
        provider = provider_named(request.GET.get("provider", ""))
        voice = voice_of(membership.workspace, provider, request.GET.get("voice", ""))
    except StudioError as error:
        raise Http404(error.message) from error
    if not previews.has_preview(provider, voice):
        raise Http404("This voice has no sample.")
    place = previews.place_of(provider, voice)
    if not default_storage.exists(place):
        previews.ask_for(membership.workspace, provider, voice)
        return HttpResponse(status=202, headers={"Retry-After": "1", "Cache-Control": "no-store"})
    answer = FileResponse(default_storage.open(place, "rb"), content_type="audio/mpeg")
    answer["Cache-Control"] = f"private, max-age={YEAR_S}"
    return answer


def form_context(
    membership: Membership, project: Project | None, typed: dict[str, Any], error: StudioError | None = None
) -> dict[str, Any]:
    """What the form shows. A provider whose voices cannot be had says why in its place."""
    ready = usable(membership.workspace)
    chosen = next((one for one in ready if one.name == typed.get("provider")), ready[0] if ready else None)
    context = _frame(membership, project) | {
        "providers": ready,
        "provider": chosen,
        "typed": typed,
        "error": error,
        "limit": SCRIPT_LIMIT,
        "missing": [] if ready else _missing(membership),
        "may_set_up": membership.may(Role.ADMIN),
    }
    return context | (_voices(membership, chosen, typed) if chosen else {})


def _voices(membership: Membership, provider: SpeechProvider, typed: dict[str, Any]) -> dict[str, Any]:
    settings = [
        {"name": name, "label": LABELS.get(name, name), "range": allowed, "value": typed.get(name) or allowed.usual}
        for name, allowed in provider.abilities.settings.items()
    ]
    try:
        found = voices_of(membership.workspace, provider)
    except StudioError as error:
        return {"voices": [], "voices_error": error, "settings": settings}
    known = {voice.id for voice in found}
    chosen = typed.get("voice") if typed.get("voice") in known else (found[0].id if found else "")
    rows = [{"voice": voice, "hear": previews.has_preview(provider, voice)} for voice in found]
    return {"voices": rows, "voice": chosen, "settings": settings}


def _missing(membership: Membership) -> list[StudioError]:
    """Why no provider can be used, one sentence for each."""
    found = []
    for one in providers():
        try:
            key_for(membership.workspace, one)
        except StudioError as error:
            found.append(error)
    return found


def _followed(
    request: SignedInRequest, membership: Membership, project: Project | None, begun: SpeechJob
) -> HttpResponse:
    """The part for the state of a job: on its way, ready, or the form again with the reason."""
    if begun.state == SpeechState.FAILED:
        typed = {"provider": begun.provider, "voice": begun.voice_id, "script": begun.script, **begun.settings}
        error = StudioError(begun.error_code, begun.error_message, begun.error_advice)
        return _shown(request, "form", form_context(membership, project, typed, error))
    ready, ws = begun.state == SpeechState.SUCCESS, membership.workspace.slug
    on_page = urlsplit(request.htmx.current_url or request.path).path.startswith(reverse("speech:speak", args=[ws]))
    context = _frame(membership, project) | {"job": begun, "in_dialog": not on_page}
    response = _shown(request, "ready" if ready else "progress", context)
    if ready and request.htmx and begun.asset_id:
        response["HX-Trigger"] = json.dumps({"studio:spoken": {"assetId": str(begun.asset_id)}, "studio:library": None})
    return response


def _shown(request: SignedInRequest, part: str, context: dict[str, Any], *, status: int = 200) -> HttpResponse:
    template = f"speech/{part}.html" if request.htmx else "speech/page.html"
    return render(request, template, context | {"part": f"speech/{part}.html"}, status=status)


def _frame(membership: Membership, project: Project | None) -> dict[str, Any]:
    return {"membership": membership, "ws": membership.workspace.slug, "project": project}


def _project(membership: Membership, text: str | None) -> Project | None:
    """The project the sound is for; None where the library is asked from. Raises ``Http404`` for a false one."""
    if not text:
        return None
    try:
        return project_in(membership, UUID(text))
    except ValueError as error:
        raise Http404("There is no such project.") from error


def _number(text: str, name: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise StudioError(
            "generation_input_option_invalid", f"{LABELS[name]} is no number.", "Move the slider.", field=name
        ) from error
