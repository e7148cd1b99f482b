"""Languages: what each detector tells of languages and of noise, and what it costs.

Accuracy: article 1 of the Universal Declaration of Human Rights in 78 languages, whole and by
sentence. Refused: noise of a dozen kinds (`_noise.py`), and the articles in languages that the
detector does not know. English: the share of real English texts (BENCH_DATA) told as English, of
samples as ours and of the raw texts, whose first 1,000 bytes eldc reads. All is CPU time.
"""

import csv
import io
import json
import math
import re
import sys
import time
from itertools import islice
from typing import Any

import _measuring
import pyarrow as pa
from _noise import noise

from pipelines.corpus.languages.detectors import UNDETERMINED, load
from pipelines.corpus.languages.identifying import Identifier, samples

NAMES = ("eldc", "py3langid", "pycld2")
ARTICLES = _measuring.ROOT / "tests" / "data" / "udhr_article_1.tsv"
ENGLISH = {"articles": "enwiki2015_articles.jsonl.zst", "mails": "20newsgroups.jsonl.zst"}
MOST = 1000
STOPS = re.compile(r"(?<=[.!?։۔।።。။។]) *")  # noqa: RUF001


def articles() -> list[tuple[str, str]]:
    """Return pairs of code and text."""
    with ARTICLES.open(encoding="utf-8") as file:
        rows = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        return [(row["code"], row["text"]) for row in rows]


def sentences(rows: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return pairs of code and sentence."""
    return [(code, part) for code, text in rows for part in STOPS.split(text) if part.strip()]


def told(name: str, texts: list[str], **settings: Any) -> list[str]:
    """Return the language of each text by a detector."""
    return list(Identifier(name, **settings)(pa.array(texts)).codes.to_pylist())


def right(name: str, rows: list[tuple[str, str]]) -> tuple[float, list[str]]:
    """Return the share of texts in known languages that are told right, and what others are."""
    known = [row for row in rows if row[0] in load(name).codes]
    found = told(name, [text for _, text in known])
    pairs = [(code, other) for (code, _), other in zip(known, found, strict=True)]
    wrong = sorted({f"{code}→{other}" for code, other in pairs if code != other})
    return sum(code == other for code, other in pairs) / len(pairs), wrong


def refused(name: str, texts: list[str]) -> float:
    """Return the share of texts that are in no language."""
    return told(name, texts).count(UNDETERMINED) / len(texts)


def english(name: str) -> list[str]:
    """Return real English texts."""
    path = _measuring.DATA / "text" / name
    if not path.exists():
        print(f"{path}: not there; English is not measured", file=sys.stderr)
        return []
    with pa.input_stream(str(path), compression="zstd") as stream:
        lines = io.TextIOWrapper(io.BufferedReader(stream), encoding="utf-8")
        return [json.loads(line)["text"] for line in islice(lines, MOST)]


def raw_share(name: str, texts: list[str]) -> float:
    """Return the share of whole texts that are told as English, without our samples."""
    detector = load(name)
    shown = [re.sub(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", " ", text) for text in texts]
    found = list(detector.detect(shown))
    return sum(c == "en" and s >= detector.min_score for c, s in found) / len(found)


def microseconds(name: str, texts: list[str]) -> float:
    """Return the processor's time by text."""
    column, identifier = pa.array(texts), Identifier(name)
    identifier(column.slice(0, 10))
    started = time.process_time()
    identifier(column)
    return (time.process_time() - started) / len(texts) * 1e6


def rows_of(name: str) -> list[dict[str, Any]]:
    """Return the rows of one detector."""
    found, codes = articles(), load(name).codes
    rows = []

    def add(metric: str, ours: float, raw: float = math.nan, **more: Any) -> None:
        """Append a row of the table."""
        shown = {"case": name, "metric": metric, "ours": ours, "quality": more}
        rows.append({**shown, "peer": "raw text", "peer_value": raw})

    for kind, texts in (("articles", found), ("sentences", sentences(found))):
        share, wrong = right(name, texts)
        add(f"{kind} right", share, known=len(codes), texts=len(texts), wrong=wrong)
    others = [text for code, text in found if code not in codes]
    if others:
        told_as = zip([c for c, _ in found if c not in codes], told(name, others), strict=True)
        taken = [f"{code}→{other}" for code, other in told_as if other != UNDETERMINED]
        add("unknown languages refused", refused(name, others), texts=len(others), taken=taken)
    kinds = {kind: refused(name, texts) for kind, texts in noise().items()}
    below = {kind: share for kind, share in kinds.items() if share < 1}
    add("noise refused", sum(kinds.values()) / len(kinds), below=below)
    for kind, file in ENGLISH.items():
        if texts := english(file):
            share = told(name, texts).count("en") / len(texts)
            add(f"English {kind} told", share, raw_share(name, texts))
            add(f"µs a text, {kind}", microseconds(name, texts))
    return rows


if __name__ == "__main__":
    samples(pa.array(["compile"]))
    _measuring.write("languages", [row for name in NAMES for row in rows_of(name)])
