"""Addresses of the library; those of the bytes themselves are in ``file_urls``."""

from django.urls import path

from apps.assets import views
from apps.assets.file_urls import urlpatterns as file_urls

app_name = "assets"
urlpatterns = [
    path("", views.library, name="library"),
    path("upload/", views.upload, name="upload"),
    path("<uuid:asset_id>/", views.detail, name="detail"),
    path("<uuid:asset_id>/card/", views.card, name="card"),
    path("<uuid:asset_id>/wave.svg", views.wave, name="wave"),
    path("<uuid:asset_id>/rename/", views.rename, name="rename"),
    path("<uuid:asset_id>/delete/", views.delete, name="delete"),
    path("<uuid:asset_id>/extract/", views.extract, name="extract"),
    path("<uuid:asset_id>/visibility/", views.visibility, name="visibility"),
    path("delete/", views.delete_many, name="delete_many"),
    path("restore/", views.restore_many, name="restore_many"),
    path("<uuid:asset_id>/restore/", views.restore, name="restore"),
    *file_urls,
]
