"""Addresses of spoken text, and of the keys of its providers."""

from django.urls import path

from apps.desk import speech_views, voice_views

app_name = "speech"
urlpatterns = [
    path("speech/", speech_views.speak, name="speak"),
    path("speech/preview/", speech_views.preview, name="preview"),
    path("speech/<uuid:job_id>/", speech_views.job, name="job"),
    path("voices/", voice_views.voices, name="voices"),
    path("voices/<str:provider>/key/", voice_views.set_key, name="key"),
    path("voices/<str:provider>/test/", voice_views.test, name="test"),
    path("voices/<str:provider>/remove/", voice_views.remove, name="remove"),
]
