"""The text of web pages: bytes to text by the page's encoding, HTML to its main content."""

from importlib import import_module
from typing import Any

from pipelines.errors import DependencyError
from pipelines.sources.config import SourceSettings


def need(module: str, extra: str) -> Any:
    """Import a module of an extra.

    Raises:
        DependencyError: The extra is not installed; the message names it.
    """
    try:
        return import_module(module)
    except ImportError as error:
        raise DependencyError(
            f"{module.partition('.')[0]} is missing: pip install 'vectormill[{extra}]' ({error})"
        ) from error


def decoded(data: bytes, charset: str | None, extra: str, *, is_html: bool = True) -> str:
    """Return a page's bytes as text.

    The charset that the server named comes first, then UTF-8 where it fits, then the page's own
    `meta`, then what the bytes look like; NULs and bytes of no character are dropped.
    """
    encoding = need("resiliparse.parse.encoding", extra)
    name = charset and encoding.map_encoding_to_html5(charset.strip("\"' "), fallback_utf8=False)
    if not name:
        name = _utf8(data) or encoding.detect_encoding(data, from_html_meta=is_html)
    text: str = encoding.bytes_to_str(data, name, errors="ignore")
    return text.replace("\0", "")


def _utf8(data: bytes) -> str | None:
    """Return `utf-8` where bytes are that, and not UTF-16 or one of the encodings by escapes."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return None if "\0" in text or "\x1b" in text else "utf-8"


def main_content(html: str, settings: SourceSettings, extra: str) -> str:
    """Return the main content of a page by the extractor of the settings; empty if it has none."""
    if settings.extractor == "trafilatura":
        extract = need("trafilatura", "html").extract
        return extract(html, fast=True, include_comments=False) or ""
    extract = need("resiliparse.extract.html2text", extra).extract_plain_text
    text: str = extract(html, main_content=True, alt_texts=False, list_bullets=False)
    return text


def title_of(html: str, extra: str) -> str | None:
    """Return the title of a page, None where it has none."""
    tree = need("resiliparse.parse.html", extra).HTMLTree.parse(html)
    return (tree.title or "").strip() or None
