"""Pages about the files of Claude Code teams."""

from __future__ import annotations

from django.urls import path

from apps.claude import views

urlpatterns = [
    path("api/v1/claude/sync", views.sync, name="claude_sync"),
    path("api/v1/claude/hook", views.hook, name="claude_hook"),
    path("claude/follow.pyz", views.follow_program, name="claude_program"),
    path("teams/<str:slug>/health/", views.health, name="claude_health"),
    path("teams/<str:slug>/health/<int:number>/", views.take_side, name="claude_take_side"),
]
