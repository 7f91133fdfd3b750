from __future__ import annotations

import re
import time
from html.parser import HTMLParser
from urllib.parse import urlsplit

import pytest
from django.utils.safestring import SafeString
from hypothesis import given
from hypothesis import strategies as st

from apps.core import markdown
from apps.core.markdown import (
    ATTRIBUTES,
    CLASSES,
    EVERYONE,
    MAX_CHARS,
    MAX_NESTING,
    TAGS,
    references,
    render,
)

MEMBERS = {"Hal": "Hal", "iris": "Iris <i>"}
REL = 'rel="noopener noreferrer nofollow"'


def task_url(number: int) -> str | None:
    return f"/teams/checkout/tasks/{number}/" if number < 100 else None


def shown(text: str) -> str:
    return render(text, members=MEMBERS, task_url=task_url).strip()


class Reader(HTMLParser):
    """What a browser would build: every element with its attributes, and the text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)

    def handle_decl(self, decl: str) -> None:
        raise AssertionError(decl)

    def handle_pi(self, data: str) -> None:
        raise AssertionError(data)


def check_harmless(html: str) -> Reader:
    reader = Reader(html)
    for tag, attributes in reader.elements:
        assert tag in TAGS
        allowed = ATTRIBUTES.get(tag, set()) | ({"class"} if tag in CLASSES else set())
        assert set(attributes) - {"rel"} <= allowed
        if tag == "a":
            assert attributes["rel"] == "noopener noreferrer nofollow"
            assert urlsplit(attributes.get("href") or "").scheme in ("http", "https", "mailto", "")
    return reader


# What Markdown gives


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("", ""),
        ("plain", "<p>plain</p>"),
        ("*a* **b** ~~c~~ `d`", "<p><em>a</em> <strong>b</strong> <s>c</s> <code>d</code></p>"),
        ("one\ntwo", "<p>one<br>\ntwo</p>"),
        ("# Title", "<h1>Title</h1>"),
        ("---", "<hr>"),
        ("> said", "<blockquote>\n<p>said</p>\n</blockquote>"),
        ("- a\n- b", "<ul>\n<li>a</li>\n<li>b</li>\n</ul>"),
        ("3. a", '<ol start="3">\n<li>a</li>\n</ol>'),
        ("```python\nx < 1\n```", '<pre><code class="language-python">x &lt; 1\n</code></pre>'),
        ("```\nx\n```", "<pre><code>x\n</code></pre>"),
        ("    indented", "<pre><code>indented\n</code></pre>"),
        ("[x](/a?b=1&c=2 'T')", f'<p><a href="/a?b=1&amp;c=2" title="T" {REL}>x</a></p>'),
        ("[x](#part)", f'<p><a href="#part" {REL}>x</a></p>'),
        ("<bob@x.org>", f'<p><a href="mailto:bob@x.org" {REL}>bob@x.org</a></p>'),
        ("[x](MAILTO:bob@x.org)", f'<p><a href="MAILTO:bob@x.org" {REL}>x</a></p>'),
    ],
)
def test_markdown(text: str, html: str) -> None:
    assert shown(text) == html


def test_a_table_is_aligned_by_classes_since_the_page_refuses_inline_styles() -> None:
    html = shown("| a | b | c | d |\n|:-|:-:|-:|-|\n| 1 | 2 | 3 | 4 |")
    assert '<th class="align-left">a</th>' in html
    assert '<td class="align-center">2</td>' in html
    assert '<td class="align-right">3</td>' in html
    assert "<td>4</td>" in html
    assert "style" not in html


@pytest.mark.parametrize(
    ("text", "url", "after"),
    [
        ("see https://x.org/a.", "https://x.org/a", "."),
        ("(HTTP://x.org/a_(b))", "HTTP://x.org/a_(b)", ")"),
        ("*https://x.org*", "https://x.org", ""),
        ("https://x.org/@hal?q=#12!", "https://x.org/@hal?q=#12", "!"),
        ("https://x.org/?a=1&b=2", "https://x.org/?a=1&b=2", ""),
    ],
)
def test_a_plain_address_is_a_link_in_one_piece(text: str, url: str, after: str) -> None:
    reader = check_harmless(shown(text))
    links = [attributes for tag, attributes in reader.elements if tag == "a"]
    assert [link["href"] for link in links] == [url]
    assert reader.text.strip().endswith(url + after)


@pytest.mark.parametrize(
    "text", ["xhttps://x.org", "https://", "https:// x", "ftp://x.org", r"\https://x"]
)
def test_other_plain_addresses_stay_text(text: str) -> None:
    assert "<a " not in shown(text)


# Mentions and numbers


@pytest.mark.parametrize("text", ["@hal", "@Hal", "@HAL"])
def test_a_mention_keeps_its_spelling_and_names_the_member(text: str) -> None:
    assert shown(text) == f'<p><span class="mention" data-member="Hal">{text}</span></p>'


def test_the_value_of_data_member_is_escaped() -> None:
    reader = check_harmless(shown("@iris"))
    assert reader.elements[1] == ("span", {"class": "mention", "data-member": "Iris <i>"})


@pytest.mark.parametrize("text", ["@all", "@Everyone"])
def test_everyone_is_a_mention_where_members_are_known(text: str) -> None:
    assert shown(text) == f'<p><span class="mention" data-member="all">{text}</span></p>'
    assert render(text) == f"<p>{text}</p>\n"


def test_a_number_links_its_task() -> None:
    link = f'<a class="task-ref" href="/teams/checkout/tasks/12/" {REL}>#12</a>'
    assert shown("See #12.") == f"<p>See {link}.</p>"
    assert shown("# On #12") == f"<h1>On {link}</h1>"


def test_a_number_without_a_task_or_an_address_stays_text() -> None:
    assert shown("#100") == "<p>#100</p>"
    assert render("#12") == "<p>#12</p>\n"


def test_an_address_from_task_url_cannot_leave_its_attribute() -> None:
    html = render("#1", task_url=lambda number: '/"><script>alert(1)</script>')
    assert [tag for tag, _ in check_harmless(html).elements] == ["p", "a"]


@pytest.mark.parametrize(
    "text", ["`@hal #12`", "```\n@hal #12\n```", "    @hal #12", r"\@hal \#12", "a@hal.org x#12"]
)
def test_neither_in_code_nor_escaped_nor_inside_words(text: str) -> None:
    html = shown(text)
    assert "mention" not in html
    assert "task-ref" not in html


def test_a_link_holds_no_other_link() -> None:
    html = shown("[@hal and #12](/x)")
    assert html.count("<a ") == 1
    assert 'data-member="Hal"' in html


samples = st.lists(
    st.sampled_from(
        ["@hal", "@all", "#12", "`", "```", "\n", "\n\n", " ", "\\", "_", "*", "[", "](/x)", "a"]
    ),
    max_size=30,
).map("".join)


@given(samples)
def test_what_is_shown_is_what_is_reported(text: str) -> None:
    found = references(text, ["Hal"])
    reader = Reader(shown(text))
    members = [a["data-member"] for tag, a in reader.elements if tag == "span"]
    assert set(members) == {"all" if name == EVERYONE else name for name in found.names}
    links = [a for tag, a in reader.elements if a.get("class") == "task-ref"]
    assert bool(links) == bool(found.tasks)


plain = st.lists(
    st.sampled_from(
        ["@hal", "@Hal.", "@all", "@nobody", "#12", "#0", "#", "@", " ", " ", "\n", "\n\n", "a",
         "x@hal", "word#3", "é", "1", "1. ", "- ", "-", "=", "...", "(", ")", "'", '"', "/", "# ",
         "%", "7"]
    ),
    max_size=30,
).map("".join)  # fmt: skip


@given(plain)
def test_plain_words_are_read_as_the_parser_reads_them(text: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(markdown, "PLAIN", re.compile("(?!)"))
        parsed = references(text, ["Hal"])
    assert references(text, ["Hal"]) == parsed


def test_most_messages_are_plain_words() -> None:
    for text in ("The parser is done; see #1.", "@hal, could you look?\n\nIt's #3 (or #4)."):
        assert markdown.PLAIN.fullmatch(text)
    for text in ("`#1`", "see https://x/#1", "    #1", "- #1", "# #1", "a  #1", "\\#1", "<b>#1"):
        assert not markdown.PLAIN.fullmatch(text)


# Safety


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "<b onclick=alert(1)>x</b>",
        "a <img src=x onerror=alert(1)> b",
        "<!-- hidden -->",
        "<style>p{}</style>",
        "<div>\n\n# x\n\n</div>",
        "&lt;script&gt;",
    ],
)
def test_html_comes_out_as_text(text: str) -> None:
    reader = check_harmless(shown(text))
    assert {tag for tag, _ in reader.elements} <= {"p", "h1", "br"}
    for word in ("<script>", "<b onclick", "<img src=x", "<!-- hidden", "<style>", "<div>"):
        assert (word in text.replace("&lt;", "<").replace("&gt;", ">")) == (word in reader.text)


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "&#106;avascript:alert(1)",
        "&#x6A;avascript&colon;alert(1)",
        "<java&Tab;script:alert(1)>",
        "<java&NewLine;script:alert(1)>",
        "data:text/html,x",
        "data:image/png;base64,AAAA",
        "vbscript:x",
        "file:///etc/passwd",
        "ftp://x.org",
        "//evil.example",
        "tel:1",
    ],
)
@pytest.mark.parametrize("shape", ["[x]({})", "![x]({})", "[x]\n\n[x]: {}", "[![x]({})](/a)"])
def test_other_schemes_make_no_link(url: str, shape: str) -> None:
    reader = check_harmless(shown(shape.format(url)))
    links = [attributes.get("href") for tag, attributes in reader.elements if tag == "a"]
    assert set(links) <= {"/a"}


@pytest.mark.parametrize("url", ["javascript:alert(1)", "data:text/html,x", "x:y"])
def test_other_schemes_make_no_autolink(url: str) -> None:
    assert "<a" not in shown(f"<{url}> {url}")


def test_an_image_becomes_a_link_to_it() -> None:
    link = f'<a href="https://x.org/a.png" {REL}>'
    assert shown("![alt](https://x.org/a.png)") == f"<p>{link}alt</a></p>"
    assert shown("![](https://x.org/a.png)") == f"<p>{link}https://x.org/a.png</a></p>"
    assert shown("[![alt](https://x.org/a.png)](/b)") == f'<p><a href="/b" {REL}>alt</a></p>'


@pytest.mark.parametrize("info", ['"><script>', "a'b", "x" * 31, "onload=1", "&quot;"])
def test_a_fence_takes_only_the_name_of_a_language(info: str) -> None:
    assert shown(f"```{info}\nx\n```") == "<pre><code>x\n</code></pre>"


ELEMENTS = [
    "<script>",
    "</script>",
    "<img ",
    "<svg/onload=",
    "<a href=",
    "<b ",
    "<!--",
    "-->",
    "<?x",
]
ATTACKS = [
    "onerror=",
    "onclick=",
    "style=",
    "javascript:",
    "data:",
    "&lt;",
    "&#60;",
    "<![CDATA[",
    "]]>",
]
SYNTAX = [
    "[a](",
    ")",
    "![",
    "](/x)",
    "[a]:",
    "`",
    "```",
    "|",
    "|-|",
    "*",
    "_",
    "~~",
    "\\",
    "- ",
    "> ",
]
PLAIN = ["@hal", "#1", "https://", "http://a", "\n", "\n\n", " ", '"', "'", ">", "<", "a"]
ODD = ["\x00", "\x0c", "\u2028", "\u202e", "\ud800", "\U0001f600"]

dangerous = st.lists(
    st.one_of(
        st.sampled_from([*ELEMENTS, *ATTACKS, *SYNTAX, *PLAIN, *ODD]),
        st.text(max_size=8),
    ),
    max_size=40,
).map("".join)


@given(dangerous)
def test_nothing_active_ever_comes_out(text: str) -> None:
    check_harmless(render(text, members=MEMBERS, task_url=task_url))


@given(st.lists(st.text("abcxyz0189", min_size=1), min_size=1).map(" ".join))
def test_plain_words_are_never_lost(text: str) -> None:
    assert Reader(render(text)).text.split() == text.split()


def test_the_result_is_marked_safe() -> None:
    assert isinstance(render("x"), SafeString)


# Size


def test_beyond_the_limit_the_rest_is_plain_text() -> None:
    text = "**a** @hal\n" * (MAX_CHARS // 11) + "**late** <b> @iris\n" * 10
    html = shown(text)
    head, rest = html.split('<pre class="plain">')
    assert "<strong>a</strong>" in head
    assert rest.count("**late** &lt;b&gt; @iris") == 10
    assert references(text, ["hal", "iris"]).names == ["hal"]
    assert Reader(shown("x" * (MAX_CHARS * 2))).text.count("x") == MAX_CHARS * 2


@pytest.mark.parametrize("depth", [5, 15, MAX_NESTING - 2, MAX_NESTING, 200])
@pytest.mark.parametrize("mark", [">", "- ", "1. "])
def test_deep_nesting_hides_nothing(mark: str, depth: int) -> None:
    text = mark * depth + " buried"
    assert "buried" in Reader(shown(text)).text


@pytest.mark.parametrize(
    "piece",
    ["[", "![", "*a_", "`a", "<a ", "@hal", "#1 ", "|a", "[a](", "http://a)", "> ", "&", "\n[a"],
)
def test_no_text_takes_long(piece: str) -> None:
    text = (piece * MAX_CHARS)[:MAX_CHARS]
    start = time.process_time()
    shown(text)
    assert time.process_time() - start < 10
