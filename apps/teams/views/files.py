from __future__ import annotations

from django import forms
from django.core.paginator import Paginator
from django.http import FileResponse, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST

from apps.teams import actions, artifacts
from apps.teams.models import Member
from apps.teams.web import back, cleaned, seated

PAGE_SIZE = 50


class FileForm(forms.Form):
    """A file, and the task it belongs to if any."""

    file = forms.FileField(label="File", allow_empty_file=True)
    name = forms.CharField(required=False, max_length=255)
    task = forms.IntegerField(required=False, min_value=1)


@seated
def files(request: HttpRequest, member: Member) -> HttpResponse:
    """The team's files with all their versions; with POST one more."""
    if request.method == "POST":
        return _add(request, member)
    pages = Paginator(artifacts.artifacts_for(member), PAGE_SIZE)
    page = pages.get_page(request.GET.get("page"))
    context = {"team": member.team, "member": member, "page": page}
    context["may_add"] = artifacts.may_add(member)
    return render(request, "teams/files.html", context)


def _add(request: HttpRequest, member: Member) -> HttpResponse:
    values = cleaned(FileForm(request.POST, request.FILES))
    file, task = values["file"], values["task"]
    name, kind = values["name"] or file.name, file.content_type or ""
    actions.add_artifact(member, name, file, content_type=kind, task=task)
    if task:
        return back(request, "task", member.team.address, task)
    return back(request, "artifacts", member.team.address)


@require_POST
@seated
def file_delete(request: HttpRequest, member: Member, artifact_id: int) -> HttpResponse:
    """Delete the bytes of a version."""
    actions.delete_artifact(member, artifact_id)
    return back(request, "artifacts", member.team.address)


@seated
def file(request: HttpRequest, member: Member, artifact_id: int) -> FileResponse:
    """A file to save."""
    return artifacts.download(artifacts.artifact_of(member, artifact_id))


@seated
def file_picture(request: HttpRequest, member: Member, artifact_id: int) -> FileResponse:
    """A picture to show inside a page."""
    return artifacts.picture(artifacts.artifact_of(member, artifact_id))


@seated
def file_preview(request: HttpRequest, member: Member, artifact_id: int) -> HttpResponse:
    """The start of a text, or a picture, as a page or as a part of one."""
    artifact = artifacts.artifact_of(member, artifact_id)
    kind = artifact.preview
    context = {
        "team": member.team,
        "member": member,
        "file": artifact,
        "kind": kind,
        "text": artifacts.text_of(artifact) if kind == "text" else "",
    }
    template = "teams/file.html#preview" if request.headers.get("HX-Request") else "teams/file.html"
    return render(request, template, context)
