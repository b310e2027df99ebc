"""Addresses of the pages about the API, below a workspace."""

from django.urls import path

from apps.api import pages, webhook_pages

app_name = "api_pages"
urlpatterns = [
    path("", pages.keys, name="keys"),
    path("webhook/", webhook_pages.webhook, name="webhook"),
    path("webhook/secret/", webhook_pages.rotate, name="webhook_rotate"),
    path("webhook/test/", webhook_pages.test, name="webhook_test"),
    path("webhook/<uuid:delivery_id>/resend/", webhook_pages.send_again, name="webhook_resend"),
    path("<uuid:key_id>/rotate/", pages.rotate, name="rotate"),
    path("<uuid:key_id>/revoke/", pages.revoke, name="revoke"),
]
