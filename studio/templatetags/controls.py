"""Form fields in the studio's clothes."""

from urllib.parse import parse_qsl

from django import template
from django.forms import BoundField
from django.utils.safestring import SafeString

register = template.Library()


@register.filter
def control(field: BoundField, classes: str = "") -> SafeString:
    """``{{ form.email|control:"large" }}``: the widget as an ``.input``. Django names hint and errors for it.

    A label stands above it; a placeholder that repeats the label would vanish just when it is needed.
    """
    field.field.widget.attrs.pop("placeholder", None)
    return field.as_widget(attrs={"class": f"input {classes}".strip()})


@register.filter
def path_of(address: str) -> str:
    """An address without what it asks for."""
    return address.partition("?")[0]


@register.filter
def asked(address: str) -> list[tuple[str, str]]:
    """What an address asks for, to be sent in a form instead: servers take no address beyond 4 to 8 kB."""
    return parse_qsl(address.partition("?")[2])
