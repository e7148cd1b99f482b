"""What is left of HTML in texts that are no pages: entities and stray tags."""

import re

from ftfy.fixes import unescape_html

_MOST_TIMES = 10  # that a text was escaped again and again
_INLINE = "a|abbr|acronym|b|bdi|bdo|big|cite|code|data|del|dfn|em|font|i|ins|kbd|label|mark|nobr|q|s|samp|small|span|strike|strong|sub|sup|time|tt|u|var|wbr"  # noqa: E501
_BLOCK = "address|area|article|aside|base|blockquote|body|br|button|canvas|caption|center|col|colgroup|dd|details|dialog|div|dl|dt|fieldset|figcaption|figure|footer|form|frame|frameset|h[1-6]|head|header|hr|html|iframe|img|input|legend|li|link|main|map|meta|nav|noscript|object|ol|optgroup|option|p|pre|section|select|source|summary|svg|table|tbody|td|textarea|tfoot|th|thead|title|tr|track|ul|video"  # noqa: E501
_TAG = re.compile(
    rf"</?(?:(?P<inline>{_INLINE})|{_BLOCK}|script|style)\b(?:[\s/][^<>]{{0,4000}})?>|<!doctype\b[^<>]{{0,1000}}>",
    re.IGNORECASE,
)
_UNSEEN = re.compile(r"<(script|style)\b", re.IGNORECASE)


def looks_tagged(text: str) -> bool:
    """Tell whether a text has a tag or a comment of HTML."""
    return _TAG.search(text) is not None or "<!--" in text


def unescaped(text: str) -> str:
    """Return a text with its entities resolved, as ftfy does; one with tags as it is.

    `&amp;lt;` was escaped twice and becomes `<`.
    """
    if looks_tagged(text):
        return text
    for _ in range(_MOST_TIMES):
        before, text = text, unescape_html(text)
        if text == before:
            break
    return text


def stripped(text: str) -> str:
    """Return a text without tags, comments, scripts and styles, and with its entities resolved.

    Elements of blocks end lines. Where there were tags, entities are resolved once: what a page
    shows as a tag stays.
    """
    if not looks_tagged(text):
        return unescaped(text)
    text = _without_comments(_without_unseen(text))
    return unescape_html(_TAG.sub(lambda tag: "" if tag["inline"] else "\n", text))


def _without_unseen(text: str) -> str:
    """Return a text without scripts and styles that are closed."""
    parts, done = [], 0
    while opening := _UNSEEN.search(text, done):
        closing = re.compile(rf"</{opening[1]}\s*>", re.IGNORECASE).search(text, opening.end())
        if closing is None:
            break
        parts += [text[done : opening.start()], "\n"]
        done = closing.end()
    return "".join([*parts, text[done:]])


def _without_comments(text: str) -> str:
    """Return a text without comments that are closed."""
    parts, done = [], 0
    while (start := text.find("<!--", done)) >= 0 and (stop := text.find("-->", start + 4)) >= 0:
        parts.append(text[done:start])
        done = stop + 3
    return "".join([*parts, text[done:]])
