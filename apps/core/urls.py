"""Signs of life and help."""

from __future__ import annotations

from django.urls import path

from apps.core import views

urlpatterns = [
    path("healthz", views.healthz, name="healthz"),
    path("readyz", views.readyz, name="readyz"),
    path("favicon.ico", views.favicon, name="favicon"),
    path("help/", views.help_index, name="help"),
    path("help/<str:topic>/", views.help_topic, name="help_topic"),
]
