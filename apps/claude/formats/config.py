"""A team's `config.json` in both dialects, and the `members.meta.json` beside it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from pathlib import Path
from typing import Any

from .disk import CONFIG_LIMIT, META_LIMIT, Problem, read_json
from .names import is_session_team
from .records import (
    Key,
    Record,
    flag,
    integer,
    mapping,
    maybe_flag,
    objects,
    string,
    string_or_blank,
    time_key,
)

LEAD_TYPES = frozenset({"team-lead", "coordinator"})
LEAD_ALIASES = frozenset({"team-lead", "lead"})
SUFFIXED = re.compile(r"(.+)-\d+")


class Epoch(IntEnum):
    """How Claude Code kept teams when the files were written."""

    CHOSEN = 1  # a team is made by name, inboxes only grow
    SESSION = 2  # one team per session, inbox rows go away once read
    NUMBERED = 3  # as SESSION, and every row has its own id


@dataclass(frozen=True, kw_only=True)
class ConfigMember(Record):
    """One member as config.json or members.meta.json describes it."""

    name: str
    agent_id: str | None = None
    agent_type: str | None = None
    model: str | None = None
    prompt: str | None = None
    color: str | None = None
    plan_mode_required: bool = False
    joined_at: datetime | None = None
    tmux_pane_id: str | None = None
    cwd: str | None = None
    backend_type: str | None = None
    is_active: bool | None = None
    role: str | None = None
    workflow: str | None = None
    isolation: str | None = None
    provider_id: str | None = None
    removed_at: datetime | None = None

    KEYS = (
        Key("agent_id", ("agentId",), string),
        Key("name", ("name",), string_or_blank, always=True),
        Key("agent_type", ("agentType",), string),
        Key("model", ("model",), string),
        Key("prompt", ("prompt",), string),
        Key("color", ("color",), string),
        Key("plan_mode_required", ("planModeRequired",), flag),
        time_key("joined_at", "joinedAt", milliseconds=True),
        Key("tmux_pane_id", ("tmuxPaneId",), string),
        Key("cwd", ("cwd",), string),
        Key("backend_type", ("backendType",), string),
        Key("is_active", ("isActive",), maybe_flag),
        Key("role", ("role",), string),
        Key("workflow", ("workflow",), string),
        Key("isolation", ("isolation",), string),
        Key("provider_id", ("providerId", "provider"), string),
        time_key("removed_at", "removedAt", milliseconds=True),
    )

    @property
    def is_lead(self) -> bool:
        """Whether the member's own entry says that it leads; `TeamConfig.lead` knows better."""
        return self.agent_type in LEAD_TYPES or self.name.casefold() == "team-lead"

    @property
    def is_teammate(self) -> bool:
        """Whether the member was spawned with a prompt, which a lead never is."""
        return self.prompt is not None


def members_of(value: Any) -> tuple[ConfigMember, ...]:
    """The entries of a member list that have a name, in order."""
    return tuple(ConfigMember.parse(row) for row in objects(value) if _named(row))


def _named(row: dict[str, Any]) -> bool:
    name = row.get("name")
    return isinstance(name, str) and name.strip() != ""


def _written(members: tuple[ConfigMember, ...]) -> list[dict[str, Any]]:
    return [member.native() for member in members]


@dataclass(frozen=True, kw_only=True)
class TeamConfig(Record):
    """What config.json says of a team; its member list may be shorter than the real roster."""

    name: str
    description: str = ""
    created_at: datetime | None = None
    lead_agent_id: str | None = None
    lead_session_id: str | None = None
    members: tuple[ConfigMember, ...] = ()
    color: str | None = None
    project_path: str | None = None
    deleted_at: datetime | None = None

    KEYS = (
        Key("name", ("name", "teamName"), string_or_blank, always=True),
        Key("description", ("description",), string_or_blank),
        time_key("created_at", "createdAt", milliseconds=True),
        Key("lead_agent_id", ("leadAgentId",), string),
        Key("lead_session_id", ("leadSessionId",), string),
        Key("members", ("members",), members_of, _written, always=True),
        Key("color", ("color",), string),
        Key("project_path", ("projectPath",), string),
        time_key("deleted_at", "deletedAt"),
    )

    @property
    def lead(self) -> ConfigMember | None:
        """The leader: by `leadAgentId`, else by type or name, else the one without a prompt."""
        lead_id = self.lead_agent_id or ""
        tests = (
            lambda member: member.agent_id is not None and member.agent_id == lead_id,
            lambda member: member.name == lead_id.split("@")[0],
            lambda member: member.is_lead,
            lambda member: not member.is_teammate and any(m.is_teammate for m in self.members),
        )
        return next((m for test in tests for m in self.members if test(m)), None)

    @property
    def epoch(self) -> Epoch:
        """CHOSEN or SESSION; only inbox rows tell NUMBERED from SESSION."""
        lead = self.lead
        by_session = is_session_team(self.name) or (lead and lead.tmux_pane_id == "leader")
        return Epoch.SESSION if by_session else Epoch.CHOSEN


@dataclass(frozen=True, kw_only=True)
class MembersMeta(Record):
    """The roster that a supervising app keeps: all its `rows`, and the `members` that count."""

    version: int | None = None
    provider_backend_id: str | None = None
    rows: tuple[ConfigMember, ...] = ()

    KEYS = (
        Key("version", ("version",), integer, always=True),
        Key("provider_backend_id", ("providerBackendId",), string),
        Key("rows", ("members",), members_of, _written, always=True),
    )

    @property
    def members(self) -> tuple[ConfigMember, ...]:
        """One entry per name, removed ones included, without automatic doubles, by name."""
        first: dict[str, ConfigMember] = {}
        for row in self.rows:
            first.setdefault(row.name, row)
        active = {name for name, row in first.items() if row.removed_at is None}
        kept = [row for name, row in first.items() if not _is_double(name, active)]
        return tuple(sorted(kept, key=lambda row: row.name))


def _is_double(name: str, active: set[str]) -> bool:
    match = SUFFIXED.fullmatch(name)
    return match is not None and match.group(1) in active


def parse_config(value: Any, path: Path) -> TeamConfig | Problem:
    """A config from its JSON value; the file of another product is told from a broken one."""
    raw = mapping(value)
    named = any(_nonblank(raw.get(name)) for name in ("name", "teamName"))
    if _is_foreign(raw, named=named):
        return Problem(path, "foreign", "This is the team file of another product.")
    if not named:
        return Problem(path, "wrong_shape", "A team file is an object with a name.")
    if not isinstance(raw.get("members", []), list):
        return Problem(path, "wrong_shape", "The members of a team file are a list.")
    return TeamConfig.parse(raw)


def _nonblank(value: Any) -> bool:
    return isinstance(value, str) and value.strip() != ""


def _is_foreign(raw: dict[str, Any], *, named: bool) -> bool:
    rows = objects(raw.get("members"))
    agents = any("agent" in row for row in rows) and not any("name" in row for row in rows)
    return agents or (not named and "team" in raw and "lead" in raw)


def parse_meta(value: Any, path: Path) -> MembersMeta | Problem:
    """The members file from its JSON value."""
    if not isinstance(value, dict) or not isinstance(value.get("members"), list):
        return Problem(path, "wrong_shape", "A members file is an object with a list of members.")
    return MembersMeta.parse(value)


def read_config(path: Path, *, within: Path | None = None) -> TeamConfig | Problem:
    """`teams/<team>/config.json`; links may lead anywhere in the folder that holds `teams`."""
    value = read_json(path, CONFIG_LIMIT, within=within or path.parent.parent.parent)
    return value if isinstance(value, Problem) else parse_config(value, path)


def read_meta(path: Path, *, within: Path | None = None) -> MembersMeta | Problem:
    """`teams/<team>/members.meta.json`, as `read_config`."""
    value = read_json(path, META_LIMIT, within=within or path.parent.parent.parent)
    return value if isinstance(value, Problem) else parse_meta(value, path)
