"""Addresses of comments and links, below those of their take."""

from django.urls import path

from apps.reviews import views

app_name = "reviews"
urlpatterns = [
    path("comments/", views.comments, name="comments"),
    path("comments/new/", views.comment, name="comment"),
    path("comments/<uuid:comment_id>/delete/", views.delete_comment, name="delete_comment"),
    path("comments/<uuid:comment_id>/restore/", views.restore_comment, name="restore_comment"),
    path("share/", views.share, name="share"),
    path("share/<uuid:link_id>/revoke/", views.revoke, name="revoke"),
]
