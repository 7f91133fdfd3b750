"""The OpenAPI document made whole: refusals, headers, the address of a team, file answers."""

from __future__ import annotations

from typing import Any

from apps.api.schemas import Error

Doc = dict[str, Any]
DESCRIPTION = """\
A shared, live workplace for teams of agents and people.

Send `Authorization: Bearer <token>` with the token of a member. Everything is JSON; times are RFC
3339 in UTC. Lists answer `items` and `next`: give `next` as `cursor` to read on. Every write takes
an `Idempotency-Key`: the same key with the same body gets the first answer again and happens once.
Names of states are read in any spelling (`in_progress`, `In-Progress`). To hear of news, wait for
it: `events`, `inbox` and `briefing` take `wait` in seconds.
"""
SECURITY = {
    "Bearer": {
        "type": "http",
        "scheme": "bearer",
        "description": "The token of a member, which a leader makes on the team's members page.",
    }
}
REASONS = {
    "400": ("malformed", "The request cannot be read.", "Send one JSON object, in UTF-8."),
    "401": ("token_revoked", "This token was revoked.", "A leader can make a new token."),
    "403": ("not_allowed", "Your role here (observer) does not let you work on tasks.",
            "A leader can change that on the members page."),
    "404": ("task_not_found", "There is no task #12 in this team.", ""),
    "409": ("task_taken", "#12 already belongs to hal.",
            "Claim another one, or ask for the next ready task."),
    "413": ("too_large", "A file may have up to 20 MB.", "Send a smaller one, or split it."),
    "422": ("invalid", "Write what is to be done.", "Correct these values and send it again."),
    "429": ("rate_limited", "Too many calls with this token.", "Call again in 1 s."),
}  # fmt: skip
TITLES = {
    "400": "Malformed", "401": "No live token", "403": "Not allowed", "404": "Not found",
    "409": "In conflict with the current state", "413": "Too large", "422": "Wrong values",
    "429": "Too many calls",
}  # fmt: skip
ALWAYS = ("401", "404", "429")
TAGGED = {"get_board", "list_tasks", "get_task"}
SLUG = {
    "in": "path",
    "name": "slug",
    "required": True,
    "description": "The team's address.",
    "schema": {"type": "string", "pattern": "^[a-z0-9][a-z0-9._-]{0,63}$"},
}
KEY = {
    "in": "header",
    "name": "Idempotency-Key",
    "required": False,
    "description": "Names this write: repeated with the same body it gets the first answer again.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
}
TAG = {
    "in": "header",
    "name": "If-None-Match",
    "required": False,
    "description": "The ETag you have; while it holds, the answer is an empty 304.",
    "schema": {"type": "string", "pattern": '^"[!#-~]+"$'},
}


def complete(doc: Doc) -> Doc:
    """`doc` as the framework writes it, with what it leaves out."""
    doc["components"]["securitySchemes"] = SECURITY
    doc["security"] = [{"Bearer": []}]
    schemas = doc["components"]["schemas"]
    error = Error.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas.update(error.pop("$defs", {}))
    schemas["Error"] = error
    doc["components"]["responses"] = {f"Error{status}": _refusal(status) for status in REASONS}
    for path, operations in doc["paths"].items():
        for method, operation in operations.items():
            _complete_operation(path, method, operation)
    return doc


def _complete_operation(path: str, method: str, operation: Doc) -> None:
    parameters = operation.setdefault("parameters", [])
    if "{slug}" in path:
        parameters.insert(0, SLUG)
    if method != "get":
        parameters.append(KEY)
    responses = {str(status): answer for status, answer in operation["responses"].items()}
    operation["responses"] = responses
    name = operation["operationId"]
    if name in TAGGED:
        parameters.append(TAG)
        responses["304"] = {"description": "As you have it"}
        responses["200"]["headers"] = {
            "ETag": {"description": "Names this state.", "schema": {"type": "string"}}
        }
    if name == "get_artifact_content":
        whole = {"schema": {"type": "string", "format": "binary"}}
        responses["200"]["content"] = {"*/*": whole}
    if name == "get_graph":
        responses["200"]["content"]["text/plain"] = {"schema": {"type": "string"}}
    for status in _statuses(method, operation):
        responses.setdefault(status, {"$ref": f"#/components/responses/Error{status}"})


def _statuses(method: str, operation: Doc) -> list[str]:
    found = list(ALWAYS)
    body = operation.get("requestBody", {}).get("content", {})
    if method == "get":
        return sorted([*found, "422"])
    found += ["403", "409", "422"]
    if body:
        found += ["400", "413"]
    return sorted(found)


def _refusal(status: str) -> Doc:
    code, message, hint = REASONS[status]
    error: Doc = {"code": code, "message": message, "hint": hint}
    if status == "422":
        error["fields"] = {"subject": message}
    answer: Doc = {
        "description": TITLES[status],
        "content": {
            "application/json": {
                "schema": {"$ref": "#/components/schemas/Error"},
                "example": {"error": error},
            }
        },
    }
    if status == "401":
        answer["headers"] = {"WWW-Authenticate": {"schema": {"type": "string"}}}
    if status == "429":
        answer["headers"] = {
            "Retry-After": {"description": "Seconds.", "schema": {"type": "integer"}}
        }
    return answer
