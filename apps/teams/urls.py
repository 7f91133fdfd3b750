"""Accounts and teams. The board and what is on it are listed by the apps that keep them."""

from __future__ import annotations

from django.urls import path

from apps.teams import views

urlpatterns = [
    path("login/", views.login, name="login"),
    path("logout/", views.logout, name="logout"),
    path("password/", views.password_change, name="password_change"),
    path("setup/<str:token>/", views.setup, name="setup"),
    path("join/<str:invitation>/", views.join, name="join"),
    path("admin/login/", views.admin_login, name="admin_login"),
    path("activity/", views.activity_all, name="activity_all"),
    path("teams/", views.teams, name="teams"),
    path("teams/new/", views.team_new, name="team_new"),
    path("teams/<str:slug>/activity/", views.activity, name="activity"),
    path("teams/<str:slug>/settings/", views.team_settings, name="team_settings"),
    path("teams/<str:slug>/transition/", views.team_transition, name="team_transition"),
    path("teams/<str:slug>/leave/", views.team_leave, name="team_leave"),
    path("teams/<str:slug>/members/", views.members, name="members"),
    path("teams/<str:slug>/members/<int:seat>/", views.member, name="member"),
    path("teams/<str:slug>/members/<int:seat>/end/", views.member_end, name="member_end"),
    path("teams/<str:slug>/members/<int:seat>/return/", views.member_return, name="member_return"),
    path("teams/<str:slug>/members/<int:seat>/tokens/", views.token_create, name="token_create"),
    path(
        "teams/<str:slug>/members/<int:seat>/tokens/<int:token>/revoke/",
        views.token_revoke,
        name="token_revoke",
    ),
    path("teams/<str:slug>/artifacts/", views.files, name="artifacts"),
    path("teams/<str:slug>/artifacts/<int:artifact_id>/", views.file, name="artifact"),
    path(
        "teams/<str:slug>/artifacts/<int:artifact_id>/picture/",
        views.file_picture,
        name="artifact_picture",
    ),
    path(
        "teams/<str:slug>/artifacts/<int:artifact_id>/preview/",
        views.file_preview,
        name="artifact_preview",
    ),
    path(
        "teams/<str:slug>/artifacts/<int:artifact_id>/delete/",
        views.file_delete,
        name="artifact_delete",
    ),
    path("teams/<str:slug>/invitations/", views.invitation_create, name="invitation_create"),
    path(
        "teams/<str:slug>/invitations/<int:invitation>/revoke/",
        views.invitation_revoke,
        name="invitation_revoke",
    ),
]
