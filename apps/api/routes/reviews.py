from __future__ import annotations

from django.http import HttpResponse

from apps.api import schemas
from apps.api.door import Call
from apps.api.fields import Number
from apps.api.routes.tasks import done
from apps.api.section import Section
from apps.core.actions import action
from apps.reviews import actions
from apps.tasks.actions import comment
from apps.tasks.models import Comment, Task
from apps.teams.models import Member

reviews = Section("Reviews")


@reviews.post("/tasks/{int:number}/request-review", schemas.Task)
def request_review(
    request: Call, number: Number, body: schemas.ReviewRequest | None = None
) -> HttpResponse:
    """Ask for a review of done work: by a named reviewer, or by whoever is next."""
    asked = body or schemas.ReviewRequest()
    return done(request, lambda actor: _ask(actor, number, asked))


@action
def _ask(actor: Member, number: int, asked: schemas.ReviewRequest) -> Task:
    """The request, and its note as a remark on the card; both or neither."""
    task = actions.request_review(actor, number, asked.reviewer)
    if asked.note.strip():
        comment(actor, number, asked.note, kind=Comment.Kind.REVIEW_REQUEST)
    return task


@reviews.post("/tasks/{int:number}/approve", schemas.Task)
def approve(request: Call, number: Number, body: schemas.Verdict | None = None) -> HttpResponse:
    """Approve work in review, or done work in one step."""
    note = body.note if body else ""
    return done(request, lambda actor: actions.approve(actor, number, note))


@reviews.post("/tasks/{int:number}/request-changes", schemas.Task)
def request_changes(
    request: Call, number: Number, body: schemas.Verdict | None = None
) -> HttpResponse:
    """Send work in review back to its owner, with what is missing."""
    note = body.note if body else ""
    return done(request, lambda actor: actions.request_changes(actor, number, note))


@reviews.post("/tasks/{int:number}/withdraw-review", schemas.Task)
def withdraw_review(request: Call, number: Number) -> HttpResponse:
    """Take a task out of review without a verdict."""
    return done(request, lambda actor: actions.withdraw_review(actor, number))


@reviews.post("/tasks/{int:number}/reopen", schemas.Task)
def reopen(request: Call, number: Number) -> HttpResponse:
    """Take an approval back."""
    return done(request, lambda actor: actions.reopen(actor, number))


@reviews.post("/tasks/{int:number}/replace-reviewer", schemas.Task)
def replace_reviewer(
    request: Call, number: Number, body: schemas.ReviewRequest | None = None
) -> HttpResponse:
    """Give an open review to another reviewer, the named one or the next."""
    reviewer = body.reviewer if body else None
    return done(request, lambda actor: actions.replace_reviewer(actor, number, reviewer))


@reviews.post("/tasks/{int:number}/resolve-conflict", schemas.Task)
def resolve_conflict(request: Call, number: Number) -> HttpResponse:
    """Let a reviewed task whose work moved on show where its work is."""
    return done(request, lambda actor: actions.resolve_conflict(actor, number))
