"""Addresses of the staff's pages."""

from django.urls import path

from apps.operations import views

app_name = "staff"
urlpatterns = [
    path("", views.dashboard, name="dashboard"),
    path("search/", views.search, name="search"),
    path("leave/", views.leave, name="leave"),
    path("w/<slug:slug>/", views.workspace, name="workspace"),
    path("w/<slug:slug>/<slug:name>/", views.workspace_deed, name="workspace_deed"),
    path("g/<uuid:take_id>/", views.take, name="take"),
    path("g/<uuid:take_id>/<slug:name>/", views.take_deed, name="take_deed"),
]
