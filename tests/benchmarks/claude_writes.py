"""Two programs write the same inboxes, and only one of them is careful: who loses what?

    python tests/benchmarks/claude_writes.py [ROWS]

Each writes half of the rows, one at a time. The careless one reads a file, appends and writes it,
without a lock, as often as it can. The careful one is ours; afterwards it looks once more, as a
follower does, and writes again what was lost. The floor is two careless ones.
"""

from __future__ import annotations

import json
import multiprocessing
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from apps.claude.rows import write_rows
from apps.claude.writing import NotWritten
from tests.benchmarks.harness import report
from tests.claude.live_team import read
from tests.claude.trees import row

INBOXES = 10


def careless(folder: Path, who: str, count: int, *, renames: bool) -> None:
    """Append rows by reading and writing whole files, in place or by renaming."""
    for number in range(count):
        path = folder / "inboxes" / f"{number % INBOXES}.json"
        text = json.dumps([*read(path), row(who, f"{who} {number}", number)])
        if renames:
            fresh = path.with_suffix(f".{who}")
            fresh.write_text(text)
            fresh.replace(path)
        else:
            path.write_text(text)


def careful(folder: Path, count: int) -> int:
    """Append rows as the follower does; how many had to be written again."""
    mine: dict[Path, list[dict[str, object]]] = {}
    for number in range(count):
        path = folder / "inboxes" / f"{number % INBOXES}.json"
        fresh = row("ours", f"ours {number}", number)
        mine.setdefault(path, []).append(fresh)
        put(path, folder, [fresh])
    again = 0
    for path, rows in mine.items():
        have = {found["text"] for found in read(path)}
        again += sum(found["text"] not in have for found in rows)
        put(path, folder, rows)
    return again


def put(path: Path, home: Path, rows: list[dict[str, object]]) -> None:
    """Write rows, however often it takes."""
    while True:
        try:
            write_rows(path, home, rows)
        except NotWritten:
            continue
        return


def run(name: str, count: int, *, ours: bool, renames: bool) -> dict[str, object]:
    """One race; what each side has in the end."""
    with tempfile.TemporaryDirectory(prefix="claude-writes-") as made:
        folder = Path(made)
        (folder / "inboxes").mkdir()
        for number in range(INBOXES):
            (folder / "inboxes" / f"{number}.json").write_text("[]")
        other = multiprocessing.Process(
            target=careless, args=(folder, "theirs", count), kwargs={"renames": renames}
        )  # fmt: skip
        start = time.perf_counter()
        other.start()
        again = careful(folder, count) if ours else 0
        if not ours:
            careless(folder, "ours", count, renames=renames)
        other.join()
        seconds = time.perf_counter() - start
        if ours:
            for number in range(INBOXES):
                path = folder / "inboxes" / f"{number}.json"
                mine = [row("ours", f"ours {n}", n) for n in range(number, count, INBOXES)]
                put(path, folder, mine)
        texts = Counter(
            found["text"] for number in range(INBOXES)
            for found in read(folder / "inboxes" / f"{number}.json")
        )  # fmt: skip
    lost = {who: sum(f"{who} {n}" not in texts for n in range(count)) for who in ("ours", "theirs")}
    return {
        "": name, "lost of ours": lost["ours"],
        "lost of theirs": lost["theirs"], "twice": sum(n - 1 for n in texts.values()),
        "written again": again, "seconds": seconds,
    }  # fmt: skip


def main(rows: int) -> None:
    """Race twice and print."""
    report(f"{rows:,} rows into {INBOXES} inboxes", [
        run("both careless, renaming", rows // 2, ours=False, renames=True),
        run("ours beside one that renames", rows // 2, ours=True, renames=True),
        run("ours beside one that writes in place", rows // 2, ours=True, renames=False),
    ])  # fmt: skip


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
