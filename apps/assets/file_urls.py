"""Addresses of uploads and of the bytes of assets; included by the library's own addresses."""

from django.urls import path

from apps.assets import serving, tus

urlpatterns = [
    path("uploads/", tus.tus_create, name="tus_create"),
    path("uploads/<uuid:upload_id>/", tus.tus_upload, name="tus_upload"),
    path("<uuid:asset_id>/file/", serving.file, name="file"),
    path("<uuid:asset_id>/download/", serving.download, name="download"),
    path("<uuid:asset_id>/thumbnail/", serving.thumbnail, name="thumbnail"),
    path("<uuid:asset_id>/people/<int:number>/", serving.person, name="person"),
    path("<uuid:asset_id>/faces/", serving.faces, name="faces"),
    path("<uuid:asset_id>/peaks/", serving.peaks, name="peaks"),
]
