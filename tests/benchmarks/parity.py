"""Parity of the rules of cleaning with datatrove's filters, rule by rule, on real English texts.

Each rule of `rule_sets.yaml` beside the filter of datatrove that has it, on the same normalised
texts (BENCH_DATA): once with our formulas of datatrove's words (those of spaCy), and once with our
own. Where the two do not agree, `build/bench/parity_differences.json` has the document, the rule,
both values and the cause. DOCUMENTS of each corpus are read, cut behind MOST characters.

datatrove runs in an environment of its own, which the first run makes of `parity_peer.txt` under
`build/bench`.
"""

import io
import json
import os
import subprocess
import venv
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import _measuring
import numpy as np
import pyarrow as pa
from _parity_causes import LINES, PARTED, SENTENCES, SYMBOLS, UNEXPLAINED, cause_of_formula
from _parity_rules import ALL_LINE_RULES, LINE_RULES, Verdict, Words, kept_lines, verdicts

from pipelines.corpus.normalising.choices import AS_USUAL
from pipelines.corpus.normalising.normalise import normalise

DOCUMENTS = int(os.environ.get("DOCUMENTS", "1000"))
MOST = int(os.environ.get("MOST", "3000"))
CORPORA = ("20newsgroups", "movie_reviews_polarity", "enwiki2015_articles")
HERE = Path(__file__).resolve().parent
FOLDER = _measuring.ROOT / "build" / "bench"
ITS, OWN = "datatrove's words", "our words"
GOALS = {ITS: 0.999, OWN: 0.97}


def texts() -> tuple[list[str], pa.Array]:
    """Return the name of each document, and its normalised text."""
    names, found = [], []
    for corpus in CORPORA:
        path = _measuring.DATA / "text" / f"{corpus}.jsonl.zst"
        with pa.input_stream(str(path), compression="zstd") as stream:
            lines = io.TextIOWrapper(io.BufferedReader(stream), encoding="utf-8")
            rows = [json.loads(line) for line in islice(lines, DOCUMENTS)]
        names += [f"{corpus} {row['id']}" for row in rows]
        found += [row["text"][:MOST] for row in rows]
    return names, normalise(pa.array(found), AS_USUAL).texts


def python() -> Path:
    """Return the Python that has datatrove; its environment is made where it is not there."""
    folder, wanted = FOLDER / "parity_peer", HERE / "parity_peer.txt"
    made, found = folder / "made.txt", folder / "bin" / "python"
    if not made.exists() or made.read_text() != wanted.read_text():
        venv.create(folder, clear=True, with_pip=True)
        asked = [str(found), "-m", "pip", "install", "--quiet", "--no-deps", "-r", str(wanted)]
        subprocess.run(asked, check=True)
        made.write_text(wanted.read_text())
    return found


def ask(mode: str, *more: Any) -> list[Any]:
    """Return what datatrove says of the texts that were written."""
    out = FOLDER / f"parity_{mode}.jsonl"
    given = [str(FOLDER / "parity_texts.jsonl"), str(out)]
    if more:
        pairs = FOLDER / "parity_pairs.json"
        pairs.write_text(json.dumps(more[0]))
        given.append(str(pairs))
    script = HERE / "_datatrove_filters.py"
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    subprocess.run([str(python()), str(script), mode, *given], check=True, env=clean)
    return [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]


def compared(column: pa.Array, its: list[dict[str, Any]], words: Words) -> Iterator[dict[str, Any]]:
    """Yield the differences of both modes, with causes that lie in the words."""
    mixed = {ITS: verdicts(column, words), OWN: verdicts(column, None)}
    bare = verdicts(column, Words(words.bare, words.bare))
    for mode, found in mixed.items():
        for rule, ours in found.items():
            rejected = np.array([rule in each["rejected"] for each in its])
            for place in np.flatnonzero(rejected != ours.rejected).tolist():
                yield {
                    "place": place, "rule": rule, "words": mode,
                    "ours": float(ours.values[place]), "rejected by ours": not rejected[place],
                    "cause": _of_words(mode, rule, place, mixed, bare),
                }  # fmt: skip


def _of_words(
    mode: str,
    rule: str,
    place: int,
    mixed: dict[str, dict[str, Verdict]],
    bare: dict[str, Verdict],
) -> str:
    """Return a cause that lies in the words; none where our formula of its words differs too."""
    own, given = (mixed[m][rule].rejected[place] for m in (OWN, ITS))
    if mode == ITS or own == given:
        return ""
    return SYMBOLS if bare[rule].rejected[place] == own else PARTED


def explain(
    found: list[dict[str, Any]],
    shown: list[str],
    its: list[dict[str, Any]],
    words: Words,
    column: pa.Array,
) -> None:
    """Add datatrove's value to each difference, and the cause where it is not in the words."""
    pairs = sorted({(row["place"], row["rule"]) for row in found})
    values = dict(zip(pairs, ask("values", pairs), strict=True))
    lines = kept_lines(column, *ALL_LINE_RULES)
    given = verdicts(column, words)
    for row in found:
        place, rule = row["place"], row["rule"]
        row["datatrove's"] = values[place, rule]
        signal = rule.split(".")[1].split()[0]
        if signal == "sentence_count":
            row["cause"] = SENTENCES if lines[place] == its[place]["lines"] else LINES
        elif not row["cause"]:
            ours = float(given[rule].values[place])
            row["cause"] = cause_of_formula(
                signal, shown[place], words.every[place], ours, row["datatrove's"]
            )


def rows_of(found: list[dict[str, Any]], its: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield a row for each rule that rejects anything, and for all rules together."""
    rejected = Counter(rule for each in its for rule in each["rejected"])
    for mode, goal in GOALS.items():
        mine = [row for row in found if row["words"] == mode]
        unexplained = sum(row["cause"] == UNEXPLAINED for row in mine)
        share = 1 - len({row["place"] for row in mine}) / len(its)
        yield row_of("every rule at once", mode, share, goal, {"unexplained": unexplained})
        for rule in sorted({*rejected, *(row["rule"] for row in mine)}):
            differing = [row for row in mine if row["rule"] == rule]
            more = sum(row["rejected by ours"] for row in differing)
            yield row_of(rule, mode, 1 - len(differing) / len(its), goal, {
                "both": rejected[rule] - len(differing) + more,
                "ours alone": more, "datatrove's alone": len(differing) - more,
                "causes": Counter(row["cause"] for row in differing),
            })  # fmt: skip


def row_of(
    case: str, mode: str, share: float, goal: float, quality: dict[str, Any]
) -> dict[str, Any]:
    """Return a row of the table."""
    return {
        "case": case, "metric": f"agreement, {mode}", "ours": share,
        "peer": "goal", "peer_value": goal, "quality": quality,
    }  # fmt: skip


def line_rows(column: pa.Array, its: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield a row for each of C4's rules by line: the share of texts of which as many are kept."""
    for name in LINE_RULES:
        ours = [len(lines) for lines in kept_lines(column, name)]
        theirs = [each["kept"][name] for each in its]
        same = sum(a == b for a, b in zip(ours, theirs, strict=True)) / len(its)
        kept = {"ours": sum(ours), "datatrove's": sum(theirs)}
        yield row_of(f"lines kept, {name}", OWN, same, GOALS[OWN], kept)


def main() -> None:
    """Compare, print the table, and write it with every difference."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    names, column = texts()
    shown = column.to_pylist()
    (FOLDER / "parity_texts.jsonl").write_text("\n".join(map(json.dumps, shown)))
    its = ask("judge")
    bare = [[w for w in each["words"] if w not in set(each["symbols"])] for each in its]
    words = Words([each["words"] for each in its], bare)
    found = list(compared(column, its, words))
    explain(found, shown, its, words, column)
    told = [{"document": names[row["place"]], **row} for row in found]
    (FOLDER / "parity_differences.json").write_text(json.dumps(told, indent=1))
    _measuring.write("parity", [*rows_of(found, its), *line_rows(column, its)])


if __name__ == "__main__":
    main()
