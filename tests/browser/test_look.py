"""Themes, and whether every text can be read."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Stage

pytestmark = [pytest.mark.browser, pytest.mark.server]
Make = Callable[..., Stage]


def test_the_theme_is_chosen_and_kept(make_stage: Make) -> None:
    page = make_stage().open()
    ground = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(ground)
    page.locator("#user-menu summary").click()
    page.get_by_role("button", name="Dark").click()
    dark = page.evaluate(ground)
    assert dark != light
    page.reload()
    assert page.evaluate(ground) == dark


def test_the_head_of_a_team_shows_its_name_and_every_tab(make_stage: Make) -> None:
    stage = make_stage('for n in range(5): add_member(alice, f"agent-{n}", agent_type="x")')
    page = stage.open()
    for part in (".page-head h1", ".page-head .tabs"):
        assert page.eval_on_selector(part, "part => part.scrollWidth <= part.clientWidth")
    expect(page.locator("#people a:visible")).to_have_text(["A", "B", "V", "H", "I", "10"])
    page.goto(f"{stage.path}tasks/new/")
    expect(page.locator(".page-head .tabs [aria-current]")).to_have_text("Board")


CONTRAST = """
() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgb = (colors) => {
    canvas.clearRect(0, 0, 1, 1);
    for (const color of colors) { canvas.fillStyle = color; canvas.fillRect(0, 0, 1, 1); }
    return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const light = (channels) => channels
    .map((value) => value / 255)
    .map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4))
    .reduce((sum, value, index) => sum + value * [0.2126, 0.7152, 0.0722][index], 0);
  const grounds = (element) => {
    const found = [];
    for (let one = element; one; one = one.parentElement) {
      found.unshift(getComputedStyle(one).backgroundColor);
    }
    return found;
  };
  const wrong = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    const text = walker.currentNode.data.trim();
    const shows = element.checkVisibility({ opacityProperty: true, visibilityProperty: true });
    if (!text || !shows) continue;
    if (element.closest("noscript, script, style, .sr-only, option")) continue;
    const style = getComputedStyle(element);
    const under = grounds(element);
    const [a, b] = [light(rgb([...under, style.color])), light(rgb(under))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) wrong.push(`${ratio.toFixed(2)} ${element.className} ${text.slice(0, 30)}`);
  }
  return [...new Set(wrong)];
}
"""
RICH = """
labels = [f"label-{n}" for n in range(12)]
one = actions.create_task(alice, "Critical", owner="hal", priority="critical", labels=labels)
two = actions.create_task(alice, "Blocked", blocked_by=[1], labels=["x", "y", "z"])
actions.start_task(hal, 1)
actions.ask(hal, 1, "Which one shall it be?")
for number, state in ((3, "review"), (4, "approved"), (5, "none"), (6, "needs_fix")):
    actions.create_task(alice, f"Card {number}", owner="iris")
    status = "pending" if state == "needs_fix" else "completed"
    cards = Task.objects.filter(team=alice.team, number=number)
    cards.update(status=status, review_state=state, review_round=1)
"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_is_legible(make_stage: Make, scheme: str) -> None:
    stage = make_stage(RICH)
    page = stage.open(color_scheme=scheme)
    expect(page.locator(".card")).to_have_count(6)
    assert page.evaluate(CONTRAST) == []
    page.goto(f"{stage.path}tasks/1/")
    assert page.evaluate(CONTRAST) == []
