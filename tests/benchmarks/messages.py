"""Sending and reading at the level of actions, beside a large inbox and many at once.

    python tests/benchmarks/messages.py [OLD_MESSAGES] [SENT]

In a test database of its own (`DATABASE_URL` decides which). Prints the time of a send and of a
page with few and with many messages in the inbox, and what came of SENT messages from 8 senders
while 4 readers drain the inbox.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
import tests.benchmarks.inside  # noqa: F401  # isort: skip

from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.messaging.actions import deliver, mark_read, send_message
from apps.messaging.inbox import inbox, of_team, unread_count
from apps.messaging.models import Delivery, Message
from apps.teams.actions import add_member, create_team, transition_team
from apps.teams.models import Event, Member, Team, User
from tests.benchmarks.harness import percentile, report

FEW, ROUNDS, SENDERS, READERS = 100, 400, 8, 4


def team_of(slug: str) -> tuple[Member, list[Member]]:
    """An active team: its leader and eight agents."""
    user, _ = User.objects.get_or_create(username="bench")
    team = create_team(user, slug, max_members=50, require_plan_approval=False)
    leader = seat(team.members.get(name="bench").pk)
    transition_team(leader, "active")
    agents = [add_member(leader, f"agent-{number}") for number in range(SENDERS)]
    return leader, [seat(agent.pk) for agent in agents]


def seat(pk: int) -> Member:
    """A seat as a request loads it."""
    return Member.objects.select_related("team").get(pk=pk)


def fill(sender: Member, recipient: Member, number: int) -> None:
    """`number` unread messages in the recipient's inbox."""
    for start in range(0, number, 5_000):
        part = range(start, min(number, start + 5_000))
        messages = Message.objects.bulk_create(
            Message(team_id=sender.team_id, sender=sender, message_id=f"{sender.pk}-{i}",
                    body=f"Message {i} with some words in it. " * 4)
            for i in part
        )  # fmt: skip
        Delivery.objects.bulk_create(
            Delivery(message=message, recipient=recipient) for message in messages
        )
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE messaging_message")
            cursor.execute("VACUUM ANALYZE messaging_delivery")


def timed(work: Callable[[], object], times: int) -> list[float]:
    """Milliseconds of each call."""
    took = []
    for _ in range(times):
        start = time.perf_counter()
        work()
        took.append((time.perf_counter() - start) * 1000)
    return took


def measured(work: Callable[[], object]) -> str:
    """Queries of a call, the milliseconds of the database for them, and those of all of it."""
    work()
    with CaptureQueriesContext(connection) as queries:
        work()

    def ask() -> None:
        with connection.cursor() as cursor:
            for query in queries:
                cursor.execute(query["sql"].replace("%", "%%"), [])
                cursor.fetchall()

    database, total = min(timed(ask, 7)), min(timed(work, 7))
    return f"{len(queries)}: {database:.1f} of {total:.1f}"


def sizes(old: int) -> None:
    """A send and the pages, with few and with many messages in the inbox."""
    rows, sends = [], {}
    inboxes = {FEW: team_of("few"), old: team_of("many")}
    for number, (leader, agents) in inboxes.items():
        fill(agents[0], leader, number)
    # In turns, so that whatever else the machine does meets both alike.
    took: dict[int, list[float]] = {number: [] for number in inboxes}
    for _ in range(ROUNDS // 20):
        for number, (leader, agents) in inboxes.items():
            took[number] += timed(
                lambda to=leader, who=agents[1]: send_message(who, to=[to.name], body="Hello."), 20
            )
    for number, (leader, _) in inboxes.items():
        sends[number] = percentile(took[number], 50)
        pages = {
            "unread page": lambda who=leader: inbox(who, unread=True).items,
            "newest page": lambda who=leader: inbox(who, order="newest").items,
            "rare sender": lambda who=leader: inbox(who, sender="agent-7").items,
            "rare word": lambda who=leader: inbox(who, q="zebra").items,
            "team page": lambda who=leader: of_team(who).items,
            "count": lambda who=leader: unread_count(who),
        }
        row: dict[str, Any] = {"in the inbox": number, "send p50 ms": sends[number],
                               "send p99 ms": percentile(took[number], 99)}  # fmt: skip
        for name, work in pages.items():
            row[name] = measured(work)
        rows.append(row)
    title = f"Sends and pages, {connection.vendor} (pages: queries: ms in the database of all)"
    report(title, rows)
    print(f"  send p50, many ÷ few: {sends[old] / sends[FEW]:.2f}")


def crowd(total: int) -> None:
    """Eight senders and four readers on one inbox."""
    leader, agents = team_of("crowd")
    each = total // SENDERS
    total = each * SENDERS
    got: Counter[int] = Counter()
    done = 0

    def send(agent: Member) -> list[float]:
        nonlocal done
        texts = iter(range(each))
        who = seat(agent.pk)
        took = timed(lambda: send_message(who, to=[leader.name], body=f"{next(texts)}"), each)
        done += 1
        connection.close()
        return took

    def read() -> int:
        who, pages = seat(leader.pk), 0
        while done < SENDERS or inbox(who, unread=True, limit=1).items:
            page = inbox(who, unread=True, limit=200)
            deliver(who, page.items)
            got.update(mark_read(who, [message.pk for message in page.messages]))
            pages += 1
            time.sleep(0.01)
        connection.close()
        return pages

    start = time.perf_counter()
    with ThreadPoolExecutor(SENDERS + READERS) as pool:
        senders = [pool.submit(send, agent) for agent in agents]
        readers = [pool.submit(read) for _ in range(READERS)]
        latencies = [ms for sender in senders for ms in sender.result()]
        pages = sum(reader.result() for reader in readers)
    seconds = time.perf_counter() - start
    kept = Message.objects.filter(team=leader.team_id).order_by("pk")
    order = all(
        [int(body) for body in kept.filter(sender=agent).values_list("body", flat=True)]
        == list(range(each))
        for agent in agents
    )
    seqs = list(Event.objects.filter(team=leader.team_id).order_by("seq").values_list("seq"))
    report(
        f"{SENDERS} senders and {READERS} readers on one inbox, {connection.vendor}",
        [{
            "sent": total, "sends/s": total / seconds, "pages read": pages,
            "p50 ms": percentile(latencies, 50), "slowest ms": max(latencies),
            "lost": total - len(got), "read twice": sum(n > 1 for n in got.values()),
            "order kept": order,
            "journal without gaps": [s for (s,) in seqs] == list(range(1, len(seqs) + 1)),
            "rows fit": Team.objects.get(pk=leader.team_id).seq == len(seqs),
        }],
    )  # fmt: skip


def main(old: int, total: int) -> None:
    name = connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
    try:
        sizes(old)
        crowd(total)
    finally:
        connection.creation.destroy_test_db(name, verbosity=0)


if __name__ == "__main__":
    numbers = [int(word) for word in sys.argv[1:3]]
    main(*(numbers + [100_000, 20_000][len(numbers) :]))
