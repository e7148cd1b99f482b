"""What the signals count, by regular expressions over classes of characters and by Counter."""

import re
import unicodedata
from collections import Counter
from itertools import pairwise

BLANKLESS = (
    "CJK UNIFIED", "CJK COMPATIBILITY IDEOGRAPH", "HIRAGANA", "KATAKANA", "HALFWIDTH KATAKANA",
    "HENTAIGANA", "BOPOMOFO", "IDEOGRAPHIC", "VERTICAL IDEOGRAPHIC", "MASU MARK",
    "THAI", "LAO", "MYANMAR", "KHMER", "TAI LE", "NEW TAI LUE", "TAI THAM", "TAI VIET",
    "BALINESE", "JAVANESE",
)  # fmt: skip
STOPS = ".!?…։؞؟۔܀܁܂।॥།༎።፧፨᙮᠃᠉᭞᭟꧈꧉‼‽⁇⁈⁉"
FULL_STOPS = "。．！？｡︒꓿၊။។៕"
CLOSING = "\"'”’»›)]}」』）】〉》"
BULLETS = "•‣⁃◦●○▪▫■□◆*-"
STOP_WORDS = ["the", "be", "to", "of", "and", "that", "have", "with"]
POLICIES = [
    "terms of use", "privacy policy", "cookie policy", "uses cookies", "use of cookies",
    "use cookies",
]  # fmt: skip


def is_blankless(sign):
    is_letter = unicodedata.category(sign)[0] == "L"
    return is_letter and unicodedata.name(sign, "").startswith(BLANKLESS)


def class_of(sign):
    category = unicodedata.category(sign)
    if category[0] in "LNM":
        return "b" if is_blankless(sign) else category[0].replace("N", "L")
    if sign in "\u00ad\u200c\u200d":
        return "I"
    if sign.isspace():
        return "n" if sign == "\n" else " "
    for signs, name in (("'’-", "J"), (STOPS, "."), (FULL_STOPS, "|"), (CLOSING, '"')):
        if sign in signs:
            return name
    return "x"


WORD = re.compile("b[MI]*|L[LMI]*(?:JL[LMI]*)*")


def lowered(text):
    return "".join(sign.lower() for sign in text).replace("ς", "σ")


def words_of(text):
    """Return each word in lower case without invisible characters, its length, and its class."""
    classes = "".join(map(class_of, text))
    found = []
    for match in WORD.finditer(classes):
        shown = re.sub("[\u00ad\u200c\u200d]", "", text[match.start() : match.end()])
        found.append((lowered(shown), len(shown), match[0][0] == "b", shown))
    return found


def sentences_of(line):
    """Count the pieces with a word between stops that blanks follow, or full stops."""
    signs = WORD.sub(lambda match: "W" * len(match[0]), "".join(map(class_of, line)))
    classes = "".join(
        '"' if name == "J" and sign in CLOSING else name
        for sign, name in zip(line, signs, strict=True)
    )
    pieces = re.split(r'\||[.][."]*(?=[ ]|$)', classes)
    return sum("W" in piece for piece in pieces)


def repeated(items):
    seen, dups, characters = set(), 0, 0
    for item in items:
        if item in seen:
            dups, characters = dups + 1, characters + len(item)
        seen.add(item)
    return dups, characters


def span(words):
    blanks = sum(not (a[2] and b[2]) for a, b in pairwise(words))
    return sum(word[1] for word in words) + blanks


def top_gram(words, size):
    """datatrove's `find_top_duplicate`, but 0 where no n-gram comes twice."""
    grams = [words[n : n + size] for n in range(len(words) - size + 1)]
    often = Counter(tuple(word[0] for word in gram) for gram in grams)
    if not often:
        return 0
    best, count = often.most_common(1)[0]
    first = next(gram for gram in grams if tuple(word[0] for word in gram) == best)
    return count * span(first) if count > 1 else 0


def duplicate_grams(words, size):
    """datatrove's `find_all_duplicate`."""
    seen, characters, at = set(), 0, 0
    while at < len(words) - size + 1:
        gram = words[at : at + size]
        key = tuple(word[0] for word in gram)
        if key in seen:
            characters += span(gram)
            at += size
        else:
            seen.add(key)
            at += 1
    return characters


def _without_blank_lines(text):
    return "\n".join(line if line.strip() else "" for line in text.split("\n"))


def counted(text):
    """Return every count of a text by its name."""
    words, lines = words_of(text), [line for line in text.split("\n") if line.strip()]
    keys = [word[0] for word in words]
    by_line = [" ".join(word[0] for word in words_of(line)) for line in lines]
    shown = "".join(word[3] for word in words)
    bare = [line.strip() for line in lines]
    paragraphs = [p for p in re.split(r"\n{2,}", _without_blank_lines(text).strip("\n")) if p]
    line_dups, line_characters = repeated(lines)
    dups, characters = repeated(paragraphs)
    stops = set(STOP_WORDS) & set(keys)
    found = {
        "characters": len(text),
        "words": len(words),
        "blankless_words": sum(word[2] for word in words),
        "word_characters": len(shown),
        "blankless_characters": sum(word[1] for word in words if word[2]),
        "words_with_letter": sum(
            any(unicodedata.category(s)[0] == "L" for s in w[3]) for w in words
        ),
        "long_words": sum(word[1] > 1000 for word in words),
        "hash_signs": text.count("#"),
        "ellipses": len(re.findall(r"\.\.\.|…", text)),
        "braces": text.count("{"),
        "punctuation": sum(unicodedata.category(s)[0] in "PS" for s in text),
        "digits": sum(unicodedata.category(s)[0] == "N" for s in text),
        "upper_case": sum(unicodedata.category(s) in {"Lu", "Lt"} for s in text),
        "white_space": sum(s.isspace() for s in text),
        "new_lines": text.count("\n"),
        "stop_words": len(stops),
        "sentences": sum(map(sentences_of, lines)),
        "lines": len(lines),
        "bullet_lines": sum(line[0] in BULLETS for line in bare),
        "ellipsis_lines": sum(line.endswith(("...", "…")) for line in bare),
        "terminal_lines": sum(line[-1] in STOPS + FULL_STOPS + "\"'”’»」』" for line in bare),
        "short_lines": sum(len(line) <= 30 for line in lines),
        "javascript_lines": sum("javascript" in line.split(" ") for line in by_line),
        "policy_lines": sum(any(f" {p} " in f" {line} " for p in POLICIES) for line in by_line),
        "lorem_ipsum": sum(
            pair == ("lorem", "ipsum") for line in by_line for pair in pairwise(line.split(" "))
        ),
        "duplicate_lines": line_dups,
        "duplicate_line_characters": line_characters,
        "paragraphs": len(paragraphs),
        "duplicate_paragraphs": dups,
        "duplicate_paragraph_characters": characters,
    }
    found |= {f"top_{n}_grams": top_gram(words, n) for n in range(2, 5)}
    return found | {f"duplicate_{n}_grams": duplicate_grams(words, n) for n in range(5, 11)}


def content(text):
    """Return what two texts that are the same up to white space and case share."""
    return lowered(" ".join(text.split()))
