"""Subwords against the package `tokenizers` called directly; sentences by regular expressions."""

import json
import random
from itertools import chain

import pyarrow as pa
import pytest
import tokenizers
from hypothesis import given
from hypothesis import strategies as st
from oracles import tokens as oracle

from pipelines.corpus.subwords import tokenizer as own
from pipelines.corpus.subwords.bounds import bounds_of, sentences_of
from pipelines.corpus.subwords.encoding import SubwordEncoder, _count, _stored
from pipelines.corpus.subwords.sample import _chosen
from pipelines.corpus.subwords.tokenizer import SubwordTokenizer, read_tokenizer
from pipelines.corpus.subwords.training import train_on
from pipelines.corpus.tokenizing import characters as signs
from pipelines.corpus.tokenizing.config import TokenizeSettings
from pipelines.corpus.tokenizing.sentences import encoded_rows
from pipelines.corpus.tokenizing.texts import Texts
from pipelines.errors import ConfigError, DependencyError, InputError

KINDS = ("bpe", "wordpiece", "unigram")
SYLLABLES = ["ka", "lo", "mi", "ne", "ru", "ta", "vé", "猫", "ω", "X"]
NASTY = st.lists(
    st.one_of(
        st.sampled_from(
            [*"ab3 .,!?…。\uff01।\n\r\t\u00a0\u3000_'", "\n\n", ". ", "3.14", "。」", "😀"]
        ),
        st.characters(codec="utf-8"),
    ),
    max_size=30,
).map("".join)


def words(count, seed=1):
    chosen = random.Random(seed)  # noqa: S311
    return ["".join(chosen.choices(SYLLABLES, k=chosen.randint(1, 4))) for _ in range(count)]


TEXTS = [f"{' '.join(words(40, n))}. {' '.join(words(30, n + 99))}! ok" for n in range(40)]


def settings(kind, **changes):
    return TokenizeSettings(
        tokenizer=kind, **{"max_vocabulary_size": 80, "min_count": 2, **changes}
    )


@pytest.fixture(scope="module", params=KINDS)
def trained(request):
    return train_on(TEXTS, settings(request.param))


def sentences(text):
    """The sentences that are not blank, with their numbers."""
    parts = oracle.sentence_end(signs.FULL_STOPS).split(text)
    return [
        (n, part.strip(oracle.BLANK)) for n, part in enumerate(parts) if part.strip(oracle.BLANK)
    ]


@given(st.lists(NASTY, max_size=4))
def test_sentences_equal_those_of_regular_expressions(texts):
    part = Texts.of(pa.array(["", *texts], pa.string()).slice(1))
    bounds = bounds_of(part, signs.characters(False, "words").arrays)
    found = [
        (document, number, text)
        for (document, number, *_), text in zip(
            bounds.tolist(), sentences_of(part, bounds), strict=True
        )
    ]
    assert found == [(n, *one) for n, text in enumerate(texts) for one in sentences(text)]


def test_ids_are_those_of_the_package(trained):
    texts = [*TEXTS[:5], "", "unseen Ξ signs\n\n...", "no stop"]
    batch = pa.RecordBatch.from_pydict({"doc_id": [f"d{n}" for n in range(8)], "text": texts})
    rows = list(encoded_rows(batch, SubwordEncoder(trained, longest=7)))
    direct = tokenizers.Tokenizer.from_str(trained.text)
    wanted = {}
    for n, text in enumerate(texts):
        for number, sentence in sentences(text):
            ids = direct.encode(sentence, add_special_tokens=False).ids
            for piece in range(-(-len(ids) // 7)):
                wanted[f"d{n}:{number:06d}.{piece}"] = ids[7 * piece : 7 * piece + 7]
    found = pa.Table.from_batches(rows).to_pydict()
    assert dict(zip(found["sentence_id"], found["token_ids"], strict=True)) == wanted
    assert (
        {i.partition(":")[0] for i in wanted}
        == set(found["doc_id"])
        == {f"d{n}" for n in range(8) if n != 5}
    )
    counted = _count(
        [pa.RecordBatch.from_pydict({"b": [_stored(r) for r in rows]})], trained.tokens
    )
    [table] = [batch.to_pylist() for batch in counted]
    documents = [
        [t for key, ids in wanted.items() if key.startswith(f"d{n}:") for t in ids]
        for n in range(8)
    ]
    assert table.pop() == {"token": None, "count": len(wanted), "document_count": 0}
    assert {row["token"]: (row["count"], row["document_count"]) for row in table} == {
        direct.id_to_token(number): both for number, both in oracle.counts(documents).items()
    }


def test_training_is_the_same_each_time(trained):
    """The package's own trainer of WordPiece numbers letters by chance: seen to fail without."""
    kind = next(name for name, model in own.MODELS.items() if model == trained.kind)
    again = {train_on(TEXTS, settings(kind)).text for _ in range(4)}
    assert again == {trained.text}
    assert trained.unknown == trained.tokens[0]
    assert 60 < len(trained.tokens) <= 80


def test_rare_letters_that_have_no_room_are_unknown():
    texts = ["".join(chr(0x4E00 + n) for n in range(300)) + " ab" * 50]
    for kind in KINDS:
        found = train_on(texts, settings(kind, max_vocabulary_size=50))
        assert len(found.tokens) <= 50
        ids = found.loaded.encode("ab \u4eff", add_special_tokens=False).ids
        is_unknown = [found.tokens[number] == found.unknown for number in ids]
        assert (is_unknown[0], is_unknown[-1]) == (False, True)
    with pytest.raises(ConfigError, match=r"max_vocabulary_size: .* 4 or more"):
        train_on(texts, settings("bpe", max_vocabulary_size=3))


def test_case_stays_when_asked():
    kept = train_on(["Ab AB ab"] * 5, settings("bpe", is_lowercase=False))
    assert {"A", "B"} <= set(kept.tokens)
    assert not {"A", "B"} & set(train_on(["Ab AB ab"] * 5, settings("bpe")).tokens)


def test_a_sample_is_by_ids_whatever_the_batches():
    batch = pa.RecordBatch.from_pydict(
        {"doc_id": [f"d{n}" for n in range(1000)], "text": ["é" * 9] * 999 + [None]}
    )
    how = {"threshold": (1 << 64) // 4, "most": 11, "seed": 3}
    [whole] = _chosen([batch], **how)
    cut = list(_chosen([batch.slice(700), batch.slice(0, 700)], **how))
    assert whole.num_rows in range(200, 300)
    assert {r["doc_id"]: r for r in chain(*(b.to_pylist() for b in cut))} == {
        r["doc_id"]: r for r in whole.to_pylist()
    }
    assert set(whole["text"].to_pylist()) <= {"é" * 5, ""}
    [other] = _chosen([batch], **{**how, "seed": 4})
    assert other["doc_id"].to_pylist() != whole["doc_id"].to_pylist()


def test_a_missing_package_is_named_with_its_extra(monkeypatch):
    def missing(name):
        raise ImportError(f"No module named {name!r}")

    monkeypatch.setattr(own, "import_module", missing)
    with pytest.raises(DependencyError, match=r"pip install 'vectormill\[subwords\]'"):
        own.package()


class LocalFiles:
    """The calls of `Files` that a tokenizer is read by, on this machine."""

    def __init__(self, folder):
        self._folder = folder

    def exists(self, uri):
        return (self._folder / uri).exists()

    def is_folder(self, uri):
        return (self._folder / uri).is_dir()

    def read_text(self, uri):
        return (self._folder / uri).read_text(encoding="utf-8")


def test_a_file_is_refused_where_it_is_not_the_tokenizer(tmp_path):
    bpe = train_on(TEXTS, settings("bpe")).text
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "tokenizer.json").write_text(bpe, encoding="utf-8")
    (tmp_path / "broken.json").write_text(bpe[:200], encoding="utf-8")
    (tmp_path / "other.json").write_text(json.dumps({"model": 3}), encoding="utf-8")
    files = LocalFiles(tmp_path)
    assert read_tokenizer(files, "kept", name="bpe") == SubwordTokenizer(bpe)
    for uri, name, message in (
        ("none.json", "bpe", r"none\.json: no such file \(inputs\.tokenizer_file\)"),
        ("broken.json", "bpe", r"broken\.json: no tokenizer\.json"),
        ("other.json", "bpe", r"other\.json: no tokenizer\.json"),
        ("kept/tokenizer.json", "unigram", "its model is BPE, .* set tokenizer: bpe"),
    ):
        with pytest.raises(InputError, match=message):
            read_tokenizer(files, uri, name=name)


def test_a_file_that_cuts_off_and_pads_does_neither(trained):
    cutting = tokenizers.Tokenizer.from_str(trained.text)
    cutting.enable_truncation(3)
    cutting.enable_padding(length=50)
    found = SubwordEncoder(SubwordTokenizer(cutting.to_str()), longest=1000)
    plain = SubwordEncoder(trained, longest=1000)
    texts = Texts.of(pa.array(TEXTS[:2]))
    ids = [next(encoder.encode(texts))[1].ids.tolist() for encoder in (found, plain)]
    assert ids[0] == ids[1]
