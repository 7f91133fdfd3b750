"""Markdown of members as safe HTML, with mentions and task numbers found by the same parser.

What renders as a mention is exactly what `references` reports, so nobody is addressed by text that
a reader sees as code, and nobody is shown as addressed who was not.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import nh3
from django.utils.html import escape
from django.utils.safestring import SafeString
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

from apps.core import text as words

# Beyond this the rest is shown as plain text: parsing stays well under the time of one request.
MAX_CHARS = 64_000
MAX_NESTING = 24
EVERYONE = "*all*"

LANGUAGE = re.compile(r"[\w#+.-]{1,30}")
SCHEME = re.compile(r"[^/?#:]*:")
SAFE_SCHEMES = ("http:", "https:", "mailto:")
# Lines of plain words: no code, links, escapes, emphasis, indents or marks of headings and lists.
# Nothing in them hides a reference, so each is where it stands; other texts are for the parser.
PLAIN = re.compile(
    r"(?:(?:(?:[^\W\d_]|[@(\"']|#[0-9])(?:[^\W_]|[@#.,;!?'\"()/%=-]| (?! ))*)?(?:\n|$))+"
)
SIGN = re.compile(r"[@#]")
BARE_URL = re.compile(r"://[^\s<>\"`{}|\\^\[\]]+")
PROTOCOL = re.compile(r"(?:^|[^a-z0-9.+-])(https?)$", re.IGNORECASE)

TAGS = {"a", "blockquote", "br", "code", "em", "hr", "li", "ol", "p", "pre", "s", "span"}
TAGS |= {"strong", "table", "tbody", "td", "th", "thead", "tr", "ul"}
TAGS |= {"h1", "h2", "h3", "h4", "h5", "h6"}
ATTRIBUTES = {
    "a": {"href", "title"},
    "code": {"class"},
    "ol": {"start"},
    "span": {"data-member"},
}
ALIGN = frozenset({"align-left", "align-center", "align-right"})
CLASSES = {
    "a": {"task-ref"},
    "pre": {"plain"},
    "span": {"mention"},
    "td": ALIGN,
    "th": ALIGN,
}
CLEANER = nh3.Cleaner(
    tags=TAGS,
    clean_content_tags=frozenset(),
    attributes=ATTRIBUTES,
    allowed_classes=CLASSES,
    url_schemes={"http", "https", "mailto"},
    link_rel="noopener noreferrer nofollow",
)


class References(NamedTuple):
    """Whom and what a text refers to: in order of appearance, each once."""

    names: list[str]
    tasks: list[int]


def render(
    text: str,
    *,
    members: Mapping[str, str] | None = None,
    task_url: Callable[[int], str | None] | None = None,
) -> SafeString:
    """`text` as HTML that is safe under a policy without inline scripts, styles or foreign images.

    `members` maps a name (any case) to the value of `data-member`; `@all` and `@everyone` get
    `all`. `task_url` gives the address of a task, or None to leave `#12` as text. A line break is
    a line break; HTML in `text` is shown as text; images become links to them.
    """
    head, rest = _split(_encodable(text))
    env: dict[str, Any] = {"names": _names(members or {}, everyone="all"), "task_url": task_url}
    tokens = _parse(head, env)
    if tokens is None:
        rest, tokens = head + rest, []
    html = str(PARSER.renderer.render(tokens, PARSER.options, env))
    if rest:
        html += f'<pre class="plain">{escape(rest)}</pre>'
    return SafeString(CLEANER.clean(html))


def references(text: str, names: Iterable[str] = ()) -> References:
    """Which of `names` (plus `EVERYONE`) are mentioned in `text`, and which task numbers occur.

    Not in code, addresses, link targets or behind a backslash; names are compared ignoring case
    and reported as given. Only what `render` treats as Markdown counts (`MAX_CHARS`).
    """
    if "@" not in text and "#" not in text:
        return References([], [])
    env: dict[str, Any] = {"names": _names({name: name for name in names}, everyone=EVERYONE)}
    if len(text) <= MAX_CHARS and PLAIN.fullmatch(text):
        return _where_they_stand(text, env["names"])
    found: dict[str, list[Any]] = {"mention": [], "task_ref": []}
    for block in _parse(_split(_encodable(text))[0], env) or ():
        for token in block.children or ():
            if token.type in found:
                found[token.type].append(token.meta["to"])
    return References(_unique(found["mention"]), _unique(found["task_ref"]))


def _where_they_stand(text: str, names: Mapping[str, str]) -> References:
    mentions: list[str] = []
    tasks: list[int] = []
    at = 0
    while sign := SIGN.search(text, at):
        at = sign.end()
        if sign[0] == "@" and (handle := words.handle_at(text, sign.start(), names)):
            at, name = handle
            mentions.append(name)
        elif sign[0] == "#" and (task := words.task_at(text, sign.start())):
            at, number = task
            tasks.append(number)
    return References(_unique(mentions), _unique(tasks))


def _parse(head: str, env: dict[str, Any]) -> list[Token] | None:
    """The tokens, or None when nesting is so deep that the parser would drop what is inside."""
    tokens = PARSER.parse(head, env)
    if any(token.level >= MAX_NESTING - 1 for token in tokens):
        return None
    return tokens


def _unique(items: list[Any]) -> list[Any]:
    return list(dict.fromkeys(items))


def _names(members: Mapping[str, str], *, everyone: str) -> dict[str, str]:
    names = {words.fold(name): value for name, value in members.items()}
    if members or everyone == EVERYONE:
        names |= dict.fromkeys(words.EVERYONE_WORDS, everyone)
    return names


def _encodable(text: str) -> str:
    """JSON may carry half of a surrogate pair, which no encoding of the page can."""
    return text.encode(errors="replace").decode()


def _split(text: str) -> tuple[str, str]:
    if len(text) <= MAX_CHARS:
        return text, ""
    cut = text.rfind("\n", MAX_CHARS // 2, MAX_CHARS) + 1 or MAX_CHARS
    return text[:cut], text[cut:]


def _safe_link(url: str) -> bool:
    """Web, mail and addresses of this site; `//host` only looks like the latter."""
    if url.startswith("//"):
        return False
    scheme = SCHEME.match(url)
    return scheme is None or scheme[0].lower() in SAFE_SCHEMES


def _mention(state: StateInline, silent: bool) -> bool:
    if state.src[state.pos] != "@":
        return False
    found = words.handle_at(state.src, state.pos, state.env["names"])
    return _accept(state, "mention", found, silent=silent)


def _task_ref(state: StateInline, silent: bool) -> bool:
    if state.src[state.pos] != "#" or state.linkLevel:
        return False
    found = words.task_at(state.src, state.pos)
    return _accept(state, "task_ref", found, silent=silent)


def _accept(
    state: StateInline, kind: str, found: tuple[int, str | int] | None, *, silent: bool
) -> bool:
    if found is None or found[0] > state.posMax:
        return False
    end, to = found
    if not silent:
        token = state.push(kind, "", 0)
        token.content = state.src[state.pos : end]
        token.meta = {"to": to}
    state.pos = end
    return True


def _bare_url(state: StateInline, silent: bool) -> bool:
    """`https://…` written plainly; it must be one piece or its `#12` would become a task."""
    if state.src[state.pos] != ":" or state.linkLevel:
        return False
    rest = BARE_URL.match(state.src, state.pos, state.posMax)
    protocol = PROTOCOL.search(state.src[max(0, state.pos - 6) : state.pos])
    if rest is None or protocol is None:
        return False
    tail = _without_punctuation(rest[0])
    if len(tail) <= len("://"):
        return False
    if not silent:
        if not state.pending.endswith(protocol[1]):
            return False
        state.pending = state.pending[: -len(protocol[1])]
        _push_link(state, protocol[1] + tail)
    state.pos += len(tail)
    return True


def _without_punctuation(url: str) -> str:
    """`url` less what closes the sentence or the bracket around it."""
    surplus = url.count(")") - url.count("(")
    end = len(url)
    while end and (url[end - 1] in ".,;:!?'*_~" or (url[end - 1] == ")" and surplus > 0)):
        end -= 1
        surplus -= url[end] == ")"
    return url[:end]


def _push_link(state: StateInline, url: str) -> None:
    state.push("link_open", "a", 1).attrs = {"href": state.md.normalizeLink(url)}
    state.push("text", "", 0).content = url
    state.push("link_close", "a", -1)


def _tidy(state: StateCore) -> None:
    """Alignment as a class, since inline styles are refused; images as links."""
    for token in state.tokens:
        if style := token.attrs.pop("style", None):
            token.attrs["class"] = "align-" + str(style).removeprefix("text-align:")
        if token.children:
            token.children = _images_as_links(token.children)


def _images_as_links(children: Sequence[Token]) -> list[Token]:
    tidy: list[Token] = []
    depth = 0
    for token in children:
        depth += {"link_open": 1, "link_close": -1}.get(token.type, 0)
        if token.type != "image":
            tidy.append(token)
            continue
        label = Token("text", "", 0, content=token.content or str(token.attrs["src"]))
        if depth:
            tidy.append(label)
            continue
        opening = Token("link_open", "a", 1, attrs={"href": token.attrs["src"]})
        tidy += [opening, label, Token("link_close", "a", -1)]
    return tidy


def _render_mention(
    self: RendererHTML, tokens: Sequence[Token], index: int, options: Any, env: Any
) -> str:
    token = tokens[index]
    return (
        f'<span class="mention" data-member="{escape(token.meta["to"])}">'
        f"{escape(token.content)}</span>"
    )


def _render_task_ref(
    self: RendererHTML, tokens: Sequence[Token], index: int, options: Any, env: Any
) -> str:
    token = tokens[index]
    task_url = env.get("task_url")
    url = task_url(token.meta["to"]) if task_url else None
    if not url:
        return escape(token.content)
    return f'<a class="task-ref" href="{escape(url)}">{token.content}</a>'


def _render_fence(
    self: RendererHTML, tokens: Sequence[Token], index: int, options: Any, env: Any
) -> str:
    token = tokens[index]
    info = token.info.split()
    language = f' class="language-{info[0]}"' if info and LANGUAGE.fullmatch(info[0]) else ""
    return f"<pre><code{language}>{escape(token.content)}</code></pre>\n"


def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "breaks": True, "maxNesting": MAX_NESTING})
    parser.enable(["table", "strikethrough"])
    parser.validateLink = _safe_link  # type: ignore[method-assign]
    parser.inline.ruler.after("text", "bare_url", _bare_url)
    parser.inline.ruler.after("escape", "mention", _mention)
    parser.inline.ruler.after("escape", "task_ref", _task_ref)
    parser.core.ruler.push("tidy", _tidy)
    parser.add_render_rule("mention", _render_mention)
    parser.add_render_rule("task_ref", _render_task_ref)
    parser.add_render_rule("fence", _render_fence)
    return parser


PARSER = _parser()
