from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.tasks.export import to_dot, to_mermaid
from apps.tasks.graph import Node

NODES = [
    Node(2, "Build it", status="in_progress", owner="Hal"),
    Node(1, "Design it", status="completed", finished=True),
    Node(3, "Ship it"),
    Node(4, "Forget it", status="deleted", deleted=True),
]
EDGES = [(2, 3), (1, 2), (4, 3)]

MERMAID = """\
graph TD
    t1["#35;1 Design it"]:::completed
    t2["#35;2 Build it @Hal"]:::in_progress
    t3["#35;3 Ship it"]:::pending
    t1 --> t2
    t2 --> t3
    classDef pending fill:#D3D3D3,color:#111111
    classDef in_progress fill:#87CEEB,color:#111111
    classDef completed fill:#90EE90,color:#111111
"""
DOT = """\
digraph tasks {
  rankdir=LR;
  node [shape=box, style="rounded,filled", fontcolor="#111111"];
  t1 [label="#1 Design it", fillcolor="#90EE90"];
  t2 [label="#2 Build it @Hal", fillcolor="#87CEEB"];
  t3 [label="#3 Ship it", fillcolor="#D3D3D3"];
  t1 -> t2;
  t2 -> t3;
}
"""


def test_mermaid_draws_arrows_from_blocker_to_blocked_and_colours_by_status() -> None:
    assert to_mermaid(NODES, EDGES) == MERMAID


def test_dot_draws_the_same_from_left_to_right() -> None:
    assert to_dot(NODES, EDGES) == DOT


def test_mermaid_of_nothing_is_the_header_only() -> None:
    assert to_mermaid([], []) == "graph TD\n"


def test_dot_of_nothing_is_an_empty_graph() -> None:
    assert "->" not in to_dot([], [])
    assert to_dot([], []).endswith("}\n")


@pytest.mark.parametrize(
    ("subject", "label"),
    [
        ('Say "hi"', "Say #quot;hi#quot;"),
        ("Fix #7", "Fix #35;7"),
        ("a < b && c > d", "a #lt; b #amp;#amp; c #gt; d"),
        ("two\nlines", "two lines"),
        ("`code`", "#96;code#96;"),
        ("%%{init: x}%%", "#37;#37;{init#58; x}#37;#37;"),
        ("style x:#fff;", "style x#58;#35;fff;"),
        ("cost $$1$$", "cost #36;#36;1#36;#36;"),
        ("f(x)[0] end", "f(x)[0] end"),
    ],
)
def test_mermaid_specials_in_a_subject_are_escaped(subject: str, label: str) -> None:
    assert f'    t1["#35;1 {label}"]:::pending\n' in to_mermaid([Node(1, subject)], [])


@pytest.mark.parametrize(
    ("subject", "label"),
    [
        ('Say "hi"', r"Say \"hi\""),
        ("path\\name", r"path\\name"),
        ('end\\"', r"end\\\""),
        ("two\r\nlines", "two lines"),
    ],
)
def test_dot_specials_in_a_subject_are_escaped(subject: str, label: str) -> None:
    assert f'  t1 [label="#1 {label}", fillcolor' in to_dot([Node(1, subject)], [])


def test_an_unknown_status_is_drawn_without_colour() -> None:
    node = Node(1, "Odd", status="odd")
    assert to_mermaid([node], []) == 'graph TD\n    t1["#35;1 Odd"]\n'
    assert "#FFFFFF" in to_dot([node], [])


@given(st.text(max_size=60), st.text(max_size=20))
def test_no_text_leaves_its_label(subject: str, owner: str) -> None:
    node = Node(1, subject, owner=owner)
    mermaid, dot = to_mermaid([node], []).split("\n"), to_dot([node], []).split("\n")
    assert len(mermaid) == 4
    assert re.fullmatch(r'    t1\["[^"`<>\\%]*"\]:::pending', mermaid[1])
    assert len(dot) == 6
    assert re.fullmatch(r'  t1 \[label="(?:[^"\\]|\\["\\])*", fillcolor="#D3D3D3"\];', dot[3])
