from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_POST

from apps.reviews import actions
from apps.reviews.forms import Verdict
from apps.tasks.actions import drop
from apps.tasks.models import Task
from apps.tasks.views.answers import changed
from apps.teams.models import Member
from apps.teams.web import cleaned, seated

Move = Callable[[Member, int], Task]


def moves(said: dict[str, Any]) -> dict[str, Move]:
    """The moves of a review, each with what the request says about it."""
    note, reviewer = said["note"], said["reviewer"] or None
    return {
        "request-review": lambda actor, n: actions.request_review(actor, n, reviewer),
        "approve": lambda actor, n: actions.approve(actor, n, note),
        "request-changes": lambda actor, n: actions.request_changes(actor, n, note),
        "withdraw-review": actions.withdraw_review,
        "reopen": actions.reopen,
        "replace-reviewer": lambda actor, n: actions.replace_reviewer(actor, n, reviewer),
        "resolve-conflict": actions.resolve_conflict,
    }


@require_POST
@seated
def review(request: HttpRequest, member: Member, number: int, verb: str) -> HttpResponse:
    """One move of a review, dropped before or after a card where the request names one."""
    said = cleaned(Verdict(request.POST))
    task = drop(member, number, moves(said)[verb], before=said["before"], after=said["after"])
    return changed(request, member, task)
