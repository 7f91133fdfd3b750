from __future__ import annotations

from collections.abc import Callable

from django.http import HttpResponse
from ninja import Query

from apps.api import boards, cards, paging, schemas, shapes
from apps.api.answers import raw, reply, unchanged
from apps.api.door import Call
from apps.api.fields import Number, PageQuery
from apps.api.idempotency import write
from apps.api.section import Section
from apps.tasks import actions
from apps.tasks.models import Comment, Task
from apps.teams.models import Member

tasks = Section("Tasks")


def done(request: Call, do: Callable[[Member], Task], *, status: int = 200) -> HttpResponse:
    """Do one action on a task and answer with the task as it is then."""
    member = request.auth
    return write(request, do, lambda task: cards.task_as_dict(member, task.number), status=status)


@tasks.get("/board", schemas.Board)
def get_board(request: Call, limit: boards.PerColumn = 200) -> HttpResponse:
    """The five columns with their cards in order. Cards leave out description and metadata."""
    body, etag = boards.board(request.auth, limit)
    return unchanged(request, etag) or raw(body, etag=etag)


@tasks.get("/tasks", schemas.TaskPage)
def list_tasks(request: Call, query: Query[schemas.TasksQuery]) -> HttpResponse:
    """Tasks by number, those in the trash only when asked for."""
    etag = boards.list_etag(request.auth, request.META.get("QUERY_STRING", ""))
    return unchanged(request, etag) or raw(boards.task_page(request.auth, query), etag=etag)


@tasks.post("/tasks", schemas.Task, status=201)
def create_task(request: Call, body: schemas.NewTask) -> HttpResponse:
    """Make a card at the top of To do."""
    return done(request, lambda actor: actions.create_task(actor, **body.given()), status=201)


@tasks.post("/tasks/claim-next", schemas.Task)
def claim_next(request: Call) -> HttpResponse:
    """Claim and start the first ready task, by priority, then age."""
    return done(request, actions.claim_next)


@tasks.get("/tasks/{int:number}", schemas.Task)
def get_task(request: Call, number: Number) -> HttpResponse:
    """One task with everything it says."""
    row, rest = cards.task_row(request.auth, number)
    etag = cards.etag(request.auth, row)
    return unchanged(request, etag) or raw(cards.task_text(request.auth, row, rest), etag=etag)


@tasks.patch("/tasks/{int:number}", schemas.Task)
def edit_task(request: Call, number: Number, body: schemas.TaskChange) -> HttpResponse:
    """Change what a task says."""
    values = body.given()
    version = values.pop("version", None)
    return done(
        request,
        lambda actor: actions.edit_task(actor, number, expected_version=version, **values),
    )


@tasks.delete("/tasks/{int:number}", schemas.Task)
def delete_task(request: Call, number: Number) -> HttpResponse:
    """Put a task in the trash; it no longer blocks others."""
    return done(request, lambda actor: actions.delete_task(actor, number))


@tasks.post("/tasks/{int:number}/restore", schemas.Task)
def restore_task(request: Call, number: Number) -> HttpResponse:
    """Take a task out of the trash, to the top of To do."""
    return done(request, lambda actor: actions.restore_task(actor, number))


@tasks.post("/tasks/{int:number}/claim", schemas.Task)
def claim_task(request: Call, number: Number) -> HttpResponse:
    """Make a ready task yours and start it. The second claimant is refused."""
    return done(request, lambda actor: actions.claim_task(actor, number))


@tasks.post("/tasks/{int:number}/start", schemas.Task)
def start_task(request: Call, number: Number) -> HttpResponse:
    """Start a task of yours, or one that nobody owns."""
    return done(request, lambda actor: actions.start_task(actor, number))


@tasks.post("/tasks/{int:number}/complete", schemas.Task)
def complete_task(request: Call, number: Number) -> HttpResponse:
    """Say that a running task of yours is done."""
    return done(request, lambda actor: actions.complete_task(actor, number))


@tasks.post("/tasks/{int:number}/release", schemas.Task)
def release_task(
    request: Call, number: Number, body: schemas.Release | None = None
) -> HttpResponse:
    """Give a running task back; it is nobody's again."""
    note = body.note if body else ""
    return done(request, lambda actor: actions.release_task(actor, number, note=note))


@tasks.post("/tasks/{int:number}/ask", schemas.Task)
def ask(request: Call, number: Number, body: schemas.Ask) -> HttpResponse:
    """Flag a task of yours as waiting for the lead or a person, with a question."""
    return done(request, lambda actor: actions.ask(actor, number, body.question, of=body.of))


@tasks.post("/tasks/{int:number}/answer", schemas.Task)
def answer(request: Call, number: Number, body: schemas.AnswerText) -> HttpResponse:
    """Answer a task's question; its owner gets the text."""
    return done(request, lambda actor: actions.answer(actor, number, body.text))


@tasks.post("/tasks/{int:number}/position", schemas.Task)
def position_task(request: Call, number: Number, body: schemas.Position) -> HttpResponse:
    """Put a task right before or after another one of its column."""
    return done(
        request,
        lambda actor: actions.position_task(actor, number, before=body.before, after=body.after),
    )


@tasks.put("/tasks/{int:number}/blocked-by/{int:other}", schemas.Task)
def add_blocker(request: Call, number: Number, other: Number) -> HttpResponse:
    """Let a task wait for another one. A circle is refused with its path."""
    return done(request, lambda actor: actions.add_blocker(actor, number, other))


@tasks.delete("/tasks/{int:number}/blocked-by/{int:other}", schemas.Task)
def remove_blocker(request: Call, number: Number, other: Number) -> HttpResponse:
    """Let a task no longer wait for another one."""
    return done(request, lambda actor: actions.remove_blocker(actor, number, other))


@tasks.put("/tasks/{int:number}/related/{int:other}", schemas.Task)
def relate(request: Call, number: Number, other: Number) -> HttpResponse:
    """Note that two tasks have to do with each other."""
    return done(request, lambda actor: actions.relate(actor, number, other))


@tasks.delete("/tasks/{int:number}/related/{int:other}", schemas.Task)
def unrelate(request: Call, number: Number, other: Number) -> HttpResponse:
    """Take the relation back."""
    return done(request, lambda actor: actions.unrelate(actor, number, other))


@tasks.get("/tasks/{int:number}/comments", schemas.CommentPage)
def list_comments(request: Call, number: Number, query: Query[PageQuery]) -> HttpResponse:
    """What was said about a task, oldest first."""
    task = Task.objects.visible_to(request.auth).numbered(number)
    remarks = Comment.objects.filter(task=task).select_related("author", "task")
    remarks = remarks.prefetch_related("artifacts")
    found, more = paging.cut(remarks, query)
    last = found[-1].pk if more else None
    return reply(paging.page([shapes.of_comment(remark) for remark in found], last))


@tasks.post("/tasks/{int:number}/comments", schemas.Comment, status=201)
def add_comment(request: Call, number: Number, body: schemas.NewComment) -> HttpResponse:
    """Say something about a task, with artifacts that were added before."""
    return write(
        request,
        lambda actor: actions.comment(actor, number, body.body, artifacts=body.artifacts),
        shapes.of_comment,
        status=201,
    )


@tasks.get("/graph", schemas.Graph)
def get_graph(request: Call, query: Query[schemas.GraphQuery]) -> HttpResponse:
    """Dependencies: what is ready, an order, the critical path; or a picture as text."""
    return boards.graph_answer(request.auth, query.format)
