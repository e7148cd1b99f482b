"""Trains a tokenizer on texts that the driver holds, the same for the same texts.

The package gives ids in the order of hash tables that differ from process to process; what is done
against it stands at each model.
"""

import json
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from pipelines.corpus.subwords.sample import sample_texts
from pipelines.corpus.subwords.tokenizer import SubwordTokenizer, package
from pipelines.corpus.tokenizing.config import TokenizeSettings
from pipelines.errors import ConfigError, GateError
from pipelines.storage.task_files.columns import Columns

_MEGABYTE = 1_000_000  # bytes
_BLANK = "▁"  # what Metaspace puts in place of a blank
_UNKNOWN, _UNKNOWN_OF_BERT = "<unk>", "[UNK]"
_INSIDE = "##"  # before a token that begins no word
_DIGITS = 4  # of a score, the log of a probability
_LEAST = 4  # tokens of a vocabulary: the unknown one, the blank, one letter in two forms
_STEP = 1e-4  # between scores of characters that no piece was left for


def train_tokenizer(documents: Columns, settings: TokenizeSettings) -> SubwordTokenizer:
    """Train a tokenizer on a sample of documents: see `sample.sample_texts`.

    Args:
        documents: `doc_id, text`.
        settings: Kind of the tokenizer, size of vocabulary and sample, seed, lower case;
            `min_count` is the least count of a pair that BPE and WordPiece merge.

    Raises:
        DependencyError: The package `tokenizers` is missing.
        GateError: The documents have no text.
        ConfigError: The vocabulary is to have less than four tokens.
    """
    package()
    size = settings.tokenizer_sample_megabytes * _MEGABYTE
    texts = sample_texts(documents, size=size, seed=settings.seed)
    if not any(text.strip() for text in texts):
        raise GateError(
            "the documents have no text to train a tokenizer on; nothing was written, the tables "
            "stand as they were"
        )
    return train_on(texts, settings)


def train_on(texts: Sequence[str], settings: TokenizeSettings) -> SubwordTokenizer:
    """Train a tokenizer on texts: see `train_tokenizer`."""
    trainers: dict[str, Callable[[Sequence[str], TokenizeSettings], Any]]
    trainers = {"bpe": _bpe, "wordpiece": _wordpiece, "unigram": _unigram}
    if settings.most_tokens < _LEAST:
        raise ConfigError(f"max_vocabulary_size: a tokenizer is trained to have {_LEAST} or more")
    trained = trainers[settings.tokenizer](texts, settings)
    return SubwordTokenizer(trained.to_str(pretty=True))


def _bpe(texts: Sequence[str], settings: TokenizeSettings) -> Any:
    """Merge the most frequent pairs of characters (Sennrich, Haddow and Birch 2016)."""
    parts = package()
    tokenizer = parts.Tokenizer(parts.models.BPE(unk_token=_UNKNOWN))
    _cut_at_blanks(tokenizer, settings)
    letters = [*_letters(texts, tokenizer, settings), _BLANK]
    trainer = parts.trainers.BpeTrainer(
        special_tokens=[_UNKNOWN], **_limits(settings, letters, settings.most_tokens)
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def _unigram(texts: Sequence[str], settings: TokenizeSettings) -> Any:
    """Take the pieces that make the texts most likely (Kudo 2018).

    Sums of floating-point numbers depend on the order of words, in the eleventh digit: scores are
    rounded, and pieces sorted by them. The trainer refuses texts with too many characters.
    """
    parts = package()
    tokenizer = parts.Tokenizer(parts.models.Unigram())
    _cut_at_blanks(tokenizer, settings)
    letters = set(_letters(texts, tokenizer, settings))
    texts = [_with_alone(letters, tokenizer.normalizer.normalize_str(text)) for text in texts]
    trainer = parts.trainers.UnigramTrainer(
        vocab_size=settings.most_tokens,
        special_tokens=[_UNKNOWN],
        unk_token=_UNKNOWN,
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    stored = json.loads(tokenizer.to_str())
    stored["model"]["vocab"] = _in_order(stored["model"]["vocab"])
    return parts.Tokenizer.from_str(json.dumps(stored))


def _with_alone(letters: set[str], text: str) -> str:
    """Return a text with blanks in place of other characters than these."""
    others = set(text) - letters
    return text.translate({ord(sign): " " for sign in others}) if others else text


def _in_order(pieces: list[tuple[str, float]]) -> list[tuple[str, float]]:
    """Return the pieces of a unigram model, the unknown one first, by scores that are the same.

    Characters that no piece was left for get the least score, and a step more by chance for each:
    all of them get the least.
    """
    unknown, *others = pieces
    least = min(score for _, score in others)
    chance = least + _STEP * sum(len(token) == 1 for token, _ in others)
    scored = [
        (token, round(least if len(token) == 1 and score < chance else score, _DIGITS))
        for token, score in others
    ]
    return [(unknown[0], unknown[1]), *sorted(scored, key=lambda piece: (-piece[1], piece[0]))]


def _wordpiece(texts: Sequence[str], settings: TokenizeSettings) -> Any:
    """Merge pairs as BPE does, and encode by the longest piece first (Devlin et al. 2019).

    The trainer numbers letters inside words as it meets them, and breaks ties by these numbers. So
    a first training, without merges, finds these letters; the second is given them in order.
    """
    parts = package()
    tokenizer = _blank_wordpiece({}, settings)
    letters = _letters(texts, tokenizer, settings)
    first = parts.trainers.WordPieceTrainer(
        special_tokens=[_UNKNOWN_OF_BERT], **_limits(settings, letters, 1)
    )
    tokenizer.train_from_iterator(texts, first)
    inside = sorted(token for token in tokenizer.get_vocab() if _is_inside(token))
    trainer = parts.trainers.WordPieceTrainer(
        special_tokens=[_UNKNOWN_OF_BERT, *inside],
        **_limits(settings, letters, settings.most_tokens),
    )
    tokenizer = _blank_wordpiece({}, settings)
    tokenizer.train_from_iterator(texts, trainer)
    return _blank_wordpiece(tokenizer.get_vocab(), settings)


def _is_inside(token: str) -> bool:
    return len(token) == len(_INSIDE) + 1 and token.startswith(_INSIDE)


def _blank_wordpiece(vocabulary: dict[str, int], settings: TokenizeSettings) -> Any:
    """Return a tokenizer that cuts as BERT's do: at blanks, signs, and each Chinese character."""
    parts = package()
    model = parts.models.WordPiece(vocabulary, unk_token=_UNKNOWN_OF_BERT)
    tokenizer = parts.Tokenizer(model)
    tokenizer.normalizer = parts.normalizers.BertNormalizer(
        strip_accents=False, lowercase=settings.is_lowercase
    )
    tokenizer.pre_tokenizer = parts.pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = parts.decoders.WordPiece(prefix=_INSIDE)
    if vocabulary:
        tokenizer.add_special_tokens([_UNKNOWN_OF_BERT])
    return tokenizer


def _cut_at_blanks(tokenizer: Any, settings: TokenizeSettings) -> None:
    """Have texts cut at blanks and signs; a token that begins a word begins with `▁`."""
    parts = package()
    forms = [parts.normalizers.NFC()]
    if settings.is_lowercase:
        forms.append(parts.normalizers.Lowercase())
    cuts = parts.pre_tokenizers
    tokenizer.normalizer = parts.normalizers.Sequence(forms)
    tokenizer.pre_tokenizer = cuts.Sequence(
        [cuts.WhitespaceSplit(), cuts.Metaspace(replacement=_BLANK), cuts.Punctuation()]
    )
    tokenizer.decoder = parts.decoders.Metaspace(replacement=_BLANK)


def _letters(texts: Sequence[str], tokenizer: Any, settings: TokenizeSettings) -> list[str]:
    """Return the most frequent characters, which are tokens: at most half the vocabulary.

    WordPiece needs two tokens for each. The trainers would break ties at the limit by chance.
    """
    counts = Counter[str]()
    for text in texts:
        counts.update(tokenizer.normalizer.normalize_str(text))
    found = sorted((-count, sign) for sign, count in counts.items() if not sign.isspace())
    return [sign for _, sign in found[: max(1, (settings.most_tokens - 2) // 2)]]


def _limits(settings: TokenizeSettings, letters: list[str], size: int) -> dict[str, Any]:
    return {
        "vocab_size": size,
        "min_frequency": settings.min_count,
        "initial_alphabet": letters,
        "limit_alphabet": len(letters),
        "show_progress": False,
    }
