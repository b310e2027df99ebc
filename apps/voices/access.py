"""The door to speech: from a membership and an id to a job, or nothing."""

from uuid import UUID

from django.db.models import Q
from django.http import Http404

from apps.voices.models import SpeechJob
from apps.workspaces.access import visible_to
from apps.workspaces.models import Membership


def speech_in(membership: Membership, job_id: UUID) -> SpeechJob:
    """A job of the member's workspace; one whose sound is another's private file is not seen. Raises ``Http404``."""
    seen = visible_to(membership, "asset__")
    jobs = SpeechJob.objects.filter(workspace=membership.workspace).select_related("asset", "workspace", "user")
    job = (jobs.filter(Q(asset=None) | seen) if seen else jobs).filter(pk=job_id).first()
    if job is None:
        raise Http404("There is no such text.")
    return job
