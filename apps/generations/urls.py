"""Addresses of takes."""

from django.urls import path

from apps.generations import views

app_name = "generations"
urlpatterns = [
    path("<int:number>/", views.take, name="take"),
    path("<int:number>/status/", views.status, name="status"),
    path("<int:number>/cancel/", views.cancel, name="cancel"),
    path("<int:number>/retry/", views.retry, name="retry"),
    path("<int:number>/report.json", views.report, name="report"),
    path("<int:number>/download/", views.download, name="download"),
    path("<int:number>/sound/", views.sound, name="sound"),
    path("<int:number>/code/", views.code, name="code"),
    path("<int:number>/captions/", views.captions, name="captions"),
    path("<int:number>/note/", views.note, name="note"),
]
