"""Tokenizing: ours on one core beside gensim's, and `tokenize_corpus` beside an older vectormill's.

gensim's is `simple_preprocess` with `Dictionary`: `add_documents` counts, `doc2idx` encodes.
Subwords, of `--subword-megabytes` of texts, are beside the package `tokenizers` itself. All is CPU
time. Texts are the articles of BENCH_DATA, or made ones where it has none.

The job runs on two cores, on made texts of `--job-megabytes` (or JOB_MEGABYTES), 0 for none, after
a run on a hundredth of them. `--old` (or OLD) is a worktree of an older vectormill, whose job runs
on `--old-megabytes` of such texts; where its code has no vocabulary of ours, its tables may differ.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
from _measuring import ROOT, paired, peer, write
from _sentences import texts, write_made

from pipelines.corpus.subwords.bounds import bounds_of, sentences_of
from pipelines.corpus.subwords.encoding import SubwordEncoder
from pipelines.corpus.subwords.training import train_on
from pipelines.corpus.tokenizing.characters import characters
from pipelines.corpus.tokenizing.config import SUBWORDS, TokenizeSettings
from pipelines.corpus.tokenizing.tables import Cut, Lexicon, TokenCounts
from pipelines.corpus.tokenizing.texts import Texts

HERE = Path(__file__).resolve().parent
CUT = Cut(is_lowercase=True, number_token="<number>", longest=1000)  # noqa: S106
GENSIM_MEGABYTES = 5.0


def busy(work: Any) -> float:
    """Return the seconds of the processor that a call takes."""
    started = time.process_time()
    work()
    return time.process_time() - started


def count(column: pa.Array) -> list[pa.RecordBatch]:
    """Count the tokens of texts."""
    counts = TokenCounts(CUT)
    return [*counts.add(Texts.of(column)), *counts.flush()]


def one_core(megabytes: float) -> list[dict[str, Any]]:
    """Return rows of counting and encoding, ours beside gensim's."""
    column = pa.array(texts(megabytes), pa.string())
    size = column.nbytes / 1e6
    first = busy(lambda: count(column.slice(0, 10)))
    [counted] = count(column)
    tokens = counted.slice(0, counted.num_rows - 1).column("token")
    lexicon = Lexicon(tokens, CUT)
    list(lexicon.encode(Texts.of(column.slice(0, 10))))
    ours = paired(
        lambda: busy(lambda: count(column)),
        lambda: busy(lambda: list(lexicon.encode(Texts.of(column)))),
    )
    theirs = gensims(column.to_pylist())
    name = peer("gensim") or "gensim is not installed"
    quality = {"megabytes": round(size), "distinct": len(tokens), "seconds to load": first}
    return [
        {"case": case, "metric": "MB/s, one core", "ours": size / seconds, "peer": name,
         "peer_value": its, "quality": quality}
        for case, seconds, its in zip(("counted", "encoded"), ours, theirs, strict=True)
    ]  # fmt: skip


def subwords(megabytes: float) -> list[dict[str, Any]]:
    """Return rows of encoding subwords, beside the package called on the same sentences."""
    column = pa.array(texts(megabytes), pa.string())
    own, chars = Texts.of(column), characters(False, "words").arrays
    rows = []
    for kind in SUBWORDS:
        settings = TokenizeSettings(tokenizer=kind)  # type: ignore[arg-type]
        trained = train_on(column.to_pylist(), settings)
        encoder = SubwordEncoder(trained, settings.max_sentence_length)
        list(encoder.encode(Texts.of(column.slice(0, 2))))
        sentences = sentences_of(own, bounds_of(own, chars))
        encode = partial(trained.loaded.encode_batch, sentences, add_special_tokens=False)
        ours, its = paired(
            lambda encoder=encoder: busy(lambda: list(encoder.encode(own))),
            lambda encode=encode: busy(lambda: [found.ids for found in encode()]),
        )
        quality = {"megabytes": round(column.nbytes / 1e6), "vocabulary": len(trained.tokens)}
        rows.append(
            {"case": f"{kind}, encoded", "metric": "MB/s, one core",
             "ours": column.nbytes / 1e6 / ours, "peer": f"{peer('tokenizers')}, encode_batch",
             "peer_value": column.nbytes / 1e6 / its, "quality": quality}
        )  # fmt: skip
    return rows


def gensims(found: list[str]) -> tuple[float, float]:
    """Return gensim's MB/s of counting and of encoding the first texts; NaN where it is absent."""
    try:
        from gensim.corpora import Dictionary
        from gensim.utils import simple_preprocess
    except ImportError:
        return float("nan"), float("nan")
    some, size = [], 0.0
    for text in found:
        some.append(text)
        size += len(text.encode()) / 1e6
        if size >= GENSIM_MEGABYTES:
            break
    known = Dictionary()
    counting = busy(lambda: known.add_documents(map(simple_preprocess, some)))
    encoding = busy(lambda: [known.doc2idx(simple_preprocess(text)) for text in some])
    return size / counting, size / encoding


def job(root: Path, megabytes: float) -> dict[str, Any]:
    """Run the job of a vectormill on made texts; return its seconds, counts and MB/s."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        size = write_made(folder / "texts.parquet", megabytes)
        done = subprocess.run(
            [sys.executable, HERE / "_tokenize_job.py", folder / "texts.parquet", folder],
            cwd=root,
            env=os.environ | {"PYTHONPATH": str(root), "PYSPARK_PYTHON": sys.executable},
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        raise SystemExit(done.stderr[-3000:])
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    speeds = {"cpu": size / found["cpu"], "wall": size / found["wall"]}
    return found | {"megabytes": size, "speeds": speeds}


def jobs(given: argparse.Namespace) -> list[dict[str, Any]]:
    """Return rows of the job: MB/s of processors and of the clock, new beside old."""
    new = job(ROOT, given.job_megabytes)
    old = job(Path(given.old).resolve(), given.old_megabytes) if given.old else None
    return [
        {"case": "tokenize_corpus, local[2]", "metric": metric, "ours": new["speeds"][kind],
         "peer": "older vectormill",
         "peer_value": old["speeds"][kind] if old else float("nan"),
         "quality": {k: v for k, v in new.items() if k != "speeds"}}
        for metric, kind in (("MB per CPU second", "cpu"), ("MB/s", "wall"))
    ]  # fmt: skip


def main() -> None:
    """Measure, print the table and write `build/bench/tokenizing.json`."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    known = os.environ
    sizes = {"megabytes": "50", "job-megabytes": "200", "old-megabytes": "40"}
    sizes["subword-megabytes"] = "5"
    for name, default in sizes.items():
        chosen = known.get(name.replace("-", "_").upper(), default)
        parser.add_argument(f"--{name}", type=float, default=float(chosen))
    parser.add_argument("--old", default=known.get("OLD"))
    given = parser.parse_args()
    rows = one_core(given.megabytes) if given.megabytes else []
    rows += subwords(given.subword_megabytes) if given.subword_megabytes else []
    rows += jobs(given) if given.job_megabytes else []
    write("tokenizing", rows)


if __name__ == "__main__":
    main()
