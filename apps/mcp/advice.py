"""What to do next, as a call that a model can copy."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from apps.api.next_step import Step
from apps.core.errors import DomainError
from apps.messaging.models import Discussion
from apps.messaging.models.discussion import OPEN
from apps.reviews.models import Plan
from apps.tasks.models import Task
from apps.tasks.moves import Column
from apps.tasks.rights import steers
from apps.teams.models import Member

Data = dict[str, Any]
WAIT = 50
SYSTEM = "system"


def call(name: str, **arguments: Any) -> str:
    """`claim_task(number=3)`."""
    told = ", ".join(f"{key}={json.dumps(value)}" for key, value in arguments.items())
    return f"{name}({told})"


MORE_WORK = f"{call('claim_task')} for the next one, or {call('check_inbox', wait=WAIT)}."


def suggested(step: Step) -> str:
    """The next step of a briefing, whose own call is for the REST door."""
    number, plan = step.task, step.plan
    about = {"plan": plan.pk} if plan else {"task": number}
    does = {
        "send_message": shut_down(step.message),
        "check_inbox": call("check_inbox"),
        "decide_plan": _to_decide(plan) if plan else "",
        "update_task": call("comment", number=number, answer=True),
        "review_task": call("get_task", number=number) + ", then review_task",
        "submit_plan": call("submit_plan", **about),
        "release_task": call("finish_task", number=number, outcome="release"),
        "replace_reviewer": call("request_review", number=number, reviewer="…"),
        "wait_for_events": call("briefing", wait=WAIT),
        "start_session": call("begin_run"),
    }  # fmt: skip
    return f"{does.get(step.action) or call(step.action, number=number)}: {step.why}"


def _to_decide(plan: Plan) -> str:
    """Where the plan is read, at its task or in the message that brought it, and how to decide."""
    letters = call("check_inbox", kind="plan_approval_request", unread=False, limit=200)
    read = call("get_task", number=plan.task.number) if plan.task else letters
    decide = call("review_task", plan=plan.pk, version=plan.version)
    return f"{read} to read it, then {decide} with your decision"


def shut_down(message: int | None) -> str:
    """How to answer the message that asks for a shutdown."""
    yes = call("send_message", kind="shutdown_approved", reply_to=message)
    return f"{yes} and stop, or kind shutdown_rejected with a reason"


def claimed(task: Task) -> str:
    """After a task was started."""
    planned = task.planned_by_id == task.owner_id and task.plan_steps
    steps = ", report_step as you go" if planned else ""
    done = call("finish_task", number=task.number, outcome="complete")
    return f"Do the work{steps}, then {done}. Stuck? finish_task with outcome ask or release."


def completed(task: Task) -> str:
    """After a task was completed."""
    return f"{call('request_review', number=task.number)}, then {MORE_WORK}"


ASKED = f"Do something else meanwhile, or wait for the answer: {call('check_inbox', wait=WAIT)}."


def in_review(task: Task) -> str:
    """After a review was asked for."""
    if task.has_conflict:
        return _resolve(task.number)
    who = f"{task.reviewer.name} was told" if task.reviewer else "Any person here may review it"
    return f"{who}. Go on with {MORE_WORK}"


def remarked(task: Task, me: Member) -> str:
    """After `me` said something about a task: who works on it goes on with that."""
    if task.owner_id == me.pk and task.column == Column.IN_PROGRESS:
        done = call("finish_task", number=task.number, outcome="complete")
        return f"Go on with #{task.number}, then {done}."
    return MORE_WORK


def kept(shape: Mapping[str, Any]) -> str:
    """After a file was added."""
    if not shape.get("task"):
        return call("briefing")
    told = call("comment", number=shape["task"], artifacts=[shape["id"]])
    return f"{told} with a body to tell of it, or go on."


def listed(cards: Sequence[Mapping[str, Any]], me: Member) -> str:
    """After tasks were listed."""
    found = next((card["number"] for card in cards if _may_resolve(card, me)), None)
    conflict = f" {_resolve(found)}" if found else ""
    return f"get_task for one with everything, claim_task to start a ready one.{conflict}"


def _may_resolve(shape: Mapping[str, Any], me: Member) -> bool:
    return bool(shape.get("conflict")) and (steers(me) or shape.get("owner") == me.name)


def _resolve(number: int) -> str:
    does = call("resolve_conflict", number=number)
    return f"The work on #{number} goes on outside of its review: {does}."


def refused(error: DomainError) -> str:
    """The hint of a refusal, with the call that gets on where a tool of its own does."""
    does = ""
    if error.details.get("conflict"):
        does = call("resolve_conflict", number=error.details["task"])
    if error.code == "plan_required":
        plan = call("submit_plan", task=error.details["task"])
        does = f"{plan}, or {call('check_inbox', wait=WAIT)}"
    if error.code == "nothing_ready":
        does = call("briefing", wait=WAIT)
    return f"{error.hint} {does}".strip()


def seen(shape: Mapping[str, Any], me: Member) -> str:
    """After a task was read by `me`."""
    number, column = shape["number"], shape["column"]
    mine = shape.get("owner") == me.name
    if _may_resolve(shape, me):
        return _resolve(number)
    if column == Column.TODO and shape.get("ready"):
        return call("claim_task", number=number)
    if column == Column.TODO and shape.get("open_blockers"):
        blockers = ", ".join(f"#{blocker}" for blocker in shape["open_blockers"])
        return f"It waits for {blockers}. Others: {call('list_tasks', ready=True)}."
    if column == Column.IN_PROGRESS and mine:
        return call("finish_task", number=number, outcome="complete")
    if column == Column.DONE and mine:
        return call("request_review", number=number)
    if column == Column.REVIEW and shape.get("reviewer") == me.name:
        approve = call("review_task", number=number, decision="approve")
        return f"{approve}, or decision request_changes with a note."
    return call("briefing")


def planned(shape: Data) -> str:
    """After a plan was handed in, or read."""
    if shape["state"] == "approved":
        return call("claim_task", number=shape["task"]) if shape["task"] else "Go ahead."
    return (
        f"Wait for the decision: {call('check_inbox', wait=WAIT)}. If it is rejected, revise it:"
        f" {call('submit_plan', plan=shape['id'])} with new steps."
    )


def stepped(shape: Data) -> str:
    """After a step was reported."""
    left = [step for step in shape["steps"] if step["state"] in ("todo", "doing")]
    if left:
        step = left[0]
        report = call("report_step", plan=shape["id"], step=step["index"], state="done")
        return f"Next step {step['index']}: {step['title']}. Then {report}."
    return call("finish_task", number=shape["task"]) if shape["task"] else call("briefing")


def sent(kind: str) -> str:
    """After a message of that kind was sent."""
    if kind == "shutdown_approved":
        return "You have shut down: stop here, and call nothing more."
    if kind == "shutdown_rejected":
        return MORE_WORK
    return f"{call('check_inbox', wait=WAIT)} for an answer."


def read(messages: Sequence[Data]) -> str:
    """After the inbox was read."""
    if not messages:
        return (
            f"Nothing new. {call('claim_task')}, or wait again: {call('check_inbox', wait=WAIT)}."
        )
    # What came last counts: it may have overtaken what came before.
    for message in reversed(messages):
        if (advice := _answer(message)) is not None:
            rest = f". Then {call('briefing')} for the rest." if len(messages) > 1 else ""
            return f"{advice.rstrip('.')}{rest}" if rest else advice
    said = [message["id"] for message in messages if message["from"] != SYSTEM]
    if not said:  # nobody reads an answer to the system's own notices
        return call("briefing")
    return f"Answer where it needs one: {call('send_message', reply_to=said[-1])} with a body."


def discussed(shape: Data, me: Member) -> str:
    """After a discussion was read, or something was said in it."""
    takes_part = me.name in shape["participants"]
    if shape["state"] not in OPEN or not (takes_part or shape["opened_by"] == me.name):
        return MORE_WORK
    end = f"{call('discuss', discussion=shape['id'])} with a conclusion"
    turns = shape["turns"]
    if shape["state"] == Discussion.State.DEADLOCKED:
        return f"Nobody went on: {end}."
    if len(turns) >= shape["max_rounds"]:
        return f"No turn is left: {end}."
    wait = call("wait_for_events", kinds=["discussion"])
    last = " One turn is left." if len(turns) + 1 == shape["max_rounds"] else ""
    if not takes_part or (turns and turns[-1]["from"] == me.name):
        return f"{wait} for the others' turns, or {end}.{last}"
    speak = call("discuss", discussion=shape["id"])
    return f"{speak} with your turn as body, or with a conclusion.{last}"


def _answer(message: Data) -> str | None:
    payload, kind = message.get("payload") or {}, message["kind"]
    if kind == "system_notification" and payload.get("discussion"):
        return f"{call('discuss', discussion=payload['discussion'])} to read it and take part."
    number = (message.get("tasks") or [None])[0]
    if kind == "review_request" and number:
        return f"{call('get_task', number=number)}, then review_task."
    if kind == "plan_approval_response":
        if payload.get("approved"):
            return (
                call("claim_task", number=number) if number else "Your plan is approved: go ahead."
            )
        return (
            f"Revise the plan: {call('submit_plan', plan=payload.get('plan_id'))} with new steps."
        )
    if kind == "review_response" and number and not payload.get("approved"):
        return f"{call('claim_task', number=number)} and fix what the note says."
    if kind == "task_assignment" and number:
        return call("get_task", number=number)
    if kind == "shutdown_request":
        return f"{shut_down(message['id'])}."
    return None
