"""What templates ask about an asset."""

from django import template

from apps.assets.presentation import icon_of, summary

register = template.Library()
register.filter("summary", summary)
register.filter("kind_icon", icon_of)
