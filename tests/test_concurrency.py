"""Many at one moment: one wins, the others are told, and nobody sees another error."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import partial

import pytest
from django.db import connection

from apps.core.actions import action, writers
from apps.core.errors import Conflict
from apps.tasks import actions
from apps.tasks.models import Dependency, Task
from apps.teams import actions as teams
from apps.teams.access import mark_seen
from apps.teams.models import AgentSession, Event, Invitation, Member, Team, Token
from tests.conftest import Cast, make_cast, person
from tests.together import together

pytestmark = pytest.mark.django_db(transaction=True)


def seats(cast: Cast, count: int) -> list[Member]:
    """So many agents, each as read by a request of its own."""
    Team.objects.filter(pk=cast.team.pk).update(max_members=count + 10)
    made = [teams.add_member(cast.alice, f"agent-{number}") for number in range(count)]
    found = Member.objects.select_related("team").in_bulk([member.pk for member in made])
    return [found[member.pk] for member in made]


def again(member: Member) -> Member:
    """The same seat in the hands of another request."""
    return Member.objects.select_related("team").get(pk=member.pk)


def no_gaps(cast: Cast) -> list[str]:
    """The kinds in the journal, whose numbers must have no gaps."""
    rows = list(Event.objects.filter(team=cast.team).order_by("seq"))
    assert [row.seq for row in rows] == list(range(1, len(rows) + 1))
    assert Team.objects.get(pk=cast.team.pk).seq == len(rows)
    return [row.kind for row in rows]


def codes(results: list[object]) -> dict[str, int]:
    """How often each outcome came: `ok`, or the code of a Conflict; anything else is an error."""
    counts: dict[str, int] = {}
    for result in results:
        assert not isinstance(result, Exception) or isinstance(result, Conflict), repr(result)
        key = result.code if isinstance(result, Conflict) else "ok"
        counts[key] = counts.get(key, 0) + 1
    return counts


def test_a_hundred_claim_one_task_and_one_gets_it() -> None:
    cast = make_cast()
    actions.create_task(cast.alice, "Wanted")
    agents = seats(cast, 100)
    results = together([partial(actions.claim_task, agent, 1) for agent in agents])
    assert codes(list(results)) == {"ok": 1, "task_taken": 99}
    (won,) = (result for result in results if isinstance(result, Task))
    owner = Task.objects.get().owner
    assert owner is not None
    assert owner == won.owner
    lost = {r.details["owner"] for r in results if isinstance(r, Conflict)}
    assert lost == {owner.name}
    assert no_gaps(cast).count("task.claimed") == 1


def test_the_next_of_forty_goes_to_one_each() -> None:
    cast = make_cast()
    for number in range(40):
        actions.create_task(cast.alice, f"Card {number}")

    def take_all(agent: Member) -> list[int]:
        taken = []
        while True:
            try:
                taken.append(actions.claim_next(agent).number)
            except Conflict as refusal:
                return taken if refusal.code == "nothing_ready" else []

    agents = seats(cast, 8)
    results = together([partial(take_all, agent) for agent in agents])
    assert all(isinstance(result, list) for result in results), results
    taken = [number for result in results for number in result]  # type: ignore[union-attr]
    assert sorted(taken) == list(range(1, 41))
    owned = dict(Task.objects.values_list("number", "owner__name"))
    for agent, result in zip(agents, results, strict=True):
        assert {owned[number] for number in result} <= {agent.name}  # type: ignore[union-attr]
    assert no_gaps(cast).count("task.claimed") == 40


def test_limits_hold_when_many_start_at_once() -> None:
    cast = make_cast()
    teams.change_team(cast.alice, wip_limits={"in_progress": 3})
    for number in range(12):
        actions.create_task(cast.alice, f"Card {number}")
    works = [
        partial(actions.claim_task, agent, number)
        for number, agent in enumerate(seats(cast, 12), 1)
    ]
    assert codes(list(together(works))) == {"ok": 3, "wip_limit": 9}
    assert Task.objects.filter(status="in_progress").count() == 3


def test_of_two_editors_of_one_version_one_wins() -> None:
    cast = make_cast()
    actions.create_task(cast.alice, "Card")
    works = [
        partial(actions.edit_task, again(actor), 1, expected_version=1, subject=subject)
        for actor, subject in ((cast.alice, "Hers"), (cast.bob, "His"))
    ]
    results = together(works)
    assert codes(list(results)) == {"ok": 1, "stale": 1}
    (won,) = (result for result in results if isinstance(result, Task))
    task = Task.objects.get()
    assert (task.subject, task.version) == (won.subject, 2)


def test_no_change_is_lost_when_many_edit() -> None:
    cast = make_cast()
    actions.create_task(cast.alice, "Card")
    works: list[Callable[[], object]] = [
        partial(actions.edit_task, again(cast.hal), 1, metadata={f"key-{number}": 1})
        for number in range(16)
    ]
    works += [partial(actions.comment, again(cast.iris), 1, "Seen.") for _ in range(8)]
    assert codes(list(together(works))) == {"ok": 24}
    task = Task.objects.get()
    assert task.metadata == {f"key-{number}": 1 for number in range(16)}
    assert (task.comment_count, task.version) == (8, 25)


def test_numbers_are_given_once() -> None:
    cast = make_cast()
    works = [
        partial(actions.create_task, again(cast.bob), f"Card {number}") for number in range(24)
    ]
    assert codes(list(together(works))) == {"ok": 24}
    assert set(Task.objects.values_list("number", flat=True)) == set(range(1, 25))
    positions = Task.objects.values_list("position", flat=True)
    assert len(set(positions)) == 24
    no_gaps(cast)


def test_two_edges_that_would_close_a_circle_together() -> None:
    cast = make_cast()
    for _ in range(2):
        actions.create_task(cast.alice, "Card")
    for _ in range(5):
        works = [
            partial(actions.add_blocker, again(cast.alice), 1, 2),
            partial(actions.add_blocker, again(cast.bob), 2, 1),
        ]
        assert codes(list(together(works))) == {"ok": 1, "cycle": 1}
        Dependency.objects.all().delete()


def test_places_in_a_column_stay_an_order() -> None:
    cast = make_cast()
    for number in range(6):
        actions.create_task(cast.alice, f"Card {number}")
    works = [
        partial(actions.position_task, again(cast.bob), number, before=number % 6 + 1)
        for number in [1, 2, 3, 4, 5, 6] * 4
    ]
    assert codes(list(together(works))) == {"ok": 24}
    places = list(Task.objects.visible_to(cast.alice).in_column("todo").values_list("position"))
    assert len(set(places)) == 6
    no_gaps(cast)


def test_a_single_use_invitation_seats_one() -> None:
    cast = make_cast()
    _, link = teams.create_invitation(cast.alice)
    people = [person("ida"), person("ivo")]
    results = together([partial(teams.accept_invitation, link, user) for user in people])
    assert codes(list(results)) == {"ok": 1, "invitation_over": 1}
    assert Invitation.objects.get().uses == 1
    assert cast.team.members.filter(user__in=people).count() == 1


def test_one_person_opening_a_link_twice_gets_one_seat() -> None:
    cast = make_cast()
    _, link = teams.create_invitation(cast.alice, max_uses=9)
    user = person("ida")
    results = together([partial(teams.accept_invitation, link, user)] * 4)
    assert codes(list(results)) == {"ok": 4}
    assert cast.team.members.filter(user=user).count() == 1
    assert Invitation.objects.get().uses == 1


def test_the_last_seat_is_taken_once() -> None:
    cast = make_cast()
    teams.change_team(cast.alice, max_members=6)
    works = [partial(teams.add_member, again(cast.alice), f"agent-{number}") for number in range(8)]
    assert codes(list(together(works))) == {"ok": 1, "team_full": 7}
    assert cast.team.members.seated().count() == 6


def test_two_leaders_do_not_both_leave() -> None:
    cast = make_cast()
    teams.change_member(cast.alice, "bob", role="leader")
    works = [partial(teams.end_seat, again(seat), seat.name) for seat in (cast.alice, cast.bob)]
    assert codes(list(together(works))) == {"ok": 1, "last_leader": 1}


def test_one_address_is_given_once() -> None:
    founders = [person(name) for name in ("ida", "ivo", "iva")]
    results = together([partial(teams.create_team, user, "new-team") for user in founders])
    assert codes(list(results)) == {"ok": 1, "slug_taken": 2}
    assert Team.objects.count() == 1


def test_disbanding_meanwhile_lets_nobody_keep_working() -> None:
    cast = make_cast()
    for number in range(8):
        actions.create_task(cast.alice, f"Card {number}")
    works: list[Callable[[], object]] = [
        partial(actions.claim_task, agent, number) for number, agent in enumerate(seats(cast, 8), 1)
    ]
    works.insert(4, partial(teams.transition_team, again(cast.alice), "disbanded"))
    counts = codes(list(together(works)))
    assert counts["ok"] + counts.get("team_not_active", 0) == 9
    assert not Task.objects.filter(status="in_progress").exists()
    kinds = no_gaps(cast)
    assert "task.claimed" not in kinds[kinds.index("team.moved", 8) + 1 :]


def test_heartbeats_and_ends_of_seats_do_not_block_each_other() -> None:
    cast = make_cast()
    agents = seats(cast, 6)
    runs = [teams.start_session(agent) for agent in agents]
    Member.objects.update(last_seen_at=None)
    beating = [again(agent) for agent in agents]

    def beat(member: Member, run: AgentSession) -> object:
        for _ in range(10):
            member.last_seen_at = None  # each beat writes
            try:
                teams.heartbeat(member, run.pk)
            except Exception as error:
                if getattr(error, "code", "") == "session_not_found":
                    return "ended"
                raise
            mark_seen(member)
        return "alive"

    works: list[Callable[[], object]] = [
        partial(beat, member, run) for member, run in zip(beating, runs, strict=True)
    ]
    works += [partial(teams.end_seat, again(cast.alice), agent.name) for agent in agents]
    assert codes(list(together(works))) == {"ok": 12}
    assert not AgentSession.objects.filter(ended_at=None).exists()
    assert not Token.objects.filter(revoked_at=None).exists()


def test_writers_are_served_in_the_order_they_came() -> None:
    if connection.vendor != "sqlite":
        pytest.skip("only SQLite has one queue of writers")
    cast = make_cast()
    held, let_go = threading.Event(), threading.Event()

    @action
    def hold() -> None:
        held.set()
        assert let_go.wait(20)

    def run(work: Callable[[], object]) -> threading.Thread:
        def body() -> None:
            try:
                work()
            finally:
                connection.close()

        thread = threading.Thread(target=body)
        thread.start()
        return thread

    threads = [run(hold)]
    assert held.wait(20)
    for number in range(12):
        actor = again(cast.bob)
        threads.append(run(partial(actions.create_task, actor, f"Card {number}")))
        deadline = time.monotonic() + 20
        while len(writers) <= number:
            assert time.monotonic() < deadline
            time.sleep(0.001)
    let_go.set()
    for thread in threads:
        thread.join(20)
    made = Task.objects.order_by("number").values_list("subject", flat=True)
    assert list(made) == [f"Card {number}" for number in range(12)]
