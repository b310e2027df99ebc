"""What Ctrl K offers: every page this member may open, what can be begun, and projects and files by their names."""

from dataclasses import dataclass

from django.urls import reverse

from apps.assets.models import Asset, Kind
from apps.projects.models import Project
from apps.workspaces.access import visible_to
from apps.workspaces.models import Membership, Role

# A line that is longer was pasted by mistake; a condition for each of thousands of words is more than a database takes.
TEXT_LIMIT = 200
# As many projects and files as stand on a phone's screen beside the pages.
NAMED = 6

ICONS: dict[str, str] = {Kind.VIDEO: "file-video", Kind.AUDIO: "audio-lines", Kind.IMAGE: "image"}


@dataclass(frozen=True)
class Command:
    """One line: where it leads. ``sent`` ones change something, so they are buttons of a form, not links."""

    words: str
    address: str
    icon: str
    about: str = ""
    sent: bool = False


@dataclass(frozen=True)
class Group:
    """Commands under one heading."""

    name: str
    commands: list[Command]


def found(membership: Membership, text: str) -> list[Group]:
    """Commands whose words hold all words of ``text``, in groups; empty groups are left out.

    Without a text: everything that can be begun or opened, and the projects worked on last.
    """
    wanted = text[:TEXT_LIMIT].casefold().split()
    groups = [
        Group("Begin", _fitting(_deeds(membership), wanted)),
        Group("Projects", _projects(membership, wanted)),
        Group("Files", _files(membership, wanted)),
        Group("Pages", _fitting(_pages(membership), wanted)),
    ]
    return [group for group in groups if group.commands]


def _fitting(commands: list[Command], wanted: list[str]) -> list[Command]:
    return [command for command in commands if all(word in command.words.casefold() for word in wanted)]


def _deeds(membership: Membership) -> list[Command]:
    ws = membership.workspace.slug
    deeds = []
    if membership.may(Role.EDITOR):
        deeds += [
            Command("New project", reverse("projects:new", args=[ws]), "plus", sent=True),
            Command("Upload files", reverse("assets:library", args=[ws]), "upload"),
            Command("New batch", reverse("desk:new", args=[ws]), "layers"),
        ]
    if membership.may(Role.ADMIN):
        deeds.append(Command("Invite somebody", reverse("people:members", args=[ws]), "users"))
    return [*deeds, Command("New workspace", reverse("new_workspace"), "plus")]


def _pages(membership: Membership) -> list[Command]:
    ws = membership.workspace.slug
    pages = [
        ("Library", "assets:library", "layout-grid", Role.VIEWER),
        ("Projects", "projects:list", "film", Role.VIEWER),
        ("Batch", "desk:batches", "layers", Role.VIEWER),
        ("API keys", "api_pages:keys", "code", Role.VIEWER),
        ("Webhook", "api_pages:webhook", "code", Role.ADMIN),
        ("Usage", "usage:usage", "gauge", Role.VIEWER),
        ("Billing", "billing:billing", "credit-card", Role.ADMIN),
        ("Members", "people:members", "users", Role.VIEWER),
        ("Workspace settings", "people:settings", "settings-2", Role.VIEWER),
        ("Activity", "people:activity", "clock", Role.ADMIN),
    ]
    opened = [page for page in pages if membership.may(page[3])]
    commands = [Command(name, reverse(route, args=[ws]), icon) for name, route, icon, _ in opened]
    return [
        *commands,
        Command("Account", reverse("account_profile"), "user"),
        Command("Password, passkeys and second factor", reverse("mfa_index"), "lock"),
        Command("Signed-in devices", reverse("usersessions_list"), "monitor"),
        Command("API reference", reverse("api:docs"), "code"),
    ]


def _projects(membership: Membership, wanted: list[str]) -> list[Command]:
    ws = membership.workspace.slug
    projects = Project.objects.listed(membership.workspace).filter(visible_to(membership))
    for word in wanted:
        projects = projects.filter(name__icontains=word)
    return [
        Command(project.name, reverse("projects:workbench", args=[ws, project.pk]), "film", "Project")
        for project in projects.only("name")[:NAMED]
    ]


def _files(membership: Membership, wanted: list[str]) -> list[Command]:
    """Only by name: the latest files are what the library itself shows."""
    if not wanted:
        return []
    ws = membership.workspace.slug
    files = Asset.objects.filter(visible_to(membership), workspace=membership.workspace, deleted_at=None)
    for word in wanted:
        files = files.filter(name__icontains=word)
    return [
        Command(file.name, reverse("assets:detail", args=[ws, file.pk]), ICONS.get(file.kind, "file"), "File")
        for file in files.order_by("-created_at").only("name", "kind")[:NAMED]
    ]
