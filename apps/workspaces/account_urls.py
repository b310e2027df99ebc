"""Addresses of one's own account, beside those of allauth."""

from django.urls import path

from apps.workspaces import account_views

urlpatterns = [
    path("profile/", account_views.profile, name="account_profile"),
    path("notices/", account_views.notices, name="account_notices"),
    path("activity/", account_views.activity, name="account_activity"),
    path("data/", account_views.data, name="account_data"),
    path("data/export/", account_views.ask_for_export, name="account_export"),
    path("data/export/<uuid:export_id>/", account_views.export_file, name="account_export_file"),
    path("data/delete/", account_views.delete, name="account_delete"),
]
