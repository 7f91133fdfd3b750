"""The dependency graph as text that other programs draw: Mermaid and Graphviz DOT."""

from __future__ import annotations

from collections.abc import Iterable

from apps.core.text import one_line
from apps.tasks.graph import Edge, Node, build

# Light grounds with their own dark text, since the viewer's theme is unknown.
FILLS = {"pending": "#D3D3D3", "in_progress": "#87CEEB", "completed": "#90EE90"}
INK = "#111111"

# What Mermaid reads even inside quotes: entities, markup, comments, `style x:#…;`, formulas.
MERMAID = str.maketrans(
    {'"': "#quot;", "&": "#amp;", "<": "#lt;", ">": "#gt;"}
    | {sign: f"#{ord(sign)};" for sign in "#%`\\:$"}
)
DOT = str.maketrans({"\\": "\\\\", '"': '\\"'})


def to_mermaid(nodes: Iterable[Node], edges: Iterable[Edge]) -> str:
    """A Mermaid flowchart: `#number subject @owner` per card, coloured by status."""
    graph = build(nodes, edges)
    lines = ["graph TD"]
    lines += [
        f'    t{number}["{_label(node).translate(MERMAID)}"]{_class(node)}'
        for number, node in graph.nodes.items()
    ]
    lines += [f"    t{blocker} --> t{blocked}" for blocker, blocked in graph.edges]
    used = {node.status for node in graph.nodes.values()}
    lines += [
        f"    classDef {status} fill:{fill},color:{INK}"
        for status, fill in FILLS.items()
        if status in used
    ]
    return "\n".join(lines) + "\n"


def to_dot(nodes: Iterable[Node], edges: Iterable[Edge]) -> str:
    """A Graphviz digraph, left to right, with the same labels and colours."""
    graph = build(nodes, edges)
    lines = [
        "digraph tasks {",
        "  rankdir=LR;",
        f'  node [shape=box, style="rounded,filled", fontcolor="{INK}"];',
    ]
    lines += [
        f'  t{number} [label="{_label(node).translate(DOT)}", fillcolor="{_fill(node)}"];'
        for number, node in graph.nodes.items()
    ]
    lines += [f"  t{blocker} -> t{blocked};" for blocker, blocked in graph.edges]
    return "\n".join([*lines, "}"]) + "\n"


def _label(node: Node) -> str:
    owner = f" @{node.owner}" if node.owner else ""
    return one_line(f"#{node.number} {node.subject}{owner}", 260)


def _class(node: Node) -> str:
    return f":::{node.status}" if node.status in FILLS else ""


def _fill(node: Node) -> str:
    return FILLS.get(node.status, "#FFFFFF")
