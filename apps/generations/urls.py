"""Addresses of takes."""

app_name = "generations"
urlpatterns: list = []
