"""What apps above do when a seat or a team ends, or a setting of theirs changes.

They register in their `AppConfig.ready`; each hook runs inside the action's transaction, under the
team's lock, and records what it does in the journal.
"""

from __future__ import annotations

from collections.abc import Callable

from apps.teams.models import Member, Team

SeatHook = Callable[[Member, Member], None]
TeamHook = Callable[[Member, Team], None]
SettingsHook = Callable[[Member, Team, frozenset[str]], None]

_seats: list[SeatHook] = []
_teams: list[TeamHook] = []
_settings: list[SettingsHook] = []


def on_seat_end(hook: SeatHook) -> SeatHook:
    """Call `hook(actor, seat)` when a seat has ended, also when the whole team disbands."""
    _seats.append(hook)
    return hook


def on_disband(hook: TeamHook) -> TeamHook:
    """Call `hook(actor, team)` once when a team disbands, before its seats end."""
    _teams.append(hook)
    return hook


def on_settings(hook: SettingsHook) -> SettingsHook:
    """Call `hook(actor, team, changed)` when settings of a team changed; `changed` names them."""
    _settings.append(hook)
    return hook


def seat_ended(actor: Member, seat: Member) -> None:
    """Tell the apps above that `seat` has ended."""
    for hook in _seats:
        hook(actor, seat)


def team_disbands(actor: Member, team: Team) -> None:
    """Tell the apps above that `team` comes to its end."""
    for hook in _teams:
        hook(actor, team)


def settings_changed(actor: Member, team: Team, changed: frozenset[str]) -> None:
    """Tell the apps above which settings of `team` are others now."""
    for hook in _settings:
        hook(actor, team, changed)
