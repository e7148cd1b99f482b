"""A subword tokenizer as its `tokenizer.json`, which tasks load once in a process."""

import json
import os
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from typing import Any

from pipelines.errors import DependencyError, InputError
from pipelines.storage.digests import digest
from pipelines.storage.hadoop import Files

FILE = "tokenizer.json"
"""Name of the file in the folder of a tokenizer."""
MODELS = {"bpe": "BPE", "wordpiece": "WordPiece", "unigram": "Unigram"}
"""The package's names of the models, by the setting `tokenizer`."""


def package() -> Any:
    """Import `tokenizers`, whose own threads are off: each core has a task.

    Raises:
        DependencyError: It is not installed.
    """
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    try:
        return import_module("tokenizers")
    except ImportError as error:
        raise DependencyError(
            f"tokenizer: {' | '.join(MODELS)} need the package tokenizers: "
            f"pip install 'vectormill[subwords]' ({error})"
        ) from error


@dataclass(frozen=True)
class SubwordTokenizer:
    """A tokenizer that is loaded.

    Args:
        text: Its `tokenizer.json`.
    """

    text: str

    def __getstate__(self) -> dict[str, Any]:
        """Leave behind what is loaded: each process loads its own."""
        return {"text": self.text}

    @property
    def version(self) -> str:
        """Hash of the file."""
        return digest(self.text)

    @cached_property
    def loaded(self) -> Any:
        """The package's object; it neither cuts texts off nor pads them."""
        loaded = package().Tokenizer.from_str(self.text)
        loaded.no_truncation()
        loaded.no_padding()
        return loaded

    @cached_property
    def _model(self) -> dict[str, Any]:
        model = json.loads(self.text).get("model")
        return model if isinstance(model, dict) else {}

    @property
    def kind(self) -> str:
        """Name of its model, as the package has it; empty where the file does not tell."""
        return str(self._model.get("type", ""))

    @property
    def unknown(self) -> str | None:
        """The token that stands for what the tokenizer does not know; None where there is none."""
        if self.kind != MODELS["unigram"]:
            token = self._model.get("unk_token")
            return None if token is None else str(token)
        place = self._model.get("unk_id")
        return None if place is None else str(self._model["vocab"][place][0])

    @cached_property
    def tokens(self) -> list[str | None]:
        """Tokens by id; None where an id has none."""
        ids = self.loaded.get_vocab(with_added_tokens=True)
        found: list[str | None] = [None] * (max(ids.values(), default=-1) + 1)
        for token, number in ids.items():
            found[number] = token
        return found


def read_tokenizer(files: Files, uri: str, *, name: str) -> SubwordTokenizer:
    """Read a `tokenizer.json`, or that in a folder.

    Args:
        files: The session's files.
        uri: The file or folder.
        name: The setting `tokenizer`.

    Raises:
        InputError: The file is missing or broken, or holds another kind of model.
    """
    where = f"{uri.rstrip('/')}/{FILE}" if files.exists(uri) and files.is_folder(uri) else uri
    if not files.exists(where):
        raise InputError(f"{where}: no such file (inputs.tokenizer_file)")
    try:
        found = SubwordTokenizer(files.read_text(where))
        kind = found.kind
        _ = found.loaded
    except DependencyError:
        raise
    except Exception as error:  # the package raises no other kind
        raise InputError(
            f"{where}: no tokenizer.json that the package tokenizers reads: {error} "
            "(inputs.tokenizer_file)"
        ) from error
    if kind != MODELS[name]:
        own = next((n for n, model in MODELS.items() if model == kind), None)
        fix = f"set tokenizer: {own}" if own else f"name one of {', '.join(MODELS.values())}"
        raise InputError(
            f"{where}: its model is {kind or 'of no type'}, and tokenizer is {name}; {fix}"
        )
    return found
