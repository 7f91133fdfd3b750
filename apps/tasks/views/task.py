from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.core.htmx import htmx
from apps.core.once import FIELD, once
from apps.tasks import actions, forms
from apps.tasks.sheet import sheet_for
from apps.tasks.views.answers import changed, sheet_parts
from apps.teams.actions import with_files
from apps.teams.lifecycle import Allows
from apps.teams.models import Member
from apps.teams.web import cleaned, seated


@require_safe
@seated
def task(request: HttpRequest, member: Member, number: int) -> HttpResponse:
    """The page of a task; the drawer's content or only the parts that news touch, for htmx."""
    sheet = sheet_for(member, number)
    context = {
        "member": member,
        "team": member.team,
        "cursor": member.team.seq,
        "sheet": sheet,
        "task": sheet.task,
        "people": sheet.members,
        "priorities": forms.PRIORITIES,
    }
    if htmx(request).trigger == "sheet":
        return HttpResponse(sheet_parts(request, member, sheet.task))
    if htmx(request):
        return render(request, "tasks/task.html#sheet", context | {"in_drawer": True})
    return render(request, "tasks/task.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@seated
def new(request: HttpRequest, member: Member) -> HttpResponse:
    """A new card, from the dialog, from the line on top of To do, or from a page of its own."""
    if request.method == "POST":
        with once(request.POST.get(FIELD)):
            made = actions.create_task(member, **cleaned(forms.NewTask(request.POST)))
        response = changed(request, member, made)
        response.headers["HX-Trigger"] = "task-created"
        return response
    member.require_edit()
    member.team.require(Allows.TASKS)
    people = list(member.team.members.seated())
    context = {"member": member, "team": member.team, "people": people}
    return render(request, "tasks/new.html", context | {"priorities": forms.PRIORITIES})


@require_POST
@seated
def edit(request: HttpRequest, member: Member, number: int) -> HttpResponse:
    """Change what the card says, unless it changed meanwhile."""
    form = forms.EditTask(request.POST)
    cleaned(form)
    return changed(request, member, actions.edit_task(member, number, **form.changes()))


@require_POST
@seated
def comment(request: HttpRequest, member: Member, number: int) -> HttpResponse:
    """Say something about the card, with files that are kept on it."""
    said = cleaned(forms.Remark(request.POST, request.FILES))
    remark = with_files(
        member, said["attached"], task=number,
        act=lambda kept: actions.comment(member, number, said["body"], artifacts=kept),
    )  # fmt: skip
    return changed(request, member, remark.task)


@require_POST
@seated
def ask(request: HttpRequest, member: Member, number: int) -> HttpResponse:
    """Flag the card as waiting for somebody, with a question."""
    said = cleaned(forms.Question(request.POST))
    task = actions.ask(member, number, said["question"], of=said["of"])
    return changed(request, member, task)


@require_POST
@seated
def answer(request: HttpRequest, member: Member, number: int) -> HttpResponse:
    """Answer the card's question."""
    text = cleaned(forms.Reply(request.POST))["text"]
    return changed(request, member, actions.answer(member, number, text))


@require_POST
@seated
def blocker_add(request: HttpRequest, member: Member, number: int) -> HttpResponse:
    """The card waits for another one from now on."""
    other = cleaned(forms.Other(request.POST))["number"]
    task = actions.add_blocker(member, number, other)
    return changed(request, member, task, also=[other])


@require_POST
@seated
def blocker_remove(request: HttpRequest, member: Member, number: int, other: int) -> HttpResponse:
    """The card no longer waits for another one."""
    task = actions.remove_blocker(member, number, other)
    return changed(request, member, task, also=[other])


@require_POST
@seated
def related_add(request: HttpRequest, member: Member, number: int) -> HttpResponse:
    """Two cards have to do with each other."""
    other = cleaned(forms.Other(request.POST))["number"]
    return changed(request, member, actions.relate(member, number, other))


@require_POST
@seated
def related_remove(request: HttpRequest, member: Member, number: int, other: int) -> HttpResponse:
    """They no longer have."""
    return changed(request, member, actions.unrelate(member, number, other))
