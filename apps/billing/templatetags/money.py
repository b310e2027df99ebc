"""Money in templates."""

from collections.abc import Mapping

from django import template

from apps.billing import limits
from apps.billing.models import Plan

register = template.Library()
DOLLAR, CENT = 1_000_000, 10_000  # micro-dollars


@register.filter
def dollars(micros: int | None) -> str:
    """Micro-dollars as people read money: to the cent, and what rounds to none is "less than $0.01".

    5_377_380 gives "$5.38", 53_400 gives "$0.05", −5_377_380 gives "−$5.38". Exact figures: ``exact_dollars``.
    """
    if micros is None:
        return ""
    whole_cents = (abs(micros) + CENT // 2) // CENT
    if micros and not whole_cents:
        return f"less than {'−' if micros < 0 else ''}$0.01"
    return exact_dollars(whole_cents * CENT * (1 if micros > 0 else -1))


@register.filter
def exact_dollars(micros: int | None) -> str:
    """Micro-dollars as they are billed, at least two places and never rounded: 5_377_380 gives "$5.37738"."""
    if micros is None:
        return ""
    whole, rest = divmod(abs(int(micros)), DOLLAR)
    decimals = f"{rest:06d}".rstrip("0").ljust(2, "0")
    return f"{'−' if micros < 0 else ''}${whole:,}.{decimals}"


@register.filter
def cents(amount: int | None) -> str:
    """Whole cents as they stand on invoices: 5000 gives "$50.00"."""
    return "" if amount is None else exact_dollars(amount * CENT)


@register.filter
def of(table: Mapping[str, object], key: str) -> object:
    """The value under a key that is only known when the page is drawn."""
    return table.get(key)


@register.filter
def file_limit(plan: Plan) -> int:
    """Largest file in bytes that plan and studio take."""
    return limits.file_limit(plan)


@register.filter
def plan_length(seconds: int | None) -> str:
    """A plan's longest video: ``20 s``, ``1 min``, ``30 min``, ``no limit``."""
    if seconds is None:
        return "no limit"
    return f"{seconds // 60}\N{NO-BREAK SPACE}min" if seconds >= 60 else f"{seconds}\N{NO-BREAK SPACE}s"
