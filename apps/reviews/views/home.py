from __future__ import annotations

from datetime import timedelta
from typing import Any, cast

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from apps.core.htmx import htmx
from apps.messaging.letters import Letter
from apps.reviews.actions import mark_digest_seen
from apps.reviews.digest import digest_of
from apps.reviews.needs import Need, needs_of
from apps.reviews.reviewers import next_in, turn_of
from apps.reviews.scope import Scope
from apps.reviews.sheet import rendered, sheet_for
from apps.reviews.start import first_steps
from apps.tasks.models import Task
from apps.teams.models import User

REMARKS = 5
LISTED = 100


@require_safe
@login_required
def home(request: HttpRequest) -> HttpResponse:
    """What waits for me, and the chosen thing with all that is needed to settle it.

    For htmx the list alone, or the thing alone.
    """
    user = cast(User, request.user)
    scope = Scope.of(user)
    needs = needs_of(scope)
    wanted = request.GET.get("item", "")
    chosen = _choose(needs, wanted)
    shown = needs[:LISTED]
    context: dict[str, Any] = {"needs": needs, "shown": shown, "chosen": chosen, "wanted": wanted}
    if htmx(request).target == "needs-list":
        return render(request, "reviews/home.html#list", context)
    if chosen is not None:
        context |= {"member": chosen.seat} | _details(chosen)
    if htmx(request).target == "need":
        return render(request, "reviews/home.html#need", context | {"is_open": True})
    context |= {"scope": scope, "steps": first_steps(scope), "is_open": bool(wanted)}
    context.pop("member", None)
    return render(request, "reviews/home.html", context | {"is_home": True})


def _choose(needs: list[Need], wanted: str) -> Need | None:
    if not wanted:
        return needs[0] if needs else None
    return next((need for need in needs if need.key == wanted), None)


def _details(need: Need) -> dict[str, Any]:
    """What the pane on the right shows of one need, in a few queries whatever it is."""
    if need.kind == "plan":
        return {"sheet": sheet_for(need.thing, need.seat)}
    if need.kind in ("mention", "permission"):
        letter = Letter(need.thing.message, need.thing, [], None, may_answer=True)
        texts = [rendered(need.team, text) for text in letter.texts]
        return {"message": letter.message, "texts": texts, "facts": letter.facts}
    task = Task.objects.with_people().get(pk=need.thing.pk)
    task.team = need.team
    return _of_card(need, task)


def _of_card(need: Need, task: Task) -> dict[str, Any]:
    found: dict[str, Any] = {
        "task": task,
        "turn": turn_of(task),
        "body": rendered(need.team, task.description),
        "rounds": list(task.reviews.with_people().order_by("-round")[:REMARKS]),
    }
    remarks = task.comments.select_related("author").order_by("-created_at", "-pk")
    found["remarks"] = list(remarks.prefetch_related("artifacts")[:REMARKS])[::-1]
    if need.kind == "replace":
        absent = (task.owner_id, task.reviewer_id)
        found["next"] = next_in(need.team, *(pk for pk in absent if pk is not None))
    return found


@require_safe
@login_required
def digest(request: HttpRequest) -> HttpResponse:
    """What happened since I was last here, per team: a part of the home page, for htmx."""
    if not htmx(request):
        return redirect("home")
    user = cast(User, request.user)
    since = user.digest_seen_at or max(user.date_joined, timezone.now() - timedelta(days=7))
    context = {"digests": digest_of(Scope.of(user), since), "since": since}
    return render(request, "reviews/digest.html", context)


@require_POST
@login_required
def digest_seen(request: HttpRequest) -> HttpResponse:
    """From now on the digest tells what happens after this moment."""
    mark_digest_seen(cast(User, request.user))
    if htmx(request):
        return digest_empty(request)
    return redirect("home")


def digest_empty(request: HttpRequest) -> HttpResponse:
    """The digest right after it was read."""
    context = {"digests": [], "since": timezone.now()}
    return render(request, "reviews/digest.html", context)
