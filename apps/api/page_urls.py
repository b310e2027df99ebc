"""Addresses of the pages about the API, below a workspace."""

from django.urls import path

from apps.api import pages

app_name = "api_pages"
urlpatterns = [
    path("", pages.keys, name="keys"),
    path("<uuid:key_id>/rotate/", pages.rotate, name="rotate"),
    path("<uuid:key_id>/revoke/", pages.revoke, name="revoke"),
]
