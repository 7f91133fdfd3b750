from __future__ import annotations

from typing import Any, cast

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.exceptions import BadRequest, PermissionDenied
from django.db.models import QuerySet
from django.forms import Script
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.views.decorators.http import require_POST, require_safe

from apps.core import timetext
from apps.core.errors import DomainError
from apps.core.templatetags.ui import ago
from apps.core.text import as_number
from apps.reviews.actions import decide_at_desk
from apps.reviews.admin.base import Desked
from apps.reviews.admin.filters import Busiest, NoteForm, Queue, desk_of
from apps.reviews.admin.words import mark, news, outcome, queue_mark
from apps.reviews.desk import Desk
from apps.reviews.forms import Decision
from apps.reviews.models import Plan, PlanDecision
from apps.reviews.sheet import asked_version, sheet_for
from apps.tasks.models import Task
from apps.tasks.moves import Status
from apps.teams.models import User
from apps.teams.web import cleaned

OPEN_TASKS = 10
AT_ONCE = 200


@admin.register(Plan)
class Plans(Desked):
    """The queue, oldest first, and the page of one plan."""

    list_display = ("plan", "team", "author", "waits_for", "steps", "waiting")
    list_display_links = ("plan",)
    list_select_related = ("team", "author", "task__owner")
    list_filter = (Queue, Busiest)
    search_fields = ("title", "team__slug", "author__name")
    search_help_text = "Title, team or author"
    ordering = ("submitted_at", "pk")
    sortable_by = ()
    action_form = NoteForm
    actions = ("approve_selected", "reject_selected")
    change_list_template = "admin/reviews/plan/change_list.html"

    class Media:
        css = {"all": ("desk.css",)}
        js = (Script("desk.js", defer=True),)

    def get_urls(self) -> list[URLPattern]:
        """With the decision and the two questions that open pages ask again and again."""
        site = self.admin_site
        own = [
            path("state/", site.admin_view(self.queue_state), name="reviews_plan_queue"),
            path("<int:pk>/decide/", site.admin_view(self.decide), name="reviews_plan_decide"),
            path("<int:pk>/state/", site.admin_view(self.plan_state), name="reviews_plan_state"),
        ]
        return own + super().get_urls()

    @admin.display(description="plan")
    def plan(self, plan: Plan) -> SafeString:
        """Its title and version; and, for a bulk, what of it was on the page."""
        version = f" v{plan.version}" if plan.version > 1 else ""
        place = f" for #{plan.task.number}" if plan.task else ""
        seen = f"{plan.pk}:{plan.version}:{plan.stage}"
        hidden = format_html('<input type="hidden" name="seen" value="{}">', seen)
        taken = format_html(' <span class="desk-taken">{}</span>', plan.taken) if plan.taken else ""
        return format_html("{}{}{}{}{}", plan.title, version, place, taken, hidden)

    @admin.display(description="waits for")
    def waits_for(self, plan: Plan) -> SafeString | str:
        """The stage that decides now, marked where it is mine."""
        if not plan.is_pending:
            return plan.get_state_display()
        mine = getattr(plan, "is_mine", False)
        total = f" ({plan.stage + 1} of {len(plan.stages)})" if len(plan.stages) > 1 else ""
        me = SafeString(' <b class="desk-me">me</b>') if mine else ""
        return format_html("{}{}{}", plan.stage_name, total, me)

    @admin.display(description="steps")
    def steps(self, plan: Plan) -> int:
        """How many."""
        return plan.step_count

    @admin.display(description="waiting")
    def waiting(self, plan: Plan) -> SafeString | str:
        """Since when, or how long it took."""
        return ago(plan.submitted_at) if plan.is_pending else timetext.duration(plan.waited)

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """The list under its own name; its mark is read first, so that nothing is missed."""
        if None in map(as_number, request.POST.getlist(ACTION_CHECKBOX_NAME)):
            raise BadRequest("What was ticked is no plan.")
        context = {"title": "Plans to decide", "mark": queue_mark(), **(extra_context or {})}
        return super().changelist_view(request, context)

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """The page of the list, with what is mine marked."""
        changelist = super().get_changelist_instance(request)
        desk = desk_of(request)
        for plan in changelist.result_list:
            plan.is_mine = desk.may_decide(plan)
        return changelist

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """One plan with all that a decision takes; reading it changes nothing."""
        if not self.has_view_permission(request) or request.method not in ("GET", "HEAD"):
            raise PermissionDenied
        plan = self._find(object_id)
        desk = desk_of(request)
        sheet = sheet_for(plan, desk.seat_in(plan.team), asked_version(request.GET.get("v", "")))
        context = {
            **self.admin_site.each_context(request),
            "title": plan.title,
            "opts": self.opts,
            "media": self.media,
            "plan": plan,
            "sheet": sheet,
            "mark": mark(plan),
            "member": desk.seat_in(plan.team),
            "tasks": self._open_tasks(plan),
            "following": desk.after(plan),
        }
        return TemplateResponse(request, "admin/reviews/plan/change_form.html", context)

    def _find(self, key: Any) -> Plan:
        found = Plan.objects.with_people().filter(submitted_at__isnull=False)
        plan = found.filter(pk=as_number(str(key)) or 0).first()
        if plan is None:
            raise Http404("There is no such plan.")
        return plan

    def _open_tasks(self, plan: Plan) -> list[Task]:
        mine = Task.objects.filter(owner=plan.author).on_board().exclude(status=Status.COMPLETED)
        return list(mine.order_by("-status", "-priority", "number")[:OPEN_TASKS])

    def decide(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Decide what the page showed, then go on to the next that waits for me."""
        return require_POST(self._decide)(request, pk)

    def _decide(self, request: HttpRequest, pk: int) -> HttpResponse:
        user = cast(User, request.user)
        if not self.has_view_permission(request):
            raise PermissionDenied
        plan = self._find(pk)
        try:
            decided = decide_at_desk(user, pk, **cleaned(Decision(request.POST)))
        except DomainError as refusal:
            messages.error(request, f"{plan}: {refusal.message} {refusal.hint}".strip())
            return HttpResponseRedirect(reverse("admin:reviews_plan_change", args=[pk]))
        messages.success(request, f"{plan}: {outcome(decided)}.")
        following = Desk(user).after(plan)
        if following is None:
            return HttpResponseRedirect(reverse("admin:reviews_plan_changelist"))
        return HttpResponseRedirect(reverse("admin:reviews_plan_change", args=[following.pk]))

    def queue_state(self, request: HttpRequest) -> HttpResponse:
        """A mark that changes whenever the queue does; open lists ask for it."""
        return require_safe(self._queue_state)(request)

    def _queue_state(self, request: HttpRequest) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        return JsonResponse({"mark": queue_mark()})

    def plan_state(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Where the plan is now and who decided last; open pages ask for it."""
        return require_safe(self._plan_state)(request, pk)

    def _plan_state(self, request: HttpRequest, pk: int) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        plan = self._find(pk)
        last = PlanDecision.objects.filter(version__plan=plan).select_related("member").last()
        return JsonResponse({"mark": mark(plan), "says": news(plan, last), "taken": plan.taken})

    @admin.action(description="Approve", permissions=["decide"])
    def approve_selected(self, request: HttpRequest, plans: QuerySet[Plan]) -> None:
        """Approve each on its own."""
        self._decide_each(request, plans, "approve")

    @admin.action(description="Reject", permissions=["decide"])
    def reject_selected(self, request: HttpRequest, plans: QuerySet[Plan]) -> None:
        """Reject each on its own."""
        self._decide_each(request, plans, "reject")

    def _decide_each(self, request: HttpRequest, plans: QuerySet[Plan], word: str) -> None:
        seen = _seen(request)
        chosen = _chosen(request, plans)
        if len(chosen) > AT_ONCE:
            messages.warning(request, f"Only the first {AT_ONCE} were decided.")
        user, note = cast(User, request.user), request.POST.get("note", "")
        went = 0
        for plan in chosen[:AT_ONCE]:
            version, stage = seen.get(plan.pk, (plan.version, plan.stage))
            try:
                decide_at_desk(user, plan.pk, word, version=version, stage=stage, note=note)
            except DomainError as refusal:
                messages.error(request, f"{plan}: {refusal.message} {refusal.hint}".strip())
            else:
                went += 1
        if went:
            done = {"approve": "approved", "reject": "rejected"}[word]
            messages.success(request, f"{went} plan{'' if went == 1 else 's'} {done}.")


def _chosen(request: HttpRequest, plans: QuerySet[Plan]) -> list[Plan]:
    """The ticked plans, also those that left the list since: each is answered for."""
    if request.POST.get("select_across") == "1":
        return list(plans[: AT_ONCE + 1])
    ticked = request.POST.getlist(ACTION_CHECKBOX_NAME)
    shown = Plan.objects.with_people().filter(submitted_at__isnull=False)
    return list(shown.filter(pk__in=ticked).order_by("submitted_at", "pk")[: AT_ONCE + 1])


def _seen(request: HttpRequest) -> dict[int, tuple[int, int]]:
    """By plan: the version and the stage that were on the page."""
    seen = {}
    for value in request.POST.getlist("seen"):
        match [as_number(part) for part in value.split(":")]:
            case [int(pk), int(version), int(stage)]:
                seen[pk] = (version, stage)
    return seen
