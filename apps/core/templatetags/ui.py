"""What every template may use: icons, avatars, ages that keep fresh, markdown."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

from django.template import Context, Library, TemplateDoesNotExist
from django.template.loader import get_template
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from apps.core import markdown as md
from apps.core import once, timetext

register = Library()

SLOT_APPS = ("reviews", "tasks", "messaging", "teams", "claude")

ICONS = {
    "needs": "M4 14V2.5M4 3.2h8l-2 2.9 2 2.9H4",
    "inbox": "M2.5 9.5 4 3.5h8l1.5 6v3h-11zM2.5 9.5h3.2l.8 1.5h3l.8-1.5h3.2",
    "activity": "M1.8 8.5h2.7l2-5 3 9 2-4h2.7",
    "board": "M2.5 3h3v10h-3zM6.5 3h3v6.5h-3zM10.5 3h3v4h-3z",
    "teams": "M5.5 7.2a2.2 2.2 0 1 0 0-4.4 2.2 2.2 0 0 0 0 4.4zM1.8 13c0-2.3 1.6-3.7 3.7-3.7"
    "S9.2 10.7 9.2 13M10.6 7a2 2 0 1 0-.6-3.9M11 9.4c1.9.2 3.2 1.5 3.2 3.6",
    "desk": "M4 2.5h8v11H4zM6 5.5h4M6 8h4M6 10.5h2.5",
    "help": "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM6.3 6.4c.1-2.2 3.6-2.1 3.5 0 0 1.3-1.7 1.3-1.8 2.7"
    "M8 11.2v.1",
    "menu": "M2.5 4.5h11M2.5 8h11M2.5 11.5h11",
    "plus": "M8 3v10M3 8h10",
    "close": "M4 4l8 8M12 4l-8 8",
    "check": "M3 8.5l3.2 3L13 4.5",
    "edit": "M3 13l.6-2.8 7-7 2.2 2.2-7 7z",
    "trash": "M3 4.5h10M6.5 4.5v-2h3v2M4.5 4.5l.5 9h6l.5-9",
    "expand": "M9.5 3h3.5v3.5M13 3L9 7M6.5 13H3V9.5M3 13l4-4",
    "search": "M7 11.5a4.5 4.5 0 1 0 0-9 4.5 4.5 0 0 0 0 9zM10.4 10.4l3.1 3.1",
    "link": "M6.7 9.3l2.6-2.6M7.5 5l1.6-1.6a2.5 2.5 0 0 1 3.5 3.5L11 8.5"
    "M8.5 11l-1.6 1.6a2.5 2.5 0 0 1-3.5-3.5L5 7.5",
    "comment": "M2.5 3.5h11v7.5H7l-3 2.5V11H2.5z",
    "more": "M3.5 8h.1M8 8h.1M12.5 8h.1",
    "down": "M4 6l4 4 4-4",
    "back": "M9.5 3.5L5 8l4.5 4.5",
    "gear": "M8 10.2a2.2 2.2 0 1 0 0-4.4 2.2 2.2 0 0 0 0 4.4zM8 1.8v2M8 12.2v2M1.8 8h2M12.2 8h2"
    "M3.6 3.6L5 5M11 11l1.4 1.4M12.4 3.6L11 5M5 11l-1.4 1.4",
}


@register.simple_tag
def icon(name: str) -> SafeString:
    """A small drawing beside a word; silent for screen readers."""
    return format_html(
        '<svg class="icon" viewBox="0 0 16 16" aria-hidden="true"><path d="{}"/></svg>', ICONS[name]
    )


@register.inclusion_tag("core/avatar.html")
def avatar(member: Any, size: str = "") -> dict[str, Any]:
    """A member's initials in their colour, with a dot that tells presence; `size` is "s" or "l"."""
    return {"who": member, "size": size}


@register.simple_tag
def ago(moment: datetime | None) -> SafeString:
    """`3 h`, kept fresh by the page; the exact time is its title."""
    return _fresh("", moment, timetext.ago)


@register.simple_tag
def before(moment: datetime | None) -> SafeString:
    """`3 h ago`, otherwise as `ago`."""
    return _fresh("before", moment, timetext.before)


def _fresh(
    how: str, moment: datetime | None, words: Callable[[datetime, datetime], str]
) -> SafeString:
    if moment is None:
        return mark_safe("")
    return format_html(
        '<time data-ago="{}" datetime="{}" title="{}">{}</time>',
        how,
        stamp(moment),
        exact(moment),
        words(moment, timezone.now()),
    )


@register.simple_tag
def running(since: datetime | None, seconds: int = 0) -> SafeString:
    """A duration that still grows: `seconds` so far when it began to run `since` then."""
    if since is None:
        return lasted(seconds)
    total = seconds + (timezone.now() - since).total_seconds()
    return format_html(
        '<time data-running="{}" datetime="{}" title="since {}">{}</time>',
        int(seconds),
        stamp(since),
        exact(since),
        timetext.duration(total),
    )


@register.simple_tag
def waiting(since: datetime | None, limit: int | None = None) -> SafeString:
    """`waiting 18 min`, or `late 1 h 10` once it took longer than `limit` seconds."""
    if since is None:
        return mark_safe("")
    elapsed = (timezone.now() - since).total_seconds()
    late = limit is not None and elapsed >= limit
    return format_html(
        '<time data-waiting="{}" datetime="{}" title="since {}"{}>{}</time>',
        "" if limit is None else limit,
        stamp(since),
        exact(since),
        mark_safe(' class="late"') if late else "",
        f"late {timetext.duration(elapsed - (limit or 0))}"
        if late
        else f"waiting {timetext.duration(elapsed)}",
    )


@register.simple_tag
def lasted(seconds: float | None) -> SafeString:
    """A finished duration such as `1 h 05`."""
    return format_html("{}", timetext.duration(seconds or 0))


@register.simple_tag
def due(day: date | None) -> SafeString:
    """`due Fri`, `due today`, `late 3 d`; kept fresh by the page."""
    if day is None:
        return mark_safe("")
    today = timezone.now().date()
    return format_html(
        '<time data-due datetime="{}" title="Due {}"{}>{}</time>',
        day.isoformat(),
        day.isoformat(),
        mark_safe(' class="late"') if day < today else "",
        due_text(day, today),
    )


def due_text(day: date, today: date) -> str:
    """How far away a day is; times.js repeats these rules."""
    days = (day - today).days
    if days < 0:
        return f"late {-days} d"
    if days < 2:
        return "due tomorrow" if days else "due today"
    if days < 7:
        return f"due {day:%a}"
    return f"due {day.day} {day:%b}" + ("" if day.year == today.year else f" {day.year}")


def stamp(moment: datetime) -> str:
    """A moment for machines, in UTC."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def exact(moment: datetime) -> str:
    """A moment in full for people."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


@register.filter
def prose(text: str, references: Any = None) -> SafeString:
    """Markdown of members as safe HTML; `references` has `members` and `task_url`."""
    if references is None:
        return md.render(text or "")
    return md.render(text or "", members=references.members, task_url=references.task_url)


@register.simple_tag(takes_context=True)
def slot(context: Context, name: str) -> SafeString:
    """What the apps above add to a page here: each `<app>/<name>.html` that exists, in order."""
    parts = []
    for app in SLOT_APPS:
        try:
            template: Any = get_template(f"{app}/{name}.html")
        except TemplateDoesNotExist:
            continue
        parts.append(template.template.render(Context(dict(context.flatten()))))
    return mark_safe("".join(parts))  # noqa: S308 each part is a rendered template


@register.simple_tag
def form_key() -> SafeString:
    """A hidden field that lets this copy of a form go through once."""
    return format_html('<input type="hidden" name="{}" value="{}">', once.FIELD, once.new_key())


@register.filter
def as_json(value: Any) -> str:
    """For a data attribute that a script reads; the template escapes it."""
    return json.dumps(value)
