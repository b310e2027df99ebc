"""Addresses of shared takes: no account, a signed token instead."""

from django.urls import path

from apps.reviews import public

app_name = "share"
urlpatterns = [
    path("<str:token>/", public.page, name="page"),
    path("<str:token>/unlock/", public.unlock, name="unlock"),
    path("<str:token>/comment/", public.comment, name="comment"),
    path("<str:token>/download/", public.download, name="download"),
    path("<str:token>/<slug:which>/file/", public.file, name="file"),
    path("<str:token>/captions.vtt", public.captions, name="captions"),
    path("<str:token>/<slug:which>/peaks/", public.peaks, name="peaks"),
    path("<str:token>/<slug:which>/thumbnail/", public.thumbnail, name="thumbnail"),
]
