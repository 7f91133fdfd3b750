"""What open pages are told because time passes: who is there, and whose work stands still."""

from __future__ import annotations

from datetime import timedelta

from asgiref.sync import sync_to_async
from django.utils import timezone

from apps.live import clock
from apps.live.hub import Hub
from apps.messaging.models import Message
from apps.tasks.actions import claim_task, create_task
from apps.tasks.models import Task
from apps.teams.models import Member
from tests.conftest import Cast
from tests.live.conftest import Browser, browser, fresh


async def seen(member: Member, minutes: float) -> None:
    at = timezone.now() - timedelta(minutes=minutes)
    await Member.objects.filter(pk=member.pk).aupdate(last_seen_at=at)


def told(page: Browser) -> list[str]:
    """The messages about who is there."""
    return [text for text in page.texts if 'id="presence"' in text]


async def test_pages_learn_that_somebody_fell_silent(hub: Hub, live_cast: Cast) -> None:
    ticking = clock.Clock(hub)
    await seen(live_cast.hal, 1)
    async with browser(live_cast.people["bob"], "/ws/teams/checkout/", query="after=0") as page:
        await page.until(lambda: page.cursor > 0)
        await ticking.tick()
        await page.until(lambda: len(told(page)) == 1)
        assert "hal|active|" in told(page)[0]
        await seen(live_cast.hal, 6)
        await ticking.tick()
        await page.until(lambda: len(told(page)) == 2)
        assert "hal|idle|" in told(page)[1]
        assert "iris|" not in told(page)[1]


async def test_pages_are_not_told_what_they_know(hub: Hub, live_cast: Cast) -> None:
    ticking = clock.Clock(hub)
    async with browser(live_cast.people["bob"], "/ws/teams/checkout/", query="after=0") as page:
        await page.until(lambda: page.cursor > 0)
        for _ in range(3):
            await ticking.tick()
        await seen(live_cast.iris, 0)
        await ticking.tick()
        await page.until(lambda: any("iris|active|" in text for text in told(page)))
        assert len(told(page)) == 2


async def test_silent_work_is_flagged_on_open_boards_and_the_leader_told_once(
    hub: Hub, live_cast: Cast
) -> None:
    ticking = clock.Clock(hub)
    await sync_to_async(create_task)(await fresh(live_cast.alice), "Parse the table")
    await sync_to_async(claim_task)(await fresh(live_cast.hal), 1)
    await Task.objects.aupdate(started_at=timezone.now() - timedelta(hours=2))
    await seen(live_cast.hal, 90)
    query = "after=0&view=board"
    async with browser(live_cast.people["alice"], "/ws/teams/checkout/", query=query) as page:
        await page.until(lambda: page.cursor > 0)
        for _ in range(3):
            await ticking.tick()
        await page.until(lambda: any("Silent" in text for text in page.texts))
    notes = Message.objects.filter(kind="system_notification", deliveries__recipient__name="alice")
    assert await notes.filter(subject__startswith="#1 is stalled").acount() == 1
