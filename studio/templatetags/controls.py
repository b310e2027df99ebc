"""Form fields in the studio's clothes."""

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
