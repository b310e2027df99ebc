"""Addresses of projects and the workbench."""

app_name = "projects"
urlpatterns: list = []
