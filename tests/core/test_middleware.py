from __future__ import annotations

import pytest
from django.contrib.sessions.backends.db import SessionStore
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory

from apps.core.middleware import PageMessages


@pytest.mark.parametrize(
    ("path", "kept"), [("/teams/", True), ("/admin/", True), ("/api/v1/me", False)]
)
def test_pages_keep_messages_and_the_api_does_not(path: str, *, kept: bool) -> None:
    def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse(str(hasattr(request, "_messages")))

    request = RequestFactory().get(path, headers={"Authorization": "Bearer of a proxy"})
    request.session = SessionStore()
    assert PageMessages(view)(request).content.decode() == str(kept)
