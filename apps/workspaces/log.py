"""One page of the activity log: filters read from the address, rows with their sentences."""

from datetime import datetime, time
from urllib.parse import urlencode

from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.http import QueryDict
from django.utils.dateparse import parse_date
from django.utils.timezone import get_current_timezone, make_aware

from apps.accounts.models import User
from apps.workspaces.activity import ACTIONS, GROUPS
from apps.workspaces.models import Activity, Workspace

PAGE = 50


class LogPage:
    """Fifty lines of a workspace's log. Anything unknown in the address falls back to everything."""

    def __init__(self, workspace: Workspace, params: QueryDict) -> None:
        self.workspace = workspace
        self.kind = params.get("kind", "") if params.get("kind", "") in GROUPS else ""
        self.person = params.get("person", "") if params.get("person", "").isdecimal() else ""
        self.since, self.until = _day(params.get("since", "")), _day(params.get("until", ""))
        self.kinds = GROUPS.items()
        self.page: Page[Activity] = Paginator(self._rows(), PAGE).get_page(params.get("page", "1"))
        self.lines = [{"row": row, "words": _in_line(ACTIONS.get(row.action, row.action))} for row in self.page]

    @property
    def people(self) -> QuerySet[User]:
        """Everybody who stands in the log, for the filter."""
        return User.objects.filter(activity__workspace=self.workspace).distinct().order_by("email")

    @property
    def filtered(self) -> bool:
        return bool(self.kind or self.person or self.since or self.until)

    @property
    def query(self) -> str:
        """The filters for the links to other pages, without the page's number."""
        values = {
            "kind": self.kind,
            "person": self.person,
            "since": self.since.isoformat() if self.since else "",
            "until": self.until.isoformat() if self.until else "",
        }
        return urlencode({name: value for name, value in values.items() if value})

    def _rows(self) -> QuerySet[Activity]:
        rows = self.workspace.activity.select_related("actor").order_by("-at", "-pk")
        if self.kind:
            rows = rows.filter(action__startswith=f"{self.kind}.")
        if self.person:
            rows = rows.filter(actor__pk=self.person[:18])
        if self.since:
            rows = rows.filter(at__gte=_moment(self.since, time.min))
        if self.until:
            rows = rows.filter(at__lte=_moment(self.until, time.max))
        return rows


def _day(text: str):
    try:
        return parse_date(text)
    except ValueError:
        return None


def _moment(day, clock: time) -> datetime:
    return make_aware(datetime.combine(day, clock), get_current_timezone())


def _in_line(words: str) -> str:
    """The words behind a person's name: "Ada made the workspace"; names such as API keep their capitals."""
    return words[:1].lower() + words[1:]
