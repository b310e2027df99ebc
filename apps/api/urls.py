"""Addresses of the API, from the table of routes; everything else below ``/v2/`` answers 404 as JSON."""

import re

from django.urls import path

from apps.api import routing
from apps.api.routes import assets, costs, generations, studio

# Importing a module enters its routes.
MODULES = (assets, costs, generations, studio)

app_name = "api"
urlpatterns = [
    *(path(re.sub(r"\{(\w+)\}", r"<str:\1>", address), view) for address, view in routing.views().items()),
    path("", routing.no_route),
    path("<path:rest>", routing.no_route),
]
