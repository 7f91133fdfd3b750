"""How the files of a team are doing, and taking either side where file and board differ."""

from __future__ import annotations

import json
import zlib
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from apps.claude import drift
from apps.claude.gates import judge
from apps.claude.mirror import Mirror
from apps.claude.models import TeamFiles
from apps.claude.program import program
from apps.claude.report import report, tree_of
from apps.core.errors import Conflict, Invalid, NotFound
from apps.teams.access import seat_of_token
from apps.teams.models import Member
from apps.teams.web import back, seated

MOST_BYTES = 64 * 1024 * 1024
SIDES = {"file": drift.take_file, "board": drift.take_board}


@seated
def health(request: HttpRequest, member: Member) -> HttpResponse:
    """Whether the files are followed, what was skipped, what is on its way, what differs."""
    told = report(files_of(member))
    context = {"team": member.team, "member": member, "report": told, "files": told.files,
               "may_take": member.can("manage_tasks")}  # fmt: skip
    return render(request, "claude/health.html", context)


@require_POST
@seated
def take_side(request: HttpRequest, member: Member, number: int) -> HttpResponse:
    """Let the file or the board hold for #number."""
    files = files_of(member)
    take = SIDES.get(request.POST.get("side", ""))
    if take is None:
        raise Invalid(fields={"side": "Choose the file or the board."})
    tree = tree_of(files)
    if tree is None:
        raise Conflict("The files cannot be seen from here.", code="files_elsewhere")
    take(member, files, number, tree)
    return back(request, "claude_health", member.team.address)


def files_of(member: Member) -> TeamFiles:
    """Where the files of the member's team are; NotFound for a team that was made here."""
    files = TeamFiles.objects.filter(team=member.team).first()
    if files is None:
        raise NotFound("This team has no files of Claude Code.", code="no_files")
    files.team = member.team
    return files


@csrf_exempt
@require_POST
def sync(request: HttpRequest) -> HttpResponse:
    """What a follower on another machine tells, and the orders for it; see `remote`."""
    member = _caller(request)
    member.require("manage_team")
    told = _content(request)
    home = told.get("home")
    if not isinstance(home, str) or not home:
        raise Invalid(fields={"home": "Say which directory of which machine this is."})
    return JsonResponse(Mirror(member, home).sync(told.get("teams", {}), told.get("clock")))


@csrf_exempt
@require_POST
def hook(request: HttpRequest) -> HttpResponse:
    """Whether what a hook of Claude Code tells of may happen: `{"block": reason or null}`."""
    member = _caller(request)
    try:
        event = json.loads(request.body)
    except ValueError:
        event = None
    if not isinstance(event, dict):
        raise Invalid(fields={"body": "Send what Claude Code gives to its hooks, as it is."})
    return JsonResponse({"block": judge(member, event) or None})


def _caller(request: HttpRequest) -> Member:
    scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
    member, _ = seat_of_token(secret if scheme.lower() == "bearer" else "")
    return member


def _content(request: HttpRequest) -> dict[str, Any]:
    """The JSON object that came packed in one file."""
    file = request.FILES.get("sync")
    if file is None:
        raise Invalid(fields={"sync": "Send one packed file."})
    unpack = zlib.decompressobj(16 + zlib.MAX_WBITS)
    try:
        data = unpack.decompress(file.read(), MOST_BYTES)
        told = json.loads(data) if not unpack.unconsumed_tail else None
    except (zlib.error, ValueError, RecursionError):
        told = None
    if not isinstance(told, dict):
        raise Invalid(fields={"sync": "This is no packed JSON object, or too large a one."})
    return told


def follow_program(request: HttpRequest) -> HttpResponse:
    """The follower for other machines, as one file."""
    return HttpResponse(program(), content_type="application/octet-stream")
