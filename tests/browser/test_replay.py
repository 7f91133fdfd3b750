"""Replay equals reload: whatever happened, an old page shows what a fresh one would."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Stage

pytestmark = [pytest.mark.browser, pytest.mark.server]
Make = Callable[..., Stage]

CARDS = """
Task.objects.bulk_create(
    Task(team=alice.team, number=n, subject=f"Card {n}", position=float(n),
         status="completed" if n > 70 else "pending", completed_at=alice.joined_at)
    for n in range(1, 91)
)
Team.objects.filter(pk=alice.team.pk).update(task_watermark=90)
"""
ANYTHING = """
import random
from datetime import date
from apps.core.errors import DomainError
from apps.reviews import actions as reviews
chance = random.Random(%(seed)d)
people = [seat(name) for name in ("alice", "bob", "hal", "iris")]
def card():
    return chance.choice([*range(1, 16), *range(68, 80), 91, 92, 93])
def words():
    return " ".join(chance.sample(["red", "Äpfel", "green", "pear", "plan", "<b>"], 2))
steps = [
    lambda who: actions.create_task(who, words(), owner=chance.choice([None, "hal", "bob"]),
                                    labels=chance.sample(["api", "a|b", "docs"], 2)),
    lambda who: actions.edit_task(who, card(), subject=words(), priority=chance.randrange(4)),
    lambda who: actions.edit_task(who, card(), owner=chance.choice([None, "hal", "iris"])),
    lambda who: actions.edit_task(who, card(), labels=["docs"], due=date(2031, 5, 17)),
    lambda who: actions.claim_task(who, card()), lambda who: actions.start_task(who, card()),
    lambda who: actions.complete_task(who, card()), lambda who: actions.complete_task(who, card()),
    lambda who: actions.release_task(who, card()), lambda who: actions.delete_task(who, card()),
    lambda who: actions.restore_task(who, card()),
    lambda who: actions.position_task(who, card(), before=card()),
    lambda who: actions.position_task(who, card(), after=card()),
    lambda who: actions.add_blocker(who, card(), card()),
    lambda who: actions.remove_blocker(who, card(), card()),
    lambda who: actions.comment(who, card(), "Hm."), lambda who: actions.ask(who, card(), "Why?"),
    lambda who: actions.answer(who, card(), "So."),
    lambda who: reviews.request_review(who, card()), lambda who: reviews.approve(who, card()),
    lambda who: reviews.request_changes(who, card()), lambda who: reviews.reopen(who, card()),
]
went = 0
for turn in range(250):
    try:
        chance.choice(steps)(Member.objects.select_related("team").get(pk=chance.choice(people).pk))
        went += 1
    except DomainError:
        pass
assert went > 60, went
"""
SHOWN = """() => [...document.querySelectorAll("[data-list]")].map((list) => [
  list.dataset.list,
  document.getElementById(`head-${list.dataset.list}`).textContent,
  ...[...list.querySelectorAll(".card")].map((card) => {
    const copy = card.cloneNode(true);
    for (const one of [copy, ...copy.querySelectorAll("*")]) {
      for (const name of ["class", "style", "tabindex", "title", "data-presence"]) {
        if (name !== "class" || one === copy) one.removeAttribute(name);
      }
    }
    for (const time of copy.querySelectorAll("time")) time.textContent = "";
    return copy.outerHTML.replace(/class=""/g, "");
  }),
])"""


def everything(page: Page) -> Any:
    """What the board shows once its columns are there whole."""
    expect(page.locator("[data-lazy]")).to_have_count(0)
    more = page.locator(".show-more")
    while more.count():
        button = more.first.element_handle()
        assert button is not None
        button.click()
        button.wait_for_element_state("hidden")
    return page.evaluate(SHOWN)


@pytest.mark.parametrize("seed", [1, 2])
def test_replay_equals_reload(make_stage: Make, seed: int) -> None:
    stage = make_stage(CARDS)
    pages = {
        "live": stage.open("alice"),
        "offline": stage.open("bob"),
        "owner": stage.open("vera", f"{stage.path}?owner=hal"),
        "label": stage.open("alice", f"{stage.path}?label=a%7Cb"),
        "text": stage.open("alice", f"{stage.path}?q=%C3%84PFEL"),
    }
    pages["offline"].context.set_offline(True)
    stage.run(ANYTHING % {"seed": seed})
    pages["offline"].context.set_offline(False)

    seq = stage.open().locator("#cursor").get_attribute("data-seq")
    for name, page in pages.items():
        expect(page.locator("#cursor")).to_have_attribute("data-seq", str(seq), timeout=15_000)
        replayed = everything(page)
        page.bring_to_front()
        page.reload()
        page.wait_for_selector("body[data-live=live]")
        reloaded = everything(page)
        for old, new in zip(replayed, reloaded, strict=True):
            assert old == new, name
