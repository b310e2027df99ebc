"""Pages of a list that may change while it is read."""

from datetime import datetime
from typing import TypeVar

from django.core import signing
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest

from apps.api.queries import invalid, whole

Row = TypeVar("Row", bound=Model)


def page_of(request: HttpRequest, rows: QuerySet[Row], *, default: int) -> tuple[list[Row], str | None]:
    """The rows of one page by ``limit`` (1 to 100) and ``cursor``, and the cursor of the next page.

    A cursor holds what the last row has in the columns that ``rows`` are ordered by, none of them null: a program that
    deletes what it has read passes nothing over.
    """
    limit = whole(request, "limit", default=default, least=1, most=100) or default
    order = [str(column) for column in rows.query.order_by]
    names = [column.removeprefix("-") for column in order]
    salt = f"api.page {order}"
    if cursor := request.GET.get("cursor", ""):
        try:
            reached = signing.loads(cursor, salt=salt)
        except signing.BadSignature as error:
            raise invalid("cursor", "The cursor is none of this list in this order.") from error
        behind, alike = Q(), Q()
        for column, name, value in zip(order, names, reached, strict=True):
            behind |= alike & Q(**{f"{name}__{'lt' if column.startswith('-') else 'gt'}": value})
            alike &= Q(**{name: value})
        rows = rows.filter(behind)
    page = list(rows[: limit + 1])
    if len(page) <= limit:
        return page, None
    last = [getattr(page[limit - 1], name) for name in names]
    plain = [value if isinstance(value, str | int | float) else _text(value) for value in last]
    return page[:limit], signing.dumps(plain, salt=salt, compress=True)


def _text(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
