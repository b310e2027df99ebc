"""Addresses of a workspace's people, below the workspace."""

from django.urls import path

from apps.workspaces import views

app_name = "people"
urlpatterns = [
    path("members/", views.people, name="members"),
    path("members/leave/", views.leave, name="leave"),
    path("members/<int:member_id>/role/", views.member_role, name="role"),
    path("members/<int:member_id>/remove/", views.member_remove, name="remove"),
    path("members/<int:member_id>/transfer/", views.transfer, name="transfer"),
    path("members/invitations/<uuid:invitation_id>/again/", views.invitation_again, name="invitation_again"),
    path("members/invitations/<uuid:invitation_id>/revoke/", views.invitation_revoke, name="invitation_revoke"),
    path("settings/", views.workspace_settings, name="settings"),
    path("settings/close/", views.close, name="close"),
    path("activity/", views.activity, name="activity"),
]
