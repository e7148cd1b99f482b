"""Settings of `clean_events` and `clean_corpus` that the columns of a file suggest."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

from pipelines.sources.peek.guessing import Column

Tree = dict[str, Any]
_USUAL = {
    "user": (
        "user userid uid customer customerid visitor visitorid reviewer reviewerid member memberid "
        "account accountid client clientid author authorid username login session sessionid host ip"
    ),
    "item": (
        "item itemid iid product productid asin parentasin sku stockcode movie movieid book bookid "
        "isbn song songid track trackid artist artistid article articleid video videoid business "
        "businessid location locationid place placeid venue venueid page pageid url path"
    ),
    "time": (
        "time timestamp ts datetime date createdat created eventtime eventdate occurredat "
        "clickedat viewedat purchasedat unixreviewtime reviewtime invoicedate checkintime updatedat"
    ),
    "event_type": "eventtype event action type kind eventname activity method",
    "value": "rating value amount quantity qty score stars overall count price weight plays",
    "event_id": "eventid id uuid logid transactionid rowid requestid",
}
"""Usual names of what an event has, without signs, in small letters; the likeliest first."""
_REQUIRED = ("user", "item", "time")
_TEXTS = "text content body document article review reviewtext abstract"
_IDS = "id docid documentid pageid articleid recordid uuid guid key url uri link doi"
_MOSTLY_BLANK = 0.9
_TEXT_LENGTH, _BESIDE_A_LOG, _WORDS = 20, 80, 4
_TYPES: dict[str, tuple[str, ...]] = {
    "time": ("time", "integer", "number"),
    "value": ("integer", "number"),
    "event_type": ("text", "integer", "true/false"),
}
_OWN = {"text", "html", "warc", "mediawiki"}  # formats whose records are documents


def event_columns(columns: Sequence[Column]) -> dict[str, Column]:
    """Return the columns that are an event's parts, each told by its usual names."""
    found: dict[str, Column] = {}
    for part, names in _USUAL.items():
        free = [c for c in columns if c not in found.values() and _fits(c, part)]
        chosen = _named(free, names.split())
        if chosen is None and part == "time":
            chosen = next((c for c in free if c.type == "time"), None)
        if chosen is not None:
            found[part] = chosen
    return found


def proposals(uri: str, kind: str, columns: Sequence[Column], reading: Tree) -> dict[str, Tree]:
    """Return settings by job; both jobs where both are plausible, none where neither is.

    Args:
        uri: The input.
        kind: Its format.
        columns: What its columns look like.
        reading: Settings of reading it that are not the defaults.
    """
    found: dict[str, Tree] = {}
    parts = event_columns(columns)
    is_log = kind not in _OWN and all(part in parts for part in _REQUIRED)
    if is_log:
        found["clean_events"] = _events(uri, parts, reading)
    text = None if kind == "access_log" else text_column(columns, is_log=is_log)
    if kind == "text" or text is not None:
        found["clean_corpus"] = _corpus(uri, text, columns, reading)
    return found


def text_column(columns: Sequence[Column], *, is_log: bool = False) -> Column | None:
    """Return the column of texts: of those named so, else the longest."""
    least = _BESIDE_A_LOG if is_log else _TEXT_LENGTH
    texts = [c for c in columns if c.type == "text" and c.length >= least and _is_prose(c)]
    return _named(texts, _TEXTS.split()) or max(texts, key=lambda c: c.length, default=None)


def _events(uri: str, parts: dict[str, Column], reading: Tree) -> Tree:
    tree: Tree = {"inputs": {"events": uri}, **reading}
    tree["columns"] = {part: parts[part].name if part in parts else None for part in _USUAL}
    if parts["time"].time_format:
        tree["time_format"] = parts["time"].time_format
    return tree


def _corpus(uri: str, text: Column | None, columns: Sequence[Column], reading: Tree) -> Tree:
    unique = [c for c in columns if c.is_unique and c is not text]
    identity = _named(unique, _IDS.split())
    return {
        "inputs": {"corpus": uri},
        **reading,
        "text_column": text.name if text else "text",
        "id_column": identity.name if identity else None,
    }


def _is_prose(column: Column) -> bool:
    """Tell texts from keys and addresses: by their words, or by letters that need no blanks."""
    if any(value.startswith(("<", "http:", "https:", "/")) for value in column.samples):
        return False
    is_ascii = all(value.isascii() for value in column.samples)
    return column.words >= _WORDS or not is_ascii


def _fits(column: Column, part: str) -> bool:
    if column.blank >= _MOSTLY_BLANK or column.type in ("list", "blank"):
        return False
    if part == "event_id" and not column.is_unique:
        return False
    return column.type in _TYPES.get(part, (column.type,))


def _named(columns: Iterable[Column], names: Sequence[str]) -> Column | None:
    """Return the column with the first of the names, its way into nested ones counted or not."""
    plain: dict[str, Column] = {}
    for column in columns:
        whole = re.sub(r"[^a-z0-9]", "", column.name.lower())
        last = re.sub(r"[^a-z0-9]", "", column.name.lower().rpartition(".")[2])
        plain.setdefault(whole, column)
        if last not in ("id", "type", "name"):  # of what, the way says
            plain.setdefault(last, column)
    return next((plain[name] for name in names if name in plain), None)
