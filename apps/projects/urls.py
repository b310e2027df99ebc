"""Addresses of projects and the workbench."""

from django.urls import path

from apps.projects import check_views, file_views, rerun_views, views

app_name = "projects"
urlpatterns = [
    path("projects/", views.project_list, name="list"),
    path("projects/new/", views.new_project, name="new"),
    path("p/<uuid:project_id>/", views.workbench, name="workbench"),
    path("p/<uuid:project_id>/draft/", views.save_draft, name="draft"),
    path("p/<uuid:project_id>/material/", file_views.material, name="material"),
    path("p/<uuid:project_id>/pick/<slug:place>/", file_views.pick, name="pick"),
    path("p/<uuid:project_id>/generate/", views.generate, name="generate"),
    path("p/<uuid:project_id>/test/", views.test_render, name="test"),
    path("p/<uuid:project_id>/from/<int:number>/", rerun_views.from_take, name="from_take"),
    path("p/<uuid:project_id>/back/", rerun_views.draft_back, name="draft_back"),
    path("p/<uuid:project_id>/models/", file_views.compare, name="compare"),
    path("p/<uuid:project_id>/sounds/", file_views.sounds, name="sounds"),
    path("p/<uuid:project_id>/check/", check_views.check, name="check"),
    path("p/<uuid:project_id>/people/<int:number>/name/", check_views.name_speaker, name="name_speaker"),
    path("p/<uuid:project_id>/recheck/", check_views.recheck, name="recheck"),
    path("p/<uuid:project_id>/takes/", views.takes, name="takes"),
    path("p/<uuid:project_id>/rename/", views.rename, name="rename"),
    path("p/<uuid:project_id>/visibility/", views.visibility, name="visibility"),
    path("p/<uuid:project_id>/delete/", views.delete, name="delete"),
    path("p/<uuid:project_id>/restore/", views.restore, name="restore"),
]
