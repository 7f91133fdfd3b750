from __future__ import annotations

import base64
from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from typing import Any

from django.core.files.storage import default_storage
from django.db import models
from django.utils import timezone

from apps.api.interchange.tables import (
    FORMAT,
    USERNAME,
    VERSION,
    Model,
    fields_of,
    marked,
    translated,
)
from apps.api.models import Briefed
from apps.core.archive import snapshot
from apps.messaging.models import Delivery, Discussion, Message, Turn
from apps.reviews.models import Plan, PlanDecision, PlanStep, PlanVersion, Review
from apps.tasks.models import Comment, Dependency, Label, Task
from apps.teams.models import AgentSession, Artifact, Event, Member, Team

Row = dict[str, Any]


def export_team(address: str) -> Row:
    """Everything a team is, at one moment, as a document for `import_team`; NotFound without it."""
    with snapshot():
        return Writer(Team.objects.at(address)).document()


class Writer:
    """Writes one team; `keys` leads from a row's id to what stands for it in the document."""

    def __init__(self, team: Team) -> None:
        self.team = team
        self.keys: dict[Model, dict[int, Any]] = {
            Member: dict(team.members.values_list("pk", "name")),
            Task: dict(Task.objects.filter(team=team).values_list("pk", "number")),
            Message: self._numbered(Message.objects.filter(team=team)),
            Artifact: self._numbered(Artifact.objects.filter(team=team)),
            Comment: self._numbered(Comment.objects.filter(task__team=team)),
            Plan: self._numbered(Plan.objects.filter(team=team)),
            Discussion: self._numbered(Discussion.objects.filter(team=team)),
            AgentSession: self._numbered(AgentSession.objects.filter(member__team=team)),
        }

    def _numbered(self, rows: models.QuerySet[Any]) -> dict[int, int]:
        keys = rows.order_by("pk").values_list("pk", flat=True)
        return {key: number for number, key in enumerate(keys, 1)}

    def document(self) -> Row:
        """The whole of it, each section in an order that a reader can follow."""
        team = self.team
        return {
            "format": FORMAT,
            "version": VERSION,
            "exported_at": timezone.now().isoformat(),
            "team": self.row(team),
            "members": self.members(),
            "labels": list(Label.objects.filter(team=team).values_list("name", flat=True)),
            "tasks": self.tasks(),
            "dependencies": self.dependencies(),
            "artifacts": self.artifacts(),
            "comments": self.comments(),
            "messages": self.messages(),
            "discussions": self.discussions(),
            "reviews": self.rows(Review.objects.filter(task__team=team)),
            "plans": self.plans(),
            "sessions": self.rows(AgentSession.objects.filter(member__team=team)),
            "events": [
                {**row, "data": translated(row["data"], self.keys)}
                for row in self.rows(Event.objects.filter(team=team), order="seq")
            ],
        }

    def row(self, one: models.Model) -> Row:
        """One row: its own number where it has one, plain values, and what stands for others."""
        fields = fields_of(type(one))
        own = self.keys.get(type(one), {}).get(one.pk) if type(one) in NUMBERED else None
        told: Row = {} if own is None else {"id": own}
        told |= {field.name: _plain(field.value_from_object(one)) for field in fields.plain}
        for link in fields.links:
            told[link.name] = self.keys[link.related_model].get(getattr(one, link.attname))
        return told

    def rows(self, found: models.QuerySet[Any], order: str = "pk") -> list[Row]:
        """All of them, in order."""
        return [self.row(one) for one in found.order_by(order).iterator(chunk_size=500)]

    def _under(self, found: models.QuerySet[Any], parent: str, *order: str) -> dict[int, list[Row]]:
        """The rows by the row that they are part of."""
        parts: dict[int, list[Row]] = defaultdict(list)
        for one in found.order_by(*order, "pk"):
            parts[getattr(one, parent)].append(self.row(one))
        return parts

    def members(self) -> list[Row]:
        """Seats, the system's too; people by the name of their account."""
        briefed = {row.member_id: row for row in Briefed.objects.filter(member__team=self.team)}
        return [
            self._member(one, briefed.get(one.pk))
            for one in self.team.members.select_related("user").order_by("pk")
        ]

    def _member(self, one: Member, briefed: Briefed | None) -> Row:
        told = self.row(one)
        metadata = dict(one.metadata)
        told[USERNAME] = one.user.username if one.user else metadata.pop(USERNAME, None)
        told["metadata"] = metadata
        told["briefed"] = briefed and {"seq": briefed.seq, "at": _plain(briefed.at)}
        return told

    def tasks(self) -> list[Row]:
        """Cards with their labels, and the numbers of related ones."""
        found = Task.objects.filter(team=self.team).prefetch_related("labels", "related")
        return [
            {
                **self.row(one),
                "labels": sorted(label.name for label in one.labels.all()),
                "related": sorted(other.number for other in one.related.all()),
            }
            for one in found.order_by("number")
        ]

    def dependencies(self) -> list[Row]:
        """Each edge once."""
        edges = Dependency.objects.filter(blocked__team=self.team)
        pairs = sorted(edges.values_list("blocker__number", "blocked__number"))
        return [{"blocker": blocker, "blocked": blocked} for blocker, blocked in pairs]

    def artifacts(self) -> list[Row]:
        """Deliverables with their bytes; null where those were deleted or are missing."""
        found = Artifact.objects.filter(team=self.team).order_by("pk")
        return [{**self.row(one), "content": _content(one)} for one in found]

    def comments(self) -> list[Row]:
        """Remarks with what is attached to them."""
        found = Comment.objects.filter(task__team=self.team).prefetch_related("artifacts")
        return [
            {**self.row(one), "artifacts": self._several(Artifact, one.artifacts.all())}
            for one in found.order_by("pk")
        ]

    def messages(self) -> list[Row]:
        """Messages with every recipient's copy."""
        copies = self._under(Delivery.objects.filter(message__team=self.team), "message_id")
        found = Message.objects.filter(team=self.team).prefetch_related("artifacts")
        return [
            {
                **self.row(one),
                "payload": marked(one.payload, self.keys),
                "artifacts": self._several(Artifact, one.artifacts.all()),
                "deliveries": copies[one.pk],
            }
            for one in found.order_by("pk")
        ]

    def discussions(self) -> list[Row]:
        """Discussions with who takes part, and their turns."""
        turns = self._under(Turn.objects.filter(discussion__team=self.team), "discussion_id")
        found = Discussion.objects.filter(team=self.team).prefetch_related("participants")
        return [
            {
                **self.row(one),
                "participants": self._several(Member, one.participants.all()),
                "turns": turns[one.pk],
            }
            for one in found.order_by("pk")
        ]

    def plans(self) -> list[Row]:
        """Plans with their versions, each with steps and decisions."""
        inside = {"version__plan__team": self.team}
        steps = self._under(PlanStep.objects.filter(**inside), "version_id", "index")
        decisions = self._under(PlanDecision.objects.filter(**inside), "version_id", "stage")
        versions: dict[int, list[Row]] = defaultdict(list)
        for one in PlanVersion.objects.filter(plan__team=self.team).order_by("number"):
            # The name of a request may be made of the plan's id, which is another one elsewhere.
            told = {**self.row(one), "request_id": one.request}
            told |= {"steps": steps[one.pk], "decisions": decisions[one.pk]}
            versions[one.plan_id].append(told)
        found = Plan.objects.filter(team=self.team).order_by("pk")
        return [{**self.row(one), "versions": versions[one.pk]} for one in found]

    def _several(self, model: Model, rows: Iterable[models.Model]) -> list[Any]:
        return sorted(self.keys[model][row.pk] for row in rows if row.pk in self.keys[model])


NUMBERED = frozenset({Message, Artifact, Comment, Plan, Discussion, AgentSession})


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


def _content(artifact: Artifact) -> str | None:
    name = artifact.content.name
    if artifact.deleted_at is not None or not name or not default_storage.exists(name):
        return None
    with artifact.content.open("rb") as file:
        return base64.b64encode(file.read()).decode()
