"""The words of the demonstration: a team that reworks the checkout of a shop."""

from __future__ import annotations

from typing import NamedTuple

SLUG = "checkout-rework"
NAME = "Checkout rework"
DESCRIPTION = "Four short steps in place of one long form, and nothing lost on the way."
PROTOCOL = """\
- One task at a time; the smallest change that helps a buyer.
- Say in the task how you checked it.
- Money is counted in whole cents. When a number looks odd, ask before you change it.
"""


class Seat(NamedTuple):
    """An agent of the team."""

    name: str
    role: str
    agent_type: str
    needs_plan: bool
    color: str


SEATS = (
    Seat("hal", "leader", "lead", False, "blue"),
    Seat("iris", "member", "frontend", False, "purple"),
    Seat("rae", "member", "payments", False, "orange"),
    Seat("juno", "member", "tester", True, "green"),
)


class Card(NamedTuple):
    """A card of the beginning: `way` is how far it has come when the page is first opened."""

    subject: str
    way: str
    owner: str = ""
    priority: str = "normal"
    labels: tuple[str, ...] = ()
    blocked_by: tuple[int, ...] = ()
    description: str = ""


CARDS = (
    Card("Map where buyers leave the checkout", "approved", "hal", labels=("research",),
         description="Five sessions watched, one page of findings, nothing longer."),
    Card("Draw the four steps and what each one asks", "approved", "iris", labels=("design",)),
    Card("Move the address form to a step of its own", "done", "iris", labels=("frontend",),
         blocked_by=(2,)),
    Card("Check postcodes by country before the next step", "review", "rae", "high",
         ("frontend", "data"), (3,), "A buyer sees the mistake beside the field, not at the end."),
    Card("Show the delivery cost before payment", "doing", "iris", "high", ("frontend",), (3,)),
    Card("Keep the cart when a payment fails", "doing", "rae", "critical", ("payments",),
         description="Today a declined card empties it. The cart survives for 24 hours."),
    Card("Discounts differ from the invoice by one cent", "ask", "hal", "critical",
         ("payments", "bug"), description="Seen with three items at 15 %."),
    Card("Retry a declined card once under the same key", "todo", "", "high", ("payments",), (6,)),
    Card("Contract tests against the payment gateway", "plan", "juno", "high",
         ("payments", "tests"), description="So that a change on their side is noticed here."),
    Card("Reach every field and button by keyboard", "todo", "", "normal", ("accessibility",)),
    Card("Load the payment widget on the last step only", "todo", "", "normal",
         ("frontend", "speed"), (5,)),
    Card("Write the order confirmation in plain words", "todo", "", "low", ("mail",)),
    Card("Measure how many buyers leave at each step", "todo", "", "normal", ("research",), (5,)),
    Card("Two hundred orders a minute for ten minutes", "todo", "", "low", ("tests", "speed"),
         (8, 9)),
    Card("Take the old one-page checkout away", "todo", "", "low", ("frontend",), (8, 10, 13)),
)  # fmt: skip

QUESTION = "Which one is right: the sum rounded once, or every line rounded? The invoice does both."
PLAN = (
    "Contract tests against the payment gateway",
    "Recorded answers of the sandbox, replayed at every build; once a night against the real one.",
    ("Record one answer of every kind", "Replay them in the build", "Run the real one at night",
     "Say who is told when they differ"),
)  # fmt: skip

THINGS = (
    "the address step", "the delivery step", "the payment step", "the summary", "the cart",
    "the voucher field", "the guest checkout", "the order mail", "the invoice", "the saved cards",
)  # fmt: skip
WORK = (
    ("Try {} on a slow connection", ("tests", "speed")),
    ("Check {} with a screen reader", ("accessibility",)),
    ("Shorten the words of {}", ("mail", "design")),
    ("Cover {} with a browser test", ("tests",)),
    ("Make {} work at 390 pixels", ("frontend",)),
    ("Count the errors of {}", ("research", "data")),
    ("Undo the last change in {}", ("frontend",)),
    ("Cache less in {}", ("speed",)),
    ("Say in {} what went wrong and what to do", ("design",)),
    ("Drop the oldest workaround in {}", ("payments",)),
)
WHY = (
    "A buyer wrote in about it.",
    "Found while reviewing another task; small, and worth it.",
    "The numbers of last week point here.",
    "Needed before the old checkout can go.",
)
STEPS = (
    "Read how it works today", "Write a failing test", "Make the smallest change",
    "Try it in two browsers", "Measure before and after", "Update the notes",
)  # fmt: skip
DOING = (
    "Reading the code", "Writing a test", "Trying it by hand", "Measuring", "Cleaning up",
    "Looking at the logs",
)  # fmt: skip
REMARKS = (
    "Half of it is there. The other half needs the new form fields.",
    "Reproduced it with an empty cart; the test fails as it should.",
    "Smaller than it looked: one condition was the wrong way round.",
    "Left the old path in place behind a setting until this is approved.",
    "It is faster by a third on the second visit; the first one is unchanged.",
    "Two fields had the same name. Renamed one, and the test with it.",
)
FINISHED = (
    "Done. Checked by hand in two browsers, and a test keeps it so.",
    "Done. The numbers before and after are in the test's output.",
    "Done, in one small change. Nothing else in the step had to move.",
)
APPROVED = (
    "Read it and tried it; it does what the task says.",
    "Clear and small. The test fails without the change.",
    "Works on a phone too. Thank you for the short diff.",
)
CHANGES = (
    "With an empty voucher it still adds a line. Please cover that case.",
    "The message names the field, but not what to write in it.",
    "Works, but the test passes without the change as well.",
)
QUESTIONS = (
    "May the error message mention the bank's own code, or only ours?",
    "Do guests keep their cart when they log in half-way?",
    "The designs show two buttons here. Is the second one meant to stay?",
)
NOTES = (
    "I am changing the same form as you; tell me when you are through.",
    "The test data has a new order with three discounts, if you need one.",
    "Your last change made my test pass as well.",
)
THANKS = "Noted, thank you. I will take it up with what I am working on."
REJECTED = "Please add how you will know that it works."
