from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.messaging.mentions import EVERYONE, mentioned, task_numbers

NAMES = ["Alice", "bob", "carol", "review-bot", "ops_lead", "hal.9000"]

MENTIONS = [
    ("hi @alice please", ["Alice"]),
    ("@bob then @carol then @bob", ["bob", "carol"]),
    ("@all", [EVERYONE]),
    ("@everyone", [EVERYONE]),
    ("@all @everyone @all", [EVERYONE]),
    ("@bob and @all and @bob", ["bob", EVERYONE]),
    ("mail bob@carol.org", []),
    ("mail x+y@carol, or _x_@carol.org", []),
    (r"\@alice", []),
    (r"\\@alice", ["Alice"]),
    ("`@alice`", []),
    ("``a ` @alice``", []),
    ("`unclosed @alice", ["Alice"]),
    ("`code` then @alice", ["Alice"]),
    ("```\n@bob\n```\n@alice", ["Alice"]),
    ("~~~ text\n@bob\n~~~\n@alice", ["Alice"]),
    ("```\n@bob", []),
    ("- item\n  ```\n  @bob\n  ```\n- @alice", ["Alice"]),
    ("text\n\n    @bob\n\n@alice", ["Alice"]),
    ("@review-bot @ops_lead @hal.9000", ["review-bot", "ops_lead", "hal.9000"]),
    ("@", []),
    ("@ alice", []),
    ("@alice", ["Alice"]),
    ("", []),
    ("@nobody @alice", ["Alice"]),
    ("@alicex", []),
    ("(@alice), **@bob**, _@carol_", ["Alice", "bob", "carol"]),
    ("> @alice said", ["Alice"]),
    ("# For @alice", ["Alice"]),
    ("| who |\n|-|\n| @alice |", ["Alice"]),
    ("[see @alice](https://x.org/@bob)", ["Alice"]),
    ("https://x.org/@bob <https://x.org/?q=@bob> x.org/@bob", []),
    ("@bob/@alice", ["bob"]),
]


@pytest.mark.parametrize(("text", "found"), MENTIONS)
def test_mentioned(text: str, found: list[str]) -> None:
    assert mentioned(text, NAMES) == found


@pytest.mark.parametrize("text", ["@Alice", "@alice", "@ALICE"])
def test_names_are_matched_ignoring_case_since_they_are_unique_that_way(text: str) -> None:
    assert mentioned(text, NAMES) == ["Alice"]


@pytest.mark.parametrize("text", ["@ALL", "@Everyone", "@aLL."])
def test_everyone_is_meant_in_any_case(text: str) -> None:
    assert mentioned(text, NAMES) == [EVERYONE]


def test_a_final_dot_ends_the_sentence() -> None:
    assert mentioned("Ask @alice. Or @hal.9000.", NAMES) == ["Alice", "hal.9000"]


def test_everyone_is_meant_even_where_nobody_is_known() -> None:
    assert mentioned("@all", []) == [EVERYONE]


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("See #12.", [12]),
        ("#3 blocks #12 and #3", [3, 12]),
        ("(#4) *#5* _#6_ #7, #8!", [4, 5, 6, 7, 8]),
        ("`#12` and ```#12```", []),
        ("```\n#12\n```\n#1", [1]),
        (r"\#12", []),
        ("# 12", []),
        ("## 12", []),
        ("##12", []),
        ("#12", [12]),
        ("# About #12", [12]),
        ("issue#12 a#12", []),
        ("#12th", []),
        ("https://x.org/page#12 and x.org/#12", []),
        ("[#12](https://x.org)", []),
        ("[text](https://x.org/#12)", []),
        ("&#12; &#35;", []),
        ("#0 #007 #1.5", []),
        ("", []),
        ("no number", []),
    ],
)
def test_task_numbers(text: str, numbers: list[int]) -> None:
    assert task_numbers(text) == numbers


pieces = st.sampled_from(
    [
        "@alice",
        "@bob",
        "@all",
        "#12",
        "`",
        "```",
        "\n",
        " ",
        "\\",
        ".",
        "x",
        "_",
        "*",
        "[",
        "](",
        ")",
    ]
)


@given(st.lists(pieces, max_size=30).map("".join))
def test_any_mixture_answers_known_names_once(text: str) -> None:
    found = mentioned(text, NAMES)
    assert len(found) == len(set(found))
    assert set(found) <= {"Alice", "bob", EVERYONE}
    assert task_numbers(text) in ([], [12])


@given(st.lists(pieces, max_size=30).map("".join))
def test_a_fence_hides_everything_up_to_its_end(text: str) -> None:
    fence = "~" * 5
    inside = f"{fence}\n{text}\n{fence}\n"
    assert mentioned(f"{inside}@carol", NAMES) == ["carol"]
    assert task_numbers(f"{inside}#7") == [7]
