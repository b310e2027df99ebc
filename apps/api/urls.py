"""Addresses of the API, from the table of routes; everything else below ``/v2/`` answers 404 as JSON."""

import re

from django.urls import path

from apps.api import routing
from apps.api.routes import (
    assets,
    batches,
    costs,
    footage,
    generations,
    projects,
    reference,
    sharing,
    studio,
    usage,
    voices,
    webhooks,
)

# Importing a module enters its routes.
MODULES = (generations, sharing, costs, usage, assets, footage, batches, studio, projects, voices, webhooks, reference)

app_name = "api"
# "~" sorts behind every letter: plain words are tried before names in braces, assets/upload before assets/{asset_id}.
VIEWS = sorted(routing.views().items(), key=lambda item: item[0].replace("{", "~"))
urlpatterns = [
    *(path(re.sub(r"\{(\w+)\}", r"<str:\1>", address), view, name=address) for address, view in VIEWS),
    path("", routing.no_route),
    path("<path:rest>", routing.no_route),
]
