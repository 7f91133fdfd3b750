"""What needs me, plans, and the moves of a review."""

from __future__ import annotations

from django.urls import path

from apps.reviews import views

TEAM = "teams/<str:slug>/"
TASK = TEAM + "tasks/<int:number>/"
PLAN = TEAM + "plans/<int:plan_id>/"
VERBS = (
    "request-review",
    "approve",
    "request-changes",
    "withdraw-review",
    "reopen",
    "replace-reviewer",
    "resolve-conflict",
)

urlpatterns = [
    path("", views.home, name="home"),
    path("digest/", views.digest, name="digest"),
    path("digest/seen/", views.digest_seen, name="digest_seen"),
    path("plans/<int:plan_id>/", views.plan_anywhere, name="plan_anywhere"),
    path(TEAM + "plans/", views.plans, name="plans"),
    path(TEAM + "plans/new/", views.plan_new, name="plan_new"),
    path(PLAN, views.plan, name="plan"),
    path(PLAN + "decide/", views.plan_decide, name="plan_decide"),
    path(PLAN + "submit/", views.plan_submit, name="plan_submit"),
    path(PLAN + "revise/", views.plan_revise, name="plan_revise"),
    path(PLAN + "withdraw/", views.plan_withdraw, name="plan_withdraw"),
    path(PLAN + "steps/<int:index>/", views.plan_step, name="plan_step"),
    *(
        path(f"{TASK}{verb}/", views.review, {"verb": verb}, name=f"task_{verb.replace('-', '_')}")
        for verb in VERBS
    ),
]
