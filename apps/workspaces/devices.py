"""Signing out other devices, noted in the log."""

from collections.abc import Iterable

from allauth.usersessions.adapter import DefaultUserSessionsAdapter
from allauth.usersessions.models import UserSession
from django.db import transaction

from apps.workspaces.activity import record


class SessionsAdapter(DefaultUserSessionsAdapter):
    """allauth ends sessions through this, whether a person asks for it or changes the password."""

    @transaction.atomic
    def end_sessions(self, sessions: Iterable[UserSession]) -> None:
        ended = list(sessions)
        super().end_sessions(ended)
        for user, count in _counted(ended):
            record("account.devices_signed_out", actor=user, subject=f"{count} device{'' if count == 1 else 's'}")


def _counted(sessions: list[UserSession]) -> list[tuple]:
    people = {session.user_id: session.user for session in sessions}
    return [(user, sum(session.user_id == pk for session in sessions)) for pk, user in people.items()]
