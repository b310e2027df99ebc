"""Addresses of the studio. Each app brings its own below its workspace."""

from django.contrib import admin
from django.urls import include, path

from apps.billing.views import stripe_webhook
from apps.inference.exposition import exposition
from apps.workspaces import views as people
from studio import views

urlpatterns = [
    path("", views.home, name="home"),
    path("theme/", views.theme, name="theme"),
    path("healthz", views.health, name="health"),
    path("metrics", exposition, name="metrics"),
    path("icons-<slug:version>.svg", views.icon_sprite, name="icons"),
    path("v2/", include("apps.api.urls")),
    path("admin/", admin.site.urls),
    path("staff/", include("apps.operations.urls")),
    path("stripe/", stripe_webhook, name="stripe"),
    path("account/", include("apps.workspaces.account_urls")),
    path("account/", include("allauth.urls")),
    path("join/<str:token>/", people.join, name="join"),
    path("w/new/", views.new_workspace, name="new_workspace"),
    path("w/<slug:ws>/", views.enter, name="workspace"),
    path("w/<slug:ws>/sample/", views.try_sample, name="try_sample"),
    path("w/<slug:ws>/", include("apps.workspaces.urls")),
    path("w/<slug:ws>/", include("apps.desk.urls")),
    path("w/<slug:ws>/", include("apps.desk.speech_urls")),
    path("w/<slug:ws>/library/", include("apps.assets.urls")),
    path("w/<slug:ws>/keys/", include("apps.api.page_urls")),
    path("w/<slug:ws>/usage/", include("apps.usage.urls")),
    path("w/<slug:ws>/billing/", include("apps.billing.urls")),
    path("w/<slug:ws>/", include("apps.projects.urls")),
    path("w/<slug:ws>/p/<uuid:project_id>/takes/", include("apps.generations.urls")),
    path("w/<slug:ws>/p/<uuid:project_id>/takes/<int:number>/", include("apps.reviews.urls")),
    path("s/", include("apps.reviews.public_urls")),
]

handler400 = "studio.views.bad_request"
handler403 = "studio.views.forbidden"
handler404 = "studio.views.not_found"
handler500 = "studio.views.server_error"
