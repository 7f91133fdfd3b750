"""Every address of the site; see each app's own list for what lies behind."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path

from apps.tasks.urls import cards
from teams_site.frame import frame_part

urlpatterns = [
    path("teams/<str:slug>/tasks/", include(cards)),  # first: the busiest addresses of the site
    path("", include("apps.claude.urls")),
    path("", include("apps.api.urls")),
    path("", include("apps.core.urls")),
    path("", include("apps.teams.urls")),
    path("", include("apps.messaging.urls")),
    path("", include("apps.reviews.urls")),
    path("", include("apps.tasks.urls")),
    path("frame/", frame_part, name="frame"),
    path("admin/", admin.site.urls),
]
