"""Tables that only grow: triggers that refuse UPDATE and DELETE on SQLite and PostgreSQL alike.

The rule sits in the database, so that neither a careless query nor a shell changes what was written down.
"""

from typing import Any

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

EVENTS = ("UPDATE", "DELETE")


def append_only(table: str) -> migrations.RunPython:
    """Migration operation that makes a table append-only, and on the way back an ordinary one."""

    def forwards(apps: Any, editor: BaseDatabaseSchemaEditor) -> None:
        for statement in _statements(table, editor.connection.vendor):
            editor.execute(statement, params=None)

    def backwards(apps: Any, editor: BaseDatabaseSchemaEditor) -> None:
        on_table = f" ON {table}" if editor.connection.vendor == "postgresql" else ""
        for event in EVENTS:
            editor.execute(f"DROP TRIGGER IF EXISTS {_name(table, event)}{on_table}", params=None)

    return migrations.RunPython(forwards, backwards)


def _name(table: str, event: str) -> str:
    return f"{table}_no_{event.lower()}"


def _statements(table: str, vendor: str) -> list[str]:
    if vendor == "postgresql":
        function = (
            "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION '% only grows', TG_TABLE_NAME "
            "USING ERRCODE = 'integrity_constraint_violation'; END $$"
        )
        trigger = "CREATE TRIGGER {name} BEFORE {event} ON {table} FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        return [function, *(trigger.format(name=_name(table, event), event=event, table=table) for event in EVENTS)]
    trigger = "CREATE TRIGGER {name} BEFORE {event} ON {table} BEGIN SELECT RAISE(ABORT, '{table} only grows'); END"
    return [trigger.format(name=_name(table, event), event=event, table=table) for event in EVENTS]
