"""The REST API as a whole."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI

from apps.api import handlers
from apps.api.door import Bearer
from apps.api.openapi import DESCRIPTION, complete
from apps.api.parsing import JsonParser
from apps.api.routes import journal, messages, plans, reviews, tasks, teams

VERSION = "1.0.0"
OF_A_TEAM = (
    teams.team,
    tasks.tasks,
    reviews.reviews,
    plans.plans,
    messages.messages,
    messages.discussions,
    journal.journal,
    journal.files,
    journal.sessions,
)


UNTOUCHED = HttpResponse()


class Api(NinjaAPI):
    """The framework's API with a whole OpenAPI document."""

    def create_temporal_response(self, request: HttpRequest) -> HttpResponse:
        """For operations that only adorn their answer; ours build it, and none asks for this."""
        return UNTOUCHED

    def get_openapi_schema(self, **options: Any) -> Any:
        """The document with errors, headers and examples, which the framework does not know."""
        return complete(super().get_openapi_schema(**options))


api = Api(
    title="Agent Teams",
    version=VERSION,
    description=DESCRIPTION,
    docs_url=None,
    openapi_url=None,
    auth=Bearer(),
    parser=JsonParser(),
    urls_namespace="api",
)
handlers.install(api)
api.add_router("", teams.me.router)
for section in OF_A_TEAM:
    api.add_router("/teams/{slug}", section.router)
