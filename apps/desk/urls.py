"""Addresses of batches, of files by their address, and of the list behind Ctrl K."""

from django.urls import path

from apps.desk import new_views, views

app_name = "desk"
urlpatterns = [
    path("commands/", views.commands, name="commands"),
    path("library/import/", views.import_link, name="import_link"),
    path("batch/", views.batches, name="batches"),
    path("batch/new/", new_views.new, name="new"),
    path("batch/<uuid:batch_id>/", views.batch, name="batch"),
    path("batch/<uuid:batch_id>/cancel/", views.cancel, name="cancel"),
]
