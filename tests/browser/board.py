"""What tests of the board look at and do."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Page

THREE = """
for subject in ("Third", "Second", "First"):
    actions.create_task(alice, subject)
"""


def card(page: Page, title: str) -> Any:
    return page.locator(".card").filter(has=page.get_by_text(title, exact=True))


def in_column(page: Page, column: str) -> Any:
    return page.locator(f"[data-column={column}] .card-title")


def drag(page: Page, title: str, column: str, *, y: int = 60, release: bool = True) -> None:
    start = card(page, title).bounding_box()
    target = page.locator(f"[data-list={column}]").bounding_box()
    assert start is not None
    assert target is not None
    page.mouse.move(start["x"] + 60, start["y"] + 30)
    page.mouse.down()
    page.mouse.move(start["x"] + 75, start["y"] + 38)
    page.mouse.move(target["x"] + 90, target["y"] + y, steps=6)
    if release:
        page.mouse.up()
