from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from typing import Any

from django.core.files.base import ContentFile
from django.db import DatabaseError, IntegrityError, transaction

from apps.api.interchange.rows import BATCH, Row, Store
from apps.api.interchange.tables import (
    USERNAME,
    translated,
    unmarked,
)
from apps.api.interchange.values import (
    build,
    check_format,
    ids,
    keys_in,
    listed,
    moment,
    need,
    told,
    wrong,
)
from apps.api.models import Briefed
from apps.core.actions import action
from apps.core.errors import Conflict, Invalid
from apps.core.text import fold
from apps.messaging.models import Delivery, Discussion, Message, Turn
from apps.reviews.models import Plan, PlanDecision, PlanStep, PlanVersion, Review
from apps.tasks.graph import Node, topological_order
from apps.tasks.models import Comment, Dependency, Label, Task, label_key
from apps.teams.artifacts import drop_bytes
from apps.teams.models import AgentSession, Artifact, Event, Member, Team, User
from apps.teams.names import MEMBER, RESERVED, check_slug
from apps.teams.permissions import Kind


def import_team(document: Any, *, slug: str = "") -> Team:
    """The team of a document, whole or not at all, at its own address or at `slug`.

    People take their seats again where an account of the same user name exists. A document that is
    none is Invalid with what is wrong in it, an address in use a Conflict.
    """
    check_format(document)
    files: list[Artifact] = []
    try:
        return _import(document, slug, files)
    except BaseException as error:
        for artifact in files:
            drop_bytes(artifact)
        if isinstance(error, DatabaseError):
            raise Invalid(
                f"The document contradicts itself: {str(error).splitlines()[0]}.",
                code="bad_document",
                hint="A name or a number may be there twice.",
            ) from error
        raise


LATER = ("reply_to", "thread")


@action
def _import(document: Row, slug: str, files: list[Artifact]) -> Team:
    reader = Reader(document, files)
    reader.team(slug)
    reader.members()
    reader.tasks()
    reader.dependencies()
    reader.artifacts()
    reader.comments()
    reader.messages()
    reader.discussions()
    reader.plain(Review, "reviews")
    reader.plans()
    reader.keyed(AgentSession, "sessions")
    reader.payloads()
    reader.events()
    return reader.found


class Reader(Store):
    """Reads one document, a section after those that it refers to."""

    found: Team

    def __init__(self, document: Row, files: list[Artifact]) -> None:
        super().__init__(document)
        self.files = files
        self.later: list[tuple[Message, str, Row]] = []

    def team(self, slug: str) -> None:
        """The team itself, at a free address."""
        self.found = build(Team, told(self.document, "team"), "team", self.keys)
        self.found.slug = check_slug(slug or self.found.slug)
        try:
            with transaction.atomic():
                self.found.save(force_insert=True)
        except IntegrityError:
            raise Conflict(
                f"A team with the address “{self.found.slug}” already exists.",
                code="slug_taken",
                hint="Choose another one with --slug.",
            ) from None

    def members(self) -> None:
        """The seats, with people's accounts where they have one here."""
        rows = listed(self.document, "members")
        names = [row.get(USERNAME) for _, row in rows]
        users = {
            user.username: user for user in User.objects.filter(username__in=filter(None, names))
        }
        seats = [self._seat(row, where, users) for where, row in rows]
        self.insert(Member, seats, [seat.name for seat in seats])
        briefed = [
            Briefed(
                member=seat, seq=need(row["briefed"], "seq", int, where),
                at=moment(row["briefed"].get("at"), where),
            )
            for seat, (where, row) in zip(seats, rows, strict=True) if row.get("briefed")
        ]  # fmt: skip
        Briefed.objects.bulk_create(briefed, batch_size=BATCH)

    def _seat(self, row: Row, where: str, users: Mapping[str, User]) -> Member:
        seat = build(Member, row, where, self.keys, known={USERNAME, "briefed"})
        if not _may_be_called(seat):
            raise wrong(where, f"a seat of this kind cannot be called “{seat.name}”")
        seat.team, seat.key = self.found, fold(seat.name)
        username = str(row.get(USERNAME) or "")
        seat.user = users.get(username) if seat.kind == Kind.HUMAN else None
        if username and seat.user is None:
            seat.metadata = {**seat.metadata, USERNAME: username}
        return seat

    def tasks(self) -> None:
        """Labels, and cards with theirs and with what they are related to.

        Labels that differ in case alone, as earlier documents may have them, become the first.
        """
        names = keys_in(self.document, "labels", "The file")
        if len(set(names)) != len(names):
            raise wrong("labels", "two of them are called the same")
        labels: dict[str, Label] = {}
        for name in map(str, names):
            labels.setdefault(label_key(name), Label.called(self.found, name))
        Label.objects.bulk_create(labels.values(), batch_size=BATCH)
        rows = listed(self.document, "tasks")
        cards = [
            build(Task, row, where, self.keys, known={"labels", "related"}, team=self.found)
            for where, row in rows
        ]
        if any(not 0 < card.number <= self.found.task_watermark for card in cards):
            raise wrong("tasks", "a number is over the team's task_watermark")
        self.insert(Task, cards, [card.number for card in cards])
        numbers, words = self.keys[Task], {name: labels[label_key(str(name))].pk for name in names}
        self.link(Task.labels.through, "task_id", "label_id", rows, cards, "labels", words)
        self.link(Task.related.through, "from_task_id", "to_task_id", rows, cards, "related",
                  numbers)  # fmt: skip

    def dependencies(self) -> None:
        """Who waits for whom; a circle is refused."""
        rows = listed(self.document, "dependencies")
        numbers = self.keys[Task]
        pairs = []
        for where, row in rows:
            edge = [need(row, name, int, where) for name in ("blocker", "blocked")]
            if not numbers.keys() >= set(edge):
                raise wrong(where, "it names a task that is not in the document")
            pairs.append((numbers[edge[0]], numbers[edge[1]]))
        if cycle := topological_order([Node(pk, "") for pk in numbers.values()], pairs).cycle:
            back = {pk: number for number, pk in numbers.items()}
            names = ", ".join(f"#{back[pk]}" for pk in cycle)
            raise wrong("dependencies", f"{names} wait for each other")
        Dependency.objects.bulk_create(
            (Dependency(blocker_id=a, blocked_id=b) for a, b in pairs), batch_size=BATCH
        )

    def artifacts(self) -> None:
        """Deliverables; their bytes must be those that they were."""
        rows = listed(self.document, "artifacts")
        made = []
        for where, row in rows:
            one = build(Artifact, row, where, self.keys, known={"id", "content"}, team=self.found)
            if row.get("content") is not None:
                content = _bytes(row["content"], one, where)
                self.files.append(one)
                one.content.save(one.name, ContentFile(content), save=False)
            made.append(one)
        self.insert(Artifact, made, ids(rows))

    def comments(self) -> None:
        """Remarks with what is attached to them."""
        rows = listed(self.document, "comments")
        made = [
            build(Comment, row, where, self.keys, known={"id", "artifacts"}) for where, row in rows
        ]
        self.insert(Comment, made, ids(rows))
        self.link(Comment.artifacts.through, "comment_id", "artifact_id", rows, made, "artifacts",
                  self.keys[Artifact])  # fmt: skip

    def messages(self) -> None:
        """Messages with everybody's copies; what they refer to is filled in by `payloads`."""
        rows = listed(self.document, "messages")
        more = {"id", "artifacts", "deliveries"}
        made = [
            build(Message, {k: v for k, v in row.items() if k not in LATER}, where, self.keys,
                  known=more, team=self.found)
            for where, row in rows
        ]  # fmt: skip
        self.insert(Message, made, ids(rows))
        self.later = [(one, *placed) for one, placed in zip(made, rows, strict=True)]
        self.inner(Delivery, rows, made, "deliveries", "message")
        self.link(Message.artifacts.through, "message_id", "artifact_id", rows, made, "artifacts",
                  self.keys[Artifact])  # fmt: skip

    def payloads(self) -> None:
        """What messages refer to: earlier ones, and whatever their payloads name."""
        changed = []
        for one, where, row in self.later:
            for name in LATER:
                key = row.get(name)
                value = None if key is None else self.keys[Message].get(need(row, name, int, where))
                setattr(one, f"{name}_id", value)
            payload = unmarked(one.payload, self.keys)
            if one.reply_to_id or one.thread_id or payload != one.payload:
                one.payload = payload
                changed.append(one)
        Message.objects.bulk_update(changed, ["reply_to", "thread", "payload"], batch_size=100)

    def discussions(self) -> None:
        """Discussions with who takes part, and their turns."""
        rows = listed(self.document, "discussions")
        made = [
            build(Discussion, row, where, self.keys, known={"id", "participants", "turns"},
                  team=self.found)
            for where, row in rows
        ]  # fmt: skip
        self.insert(Discussion, made, ids(rows))
        self.inner(Turn, rows, made, "turns", "discussion")
        self.link(Discussion.participants.through, "discussion_id", "member_id", rows, made,
                  "participants", self.keys[Member])  # fmt: skip

    def plans(self) -> None:
        """Plans with their versions, each with steps and decisions."""
        rows = listed(self.document, "plans")
        made = [
            build(Plan, row, where, self.keys, known={"id", "versions"}, team=self.found)
            for where, row in rows
        ]
        self.insert(Plan, made, ids(rows))
        more = {"steps", "decisions"}
        versions, texts = self.inner(PlanVersion, rows, made, "versions", "plan", known=more)
        self.inner(PlanStep, versions, texts, "steps", "version")
        self.inner(PlanDecision, versions, texts, "decisions", "version")

    def events(self) -> None:
        """The journal, without a gap up to the team's last number."""
        rows = listed(self.document, "events")
        made = [build(Event, row, where, self.keys, team=self.found) for where, row in rows]
        first = self.found.seq - len(made) + 1
        if [one.seq for one in made] != list(range(first, self.found.seq + 1)) or first < 1:
            raise wrong("events", "the journal has a gap, or does not end at the team's seq")
        for one in made:
            one.data = translated(one.data, self.keys)
        Event.objects.bulk_create(made, batch_size=BATCH)


def _may_be_called(seat: Member) -> bool:
    if seat.kind == Kind.SYSTEM:
        return seat.name == "system"
    return bool(MEMBER.fullmatch(seat.name)) and fold(seat.name) not in RESERVED


def _bytes(text: Any, artifact: Artifact, where: str) -> bytes:
    try:
        content = base64.b64decode(text, validate=True)
    except (ValueError, TypeError):
        raise wrong(where, "its content is not base64") from None
    if artifact.sha256 and hashlib.sha256(content).hexdigest() != artifact.sha256:
        raise wrong(where, "its content is not what its sha256 says")
    return content
