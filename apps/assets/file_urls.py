"""Addresses of uploads and of the bytes of assets; included by the library's own addresses."""

from django.urls import path

from apps.assets import direct_views, serving, tus

urlpatterns = [
    path("uploads/", tus.tus_create, name="tus_create"),
    path("uploads/<uuid:upload_id>/", tus.tus_upload, name="tus_upload"),
    path("direct/", direct_views.begin, name="direct_begin"),
    path("direct/<uuid:upload_id>/", direct_views.upload, name="direct"),
    path("direct/<uuid:upload_id>/part/", direct_views.part, name="direct_part"),
    path("direct/<uuid:upload_id>/finish/", direct_views.finish, name="direct_finish"),
    path("<uuid:asset_id>/file/", serving.file, name="file"),
    path("<uuid:asset_id>/download/", serving.download, name="download"),
    path("<uuid:asset_id>/thumbnail/", serving.thumbnail, name="thumbnail"),
    path("<uuid:asset_id>/people/<int:number>/", serving.person, name="person"),
    path("<uuid:asset_id>/faces/", serving.faces, name="faces"),
    path("<uuid:asset_id>/captions.vtt", serving.captions, name="captions"),
    path("<uuid:asset_id>/peaks/", serving.peaks, name="peaks"),
]
