from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.core.errors import Conflict, DomainError, Invalid, NotFound
from apps.core.htmx import htmx
from apps.reviews import actions
from apps.reviews.forms import Decision, NewPlan, PlanText, Report, Steps
from apps.reviews.models import Plan, PlanStep
from apps.reviews.models.plan import PlanState
from apps.reviews.sheet import asked_version, sheet_for
from apps.reviews.stages import may_decide
from apps.teams.access import seat_of
from apps.teams.lifecycle import Allows
from apps.teams.models import Member
from apps.teams.permissions import Permission
from apps.teams.web import back, cleaned, seated

PAGE = 50


@require_safe
@seated
def plans(request: HttpRequest, member: Member) -> HttpResponse:
    """The team's plans: those that wait first, then the latest; `?state=` keeps one kind."""
    found = Plan.objects.visible_to(member).with_people()
    pending = list(found.filter(state=PlanState.PENDING).order_by("submitted_at", "pk")[:PAGE])
    for plan in pending:
        plan.is_mine = plan.author_id != member.pk and may_decide(plan.stages, plan.stage, member)  # type: ignore[attr-defined]
    state = request.GET.get("state", "")
    others = found.exclude(state=PlanState.PENDING)
    if state in PlanState.values:
        others = found.filter(state=state)
    page = Paginator(others.order_by("-pk"), PAGE).get_page(request.GET.get("page"))
    context = {
        "member": member,
        "team": member.team,
        "cursor": member.team.seq,
        "pending": [] if state else pending,
        "page": page,
        "state": state,
        "states": PlanState.choices,
        "may_plan": member.can(Permission.WORK) and member.team.allows(Allows.PLANS),
    }
    return render(request, "reviews/plans.html", context)


@require_safe
@seated
def plan(request: HttpRequest, member: Member, plan_id: int) -> HttpResponse:
    """One plan; `?v=` shows an earlier version. For htmx only what news touch."""
    found = Plan.objects.visible_to(member).numbered(plan_id)
    return shown(request, member, found)


@require_safe
@login_required
def plan_anywhere(request: HttpRequest, plan_id: int) -> HttpResponse:
    """The short address of a plan, for those who sit in its team."""
    address = Plan.objects.filter(pk=plan_id).values_list("team__slug", "team").first()
    if address is None:
        raise NotFound("There is no such plan.", code="plan_not_found")
    member = seat_of(request.user, f"{address[0]}~{address[1]}")
    return redirect("plan", member.team.address, plan_id)


def shown(request: HttpRequest, member: Member, found: Plan) -> HttpResponse:
    """The plan's page, or its part for htmx."""
    found.team = member.team
    sheet = sheet_for(found, member, asked_version(request.GET.get("v", "")))
    context = {
        "member": member,
        "team": member.team,
        "cursor": member.team.seq,
        "sheet": sheet,
        "plan": found,
        "step_states": PlanStep.State.choices,
        "is_author": found.author_id == member.pk and member.left_at is None,
    }
    part = "#plan" if htmx(request) else ""
    return render(request, f"reviews/plan.html{part}", context)


@require_POST
@seated
def plan_decide(request: HttpRequest, member: Member, plan_id: int) -> HttpResponse:
    """Approve or reject what the page showed."""
    found = actions.decide_plan(member, plan_id, **cleaned(Decision(request.POST)))
    if htmx(request) and request.POST.get("from") != "needs":
        return shown(request, member, Plan.objects.visible_to(member).numbered(found.pk))
    return back(request, "plan", member.team.slug, plan_id)


@require_http_methods(["GET", "HEAD", "POST"])
@seated
def plan_new(request: HttpRequest, member: Member) -> HttpResponse:
    """Write a plan: submit it, or keep it as a draft."""
    form = NewPlan(request.POST or None, initial={"task": request.GET.get("task")})
    if request.method != "POST":
        member.require(Permission.WORK)
        member.team.require(Allows.PLANS)
        return _form(request, member, form)
    said = cleaned(form)
    make = actions.create_plan if said.pop("draft") else actions.propose_plan
    try:
        made = make(member, **said)
    except (Invalid, Conflict) as refusal:
        return _form(request, member, form, refusal=refusal)
    return redirect(made)


@require_http_methods(["GET", "HEAD", "POST"])
@seated
def plan_revise(request: HttpRequest, member: Member, plan_id: int) -> HttpResponse:
    """Change a plan; one that was submitted before gets a new version."""
    found = Plan.objects.visible_to(member).numbered(plan_id)
    found.require_author(member, "revise")
    if request.method != "POST":
        member.team.require(Allows.PLANS)
    text = found.current
    steps = Steps.as_text(list(text.steps.all()))
    initial = {"title": text.title, "body": text.body, "steps": steps}
    form = PlanText(request.POST or None, initial=initial)
    if request.method != "POST":
        return _form(request, member, form, plan=found)
    try:
        actions.revise_plan(member, plan_id, **cleaned(form))
    except (Invalid, Conflict) as refusal:
        return _form(request, member, form, plan=found, refusal=refusal)
    return redirect("plan", member.team.address, plan_id)


def _form(
    request: HttpRequest, member: Member, form: PlanText, *,
    plan: Plan | None = None, refusal: DomainError | None = None,
) -> HttpResponse:  # fmt: skip
    values: dict[str, Any] = {name: form[name].value() or "" for name in form.fields}
    context = {
        "member": member,
        "team": member.team,
        "plan": plan,
        "values": values,
        "refusal": refusal,
        "wrong": refusal.fields if isinstance(refusal, Invalid) else {},
    }
    status = refusal.status if refusal else 200
    return render(request, "reviews/plan_form.html", context, status=status)


@require_POST
@seated
def plan_submit(request: HttpRequest, member: Member, plan_id: int) -> HttpResponse:
    """Hand a draft in."""
    return _after(request, member, actions.submit_plan(member, plan_id))


@require_POST
@seated
def plan_withdraw(request: HttpRequest, member: Member, plan_id: int) -> HttpResponse:
    """Take a plan back."""
    return _after(request, member, actions.withdraw_plan(member, plan_id))


@require_POST
@seated
def plan_step(request: HttpRequest, member: Member, plan_id: int, index: int) -> HttpResponse:
    """The author says how far a step is."""
    step: PlanStep = actions.report_step(member, plan_id, index, **cleaned(Report(request.POST)))
    return _after(request, member, step.version.plan)


def _after(request: HttpRequest, member: Member, changed: Plan) -> HttpResponse:
    if htmx(request):
        return shown(request, member, Plan.objects.visible_to(member).numbered(changed.pk))
    return HttpResponseRedirect(changed.get_absolute_url())
