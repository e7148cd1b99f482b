# mypy: ignore-errors
"""Names in wikitext, compared by hashes, and what kernels need to find them."""

import numpy as np
from numpy.typing import NDArray

from pipelines.kernels.compiling import inner
from pipelines.kernels.text_bytes import byte_at

_SEED, _FACTOR = np.uint64(0xCBF29CE484222325), np.uint64(0x100000001B3)
_BLANK, _FIRST_CAPITAL, _LAST_CAPITAL = ord(" "), ord("A"), ord("Z")
_SLASH, _COLON, _LONGEST_SITE = ord("/"), ord(":"), 8
_FIRST_LETTER, _LAST_LETTER = ord("a"), ord("z")
_TAGS = (
    "abbr b bdi bdo big blockquote br caption center cite code data dd del dfn div dl dt em "
    "font h1 h2 h3 h4 h5 h6 hr i includeonly ins kbd li mark noinclude nowiki ol onlyinclude "
    "p poem pre q rb ref references rp rt ruby s samp section small span strike strong sub "
    "sup table td th time tr tt u ul var wbr "
)
_HIDDEN = (
    "ref math chem ce gallery timeline syntaxhighlight source score imagemap templatedata "
    "templatestyles graph mapframe maplink hiero inputbox categorytree style script "
)
_NAMESPACES = (
    "file image category media datei bild kategorie fichier catégorie archivo imagen "
    "categoría immagine categoria arquivo ficheiro imagem bestand afbeelding categorie plik "
    "grafika fil kategori файл изображение категория зображення категорія ファイル 画像 "
    "文件 檔案 分类 分類 "
    "파일 분류 ملف صورة تصنيف پرونده رده चित्र श्रेणी dosya "
)


_SITES = "http https ftp mailto irc news"


def words() -> tuple[NDArray[np.uint64], ...]:
    """Return hashes of tags, of those whose content goes, of namespaces that go, of sites."""
    lists = (f"{_TAGS} {_HIDDEN}", _HIDDEN, _NAMESPACES, _SITES)
    return tuple(np.array(list(map(hash_of, names.split())), np.uint64) for names in lists)


def hash_of(name: str) -> int:
    """Return what `hash_at` returns where a name is."""
    found = int(_SEED)
    for byte in name.encode():
        found = (found ^ byte) * int(_FACTOR) % (1 << 64)
    return found


@inner
def hash_at(text, first, stop):
    """Return the hash (FNV-1a) of a name, whatever the case of ASCII letters."""
    found = _SEED
    for place in range(first, stop):
        found = (found ^ np.uint64(_lower(byte_at(text, place)))) * _FACTOR
    return found


@inner
def is_among(found, names):
    """Tell whether a hash is one of some."""
    for number in range(len(names)):
        if names[number] == found:
            return True
    return False


@inner
def peek(text, at, end):
    """Return the byte at a place, 0 behind the end."""
    return byte_at(text, at) if at < end else 0


@inner
def past_letters(text, at, end):
    """Return the first place that has no letter of ASCII."""
    while at < end and is_letter(byte_at(text, at)):
        at += 1
    return at


@inner
def is_address(text, at, end, sites):
    """Tell whether an address of another site is at a place."""
    if peek(text, at, end) == _SLASH:
        return peek(text, at + 1, end) == _SLASH
    colon = past_letters(text, at, min(end, at + _LONGEST_SITE))
    return peek(text, colon, end) == _COLON and is_among(hash_at(text, at, colon), sites)


@inner
def is_letter(byte):
    """Tell whether a byte is a letter of ASCII."""
    return _FIRST_LETTER <= byte | _BLANK <= _LAST_LETTER


@inner
def write(byte, out, at, to):
    """Write one byte; return the places behind it."""
    out[to] = byte
    return at + 1, to + 1


@inner
def _lower(byte):
    """Return a byte in lower case."""
    return byte | _BLANK if _FIRST_CAPITAL <= byte <= _LAST_CAPITAL else byte
