"""Addresses of the usage page."""

from django.urls import path

from apps.usage import views

app_name = "usage"
urlpatterns = [
    path("", views.usage, name="usage"),
    path("export.csv", views.export, name="export"),
]
