from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_POST

from apps.core.errors import NotFound
from apps.tasks import actions
from apps.tasks.forms import Note, Place
from apps.tasks.models import Task
from apps.tasks.views.answers import changed
from apps.teams.models import Member
from apps.teams.web import cleaned, seated

VERBS: dict[str, Callable[[Member, int], Task]] = {
    "claim": actions.claim_task,
    "start": actions.start_task,
    "complete": actions.complete_task,
    "delete": actions.delete_task,
    "restore": actions.restore_task,
}


@require_POST
@seated
def move(request: HttpRequest, member: Member, number: int, verb: str) -> HttpResponse:
    """One verb of the table, dropped before or after a card where the request names one."""
    place = cleaned(Place(request.POST))
    act = VERBS.get(verb)
    if verb == "release":
        note = cleaned(Note(request.POST))["note"]

        def act(actor: Member, number: int) -> Task:
            return actions.release_task(actor, number, note=note)

    if act is None:
        raise NotFound("There is no such move.", code="move_not_found")
    if place["before"] is None and place["after"] is None:
        return changed(request, member, act(member, number))
    task = actions.drop(member, number, act, before=place["before"], after=place["after"])
    return changed(request, member, task)


@require_POST
@seated
def position(request: HttpRequest, member: Member, number: int) -> HttpResponse:
    """Order within the column."""
    place = cleaned(Place(request.POST))
    task = actions.position_task(member, number, before=place["before"], after=place["after"])
    return changed(request, member, task)


@require_POST
@seated
def claim_next(request: HttpRequest, member: Member) -> HttpResponse:
    """The next ready task becomes the member's."""
    return changed(request, member, actions.claim_next(member))
