"""Lists: projects with how their last take stands, and files that can be put into a draft."""

from dataclasses import dataclass

from django.db.models import OuterRef, Q, QuerySet, Subquery

from apps.assets.models import Asset, Kind, Status
from apps.generations.models import Generation
from apps.projects.models import Project
from apps.workspaces.access import visible_to
from apps.workspaces.models import Membership

# One screen of the picker; more than this is found by typing a name.
PICKS_SHOWN = 48


@dataclass(frozen=True)
class Place:
    """A place in the draft that a file can take."""

    heading: str
    kinds: Q


HAS_SOUND = Q(kind=Kind.AUDIO) | (Q(kind=Kind.VIDEO) & ~Q(audio_codec=""))
PLACES = {
    "video": Place("Choose a video", Q(kind__in=[Kind.VIDEO, Kind.IMAGE])),
    "audio": Place("Choose a soundtrack", HAS_SOUND),
    # Of one person in the picture: it becomes segments where it speaks.
    "speaker": Place("Choose a sound for this person", HAS_SOUND),
}


def listed_with_last_take(membership: Membership) -> QuerySet[Project]:
    """Projects that a member sees with ``take_number``, ``take_status`` and ``take_model`` of the last take."""
    last = Generation.objects.filter(project=OuterRef("pk"), deleted_at=None).order_by("-number")
    return (
        Project.objects.listed(membership.workspace)
        .filter(visible_to(membership))
        .select_related("video", "audio")
        .annotate(
            take_number=Subquery(last.values("number")[:1]),
            take_status=Subquery(last.values("status")[:1]),
            take_model=Subquery(last.values("model")[:1]),
        )
    )


def pickable(membership: Membership, place: str, search: str = "") -> QuerySet[Asset]:
    """Checked files of the library that can stand in this place; sound files before videos with sound."""
    seen = Asset.objects.in_library(membership.workspace).filter(visible_to(membership))
    files = seen.filter(PLACES[place].kinds, status=Status.READY)
    if search:
        files = files.filter(name__icontains=search)
    return files if place == "video" else files.order_by("kind", "-created_at")
