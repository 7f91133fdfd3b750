from __future__ import annotations

import uuid
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.core.errors import NotFound
from apps.core.text import as_number
from apps.messaging import actions, inbox
from apps.messaging.forms import Compose, Reply, Shutdown
from apps.messaging.letters import Thread, references, thread_for
from apps.messaging.models import Message
from apps.messaging.roster import Roster
from apps.messaging.views.inbox import listing, may_send, whole
from apps.teams.actions import with_files
from apps.teams.lifecycle import Allows
from apps.teams.models import Member
from apps.teams.permissions import Permission
from apps.teams.web import back, cleaned, seated


def _conversation(request: HttpRequest, member: Member, number: int) -> dict[str, Any]:
    """What the right side of an inbox shows; the member's copies count as handed over."""
    cursor = request.GET.get("before", "")
    thread = thread_for(member, number, cursor if cursor.isdecimal() else None)
    mine = [letter.mine for letter in thread.letters if letter.mine is not None]
    actions.deliver(member, mine)
    roster = Roster(member.team)
    return {
        "member": member,
        "team": member.team,
        "cursor": member.team.seq,
        "thread": thread,
        "roster": roster.names,
        "references": references(member.team, roster),
        "reply": _reply(thread),
        "may_send": may_send(member),
    }


def _reply(thread: Thread) -> Reply:
    return Reply(
        initial={
            "to": thread.to,
            "reply_to": thread.answers.message.pk,
            "message_id": uuid.uuid4().hex,
        },
        auto_id="reply-%s",
    )


@require_safe
@seated
def message(request: HttpRequest, member: Member, number: int) -> HttpResponse:
    """A conversation beside the list it is in; for htmx the conversation, or its letters alone."""
    context = _conversation(request, member, number)
    target = request.htmx.target  # type: ignore[attr-defined]
    if target == "thread":
        return render(request, "messaging/inbox.html#followed", context | {"live": True})
    if target == "earlier":
        return render(request, "messaging/inbox.html#earlier", context)
    if target == "letter":
        return render(request, "messaging/inbox.html#letter", context)
    return whole(request, listing(request, member) | context)


@require_POST
@seated
def message_reply(request: HttpRequest, member: Member, number: int) -> HttpResponse:
    """Answer in a thread; htmx gets the letters with the answer, and an empty form."""
    said = cleaned(Reply(request.POST, request.FILES))
    answered = inbox.get(member, said.pop("reply_to") or number)
    _send(member, **said, reply_to=answered.pk)
    if not request.htmx:  # type: ignore[attr-defined]
        return redirect("message", member.team.address, number)
    context = _conversation(request, member, number) | {"live": True}
    return render(request, "messaging/inbox.html#replied", context)


def _send(member: Member, *, attached: list[UploadedFile[bytes]], **values: Any) -> Message:
    """A message with the files that came with its form."""
    return with_files(
        member, attached, lambda kept: actions.send_message(member, **values, artifacts=kept)
    )


@require_POST
@seated
def message_read(request: HttpRequest, member: Member, number: int) -> HttpResponse:
    """Mark a message as read; with `thread` all of its conversation that the page shows."""
    shown = _shown(request, member, number)
    actions.mark_read(member, [one.pk for one in shown])
    return back(request, "message", member.team.address, number)


def _shown(request: HttpRequest, member: Member, number: int) -> list[Message]:
    """The message, or its conversation up to the message `upto`."""
    found = inbox.get(member, number)
    if "thread" not in request.POST:
        return [found]
    conversation = Message.objects.visible_to(member).in_thread(found.root)
    upto = as_number(request.POST.get("upto", ""))
    if upto is not None:
        conversation = conversation.filter(pk__lte=upto)
    return list(conversation.only("pk"))


@require_POST
@seated
def message_archive(request: HttpRequest, member: Member, number: int) -> HttpResponse:
    """Put a conversation away."""
    shown = _shown(request, member, number)
    actions.archive(member, [one.pk for one in shown])
    return back(request, "inbox", member.team.address)


@require_POST
@seated
def message_unarchive(request: HttpRequest, member: Member, number: int) -> HttpResponse:
    """Take a conversation back into the inbox."""
    shown = _shown(request, member, number)
    actions.unarchive(member, [one.pk for one in shown])
    return back(request, "message", member.team.address, number)


@require_POST
@seated
def message_answer(request: HttpRequest, member: Member, number: int) -> HttpResponse:
    """Say yes or no to a request for leave, or for one's own shutdown."""
    found = inbox.get(member, number)
    approve, note = request.POST.get("answer") == "yes", request.POST.get("note", "")
    if found.kind == "shutdown_request":
        actions.answer_shutdown(member, number, approve=approve, reason=note)
    elif found.kind == "permission_request":
        actions.answer_permission(member, number, approve=approve, note=note)
    else:
        raise NotFound("This message asks for nothing.", code="not_a_request")
    return back(request, "message", member.team.address, number)


@require_http_methods(["GET", "HEAD", "POST"])
@seated
def message_new(request: HttpRequest, member: Member) -> HttpResponse:
    """Write to members, or to everybody; beside the inbox, or on a page of its own."""
    if request.method != "POST":
        member.require(Permission.SEND_MESSAGES)
        member.team.require(Allows.MESSAGES)
    if request.htmx.target == "ask":  # type: ignore[attr-defined]
        return _ask(request, member)
    form = Compose(
        request.POST or None, request.FILES or None, initial=_asked(request), auto_id="new-%s"
    )
    if form.is_bound:
        sent = form.submit(_send, member)
        if sent is not None:
            return redirect("message", member.team.address, sent.pk)
    context = {"form": form, "roster": Roster(member.team).names}
    if request.htmx.target == "letter":  # type: ignore[attr-defined]
        context |= {"member": member, "team": member.team}
        return render(request, "messaging/inbox.html#compose", context)
    return whole(request, listing(request, member) | context | {"composing": True}, form.status)


def _ask(request: HttpRequest, member: Member) -> HttpResponse:
    """The composer as a dialog over any page of the team; what is sent needs no page."""
    if request.method == "POST":
        _send(member, **cleaned(Compose(request.POST, request.FILES)))
        return HttpResponse(status=204)
    form = Compose(initial=_asked(request), auto_id="ask-%s")
    roster = Roster(member.team).names
    context = {"member": member, "team": member.team, "form": form, "roster": roster}
    return render(request, "messaging/ask.html", context)


def _asked(request: HttpRequest) -> dict[str, Any]:
    """What an address asks to be filled in: `to`, `subject`, and the card `task`."""
    task = as_number(request.GET.get("task", ""), 9)
    return {
        "to": request.GET.get("to", "")[:200],
        "subject": request.GET.get("subject", "")[:200],
        "body": "" if task is None else f"About #{task}: ",
        "message_id": uuid.uuid4().hex,
    }


@require_http_methods(["GET", "HEAD", "POST"])
@seated
def shutdown(request: HttpRequest, member: Member) -> HttpResponse:
    """Ask an agent to end its run; who it is, its page in the list of members knows."""
    initial = {"name": request.GET.get("name", "")}
    form = Shutdown(request.POST or None, initial=initial)
    if not form["name"].value():
        return redirect("members", member.team.address)
    if request.method != "POST":
        member.require(Permission.MANAGE_TEAM)
        member.team.require(Allows.MESSAGES)
    if form.is_bound:
        asked = form.submit(actions.request_shutdown, member)
        if asked is not None:
            return redirect("message", member.team.address, asked.pk)
    context = {
        "member": member,
        "team": member.team,
        "form": form,
        "name": form["name"].value(),
    }
    return render(request, "messaging/shutdown.html", context, status=form.status)
