"""The people that the footage check has found in a draft's video: what they are called, and who gets the new lips."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.urls import reverse

from apps.assets.models import Asset, FootageCheck
from apps.catalog.registry import FACE
from apps.projects.models import Project


@dataclass(frozen=True)
class Person:
    """Somebody the check has seen, with their stretch in percent of the film for the bar of presence.

    ``number`` counts from 1, who is seen longest first; ``id`` is the footage check's; ``name`` is what somebody has
    typed. ``sound`` says what they speak with in segments of their own, empty where there is none.
    """

    id: int
    number: int
    name: str
    chosen: bool
    seconds: float
    first_s: float
    look_s: float
    left: float
    width: float
    picture: str
    fixed: bool
    sound: str = ""

    @property
    def unnamed(self) -> str:
        """What they are called as long as nobody has given them a name."""
        return _unnamed(self.number, self.fixed)

    @property
    def called(self) -> str:
        return self.name or self.unnamed


def people_of(check: FootageCheck | None, project: Project) -> list[Person]:
    """The people in the video, whoever is seen longest first."""
    if check is None or project.video is None:
        return []
    result = check.result or {}
    length = max(float(result.get("duration_s") or 0.0), 1e-6)
    people = []
    chosen = chosen_person(project)
    sounds = sounds_of_people(project)
    for number, raw in _in_order(check):
        first, last = float(raw["first_s"]), float(raw["last_s"])
        people.append(
            Person(
                id=int(raw["id"]),
                number=number,
                name=str(check.names.get(str(raw["id"]), "")),
                chosen=int(raw["id"]) == chosen,
                seconds=float(raw["seconds"]),
                first_s=first,
                look_s=float(raw["thumbnail_time_s"]),
                left=round(100 * first / length, 2),
                width=round(100 * max(last - first, 0.01 * length) / length, 2),
                picture=reverse("assets:person", args=[project.workspace.slug, project.video_id, int(raw["id"])]),
                fixed=bool(raw.get("fixed")),
                sound=sounds.get(int(raw["id"]), ""),
            )
        )
    return people


def _in_order(check: FootageCheck) -> Iterator[tuple[int, dict[str, Any]]]:
    """Those a check has found, numbered from 1, whoever is seen longest first."""
    return enumerate(sorted((check.result or {}).get("people", []), key=lambda raw: -float(raw["seconds"])), start=1)


def called_in(check: FootageCheck | None) -> list[tuple[int, str]]:
    """The people of a film by their ids and what they are called."""
    if check is None:
        return []
    return [
        (int(raw["id"]), check.names.get(str(raw["id"])) or _unnamed(at, bool(raw.get("fixed"))))
        for at, raw in _in_order(check)
    ]


def _unnamed(number: int, fixed: bool) -> str:
    return "Still picture" if fixed else f"Person {number}"


def sounds_of_people(project: Project) -> dict[int, str]:
    """What people of the footage check speak with in segments of their own: a file's name, or how many files."""
    files: dict[int, set[str]] = {}
    for row in project.segments:
        face = row.get("face") or {}
        if row.get("audio") and face.get("kind") == "person":
            files.setdefault(face["id"], set()).add(row["audio"])
    if not files:
        return {}
    wanted = set().union(*files.values())
    found = Asset.objects.filter(workspace_id=project.workspace_id, pk__in=wanted).values_list("pk", "name")
    names = {str(pk): name for pk, name in found}
    return {
        person: names.get(next(iter(sounds)), "A deleted file") if len(sounds) == 1 else f"{len(sounds)} sounds"
        for person, sounds in files.items()
    }


def chosen_person(project: Project) -> int | None:
    """The person that the draft names; None where it is left to the engine, or said in another way."""
    face = project.options.get(FACE)
    return face["id"] if isinstance(face, dict) and face.get("kind") == "person" else None


def who_is_driven(people: list[Person], project: Project) -> str:
    """A sentence on whose lips move, where the draft says so for all that is driven; else nothing."""
    driven = [row for row in project.segments if row.get("lipsync", True)]
    if driven and all(row.get("face") for row in driven):
        apart = all(row.get("audio") for row in driven)
        return "Each sound moves its own speaker." if apart else "Each segment says whose lips move."
    chosen = next((person.called for person in people if person.chosen), "")
    if chosen:
        return f"{chosen} gets the new lips."
    return "Whoever speaks gets the new lips." if project.options.get(FACE) is True else ""
