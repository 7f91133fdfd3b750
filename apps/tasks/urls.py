"""The board and its cards. Boards come after the addresses of teams: `teams/new/` is none."""

from __future__ import annotations

from django.urls import path

from apps.tasks import views

TEAM = "teams/<str:slug>/"
TASK = "<int:number>/"

# Cards have a place of their own under the team, and are asked for most.
cards = [
    path("new/", views.new, name="task_new"),
    path("names/", views.names, name="task_names"),
    path("claim-next/", views.claim_next, name="task_claim_next"),
    path(TASK, views.task, name="task"),
    path(TASK + "edit/", views.edit, name="task_edit"),
    path(TASK + "position/", views.position, name="task_position"),
    path(TASK + "comment/", views.comment, name="task_comment"),
    path(TASK + "ask/", views.ask, name="task_ask"),
    path(TASK + "answer/", views.answer, name="task_answer"),
    path(TASK + "blocked-by/", views.blocker_add, name="task_blocker_add"),
    path(TASK + "blocked-by/<int:other>/remove/", views.blocker_remove, name="task_blocker_remove"),
    path(TASK + "related/", views.related_add, name="task_related_add"),
    path(TASK + "related/<int:other>/remove/", views.related_remove, name="task_related_remove"),
    *(
        path(f"{TASK}{verb}/", views.move, {"verb": verb}, name=f"task_{verb}")
        for verb in ("claim", "start", "complete", "release", "delete", "restore")
    ),
]
urlpatterns = [
    path(TEAM, views.board, name="board"),
    path(TEAM + "column/<str:column>/", views.column, name="column"),
    path(TEAM + "flow/", views.flow, name="flow"),
    path(TEAM + "graph/", views.graph, name="graph"),
    path(TEAM + "trash/", views.trash, name="trash"),
]
