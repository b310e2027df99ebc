"""Addresses of the library."""

app_name = "assets"
urlpatterns: list = []
