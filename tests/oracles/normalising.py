"""Texts made tidy by regular expressions and loops, and by ftfy on every line."""

import re
import unicodedata

import ftfy
from ftfy.fixes import fix_surrogates

OF_INDIA = (
    "DEVANAGARI|BENGALI|GURMUKHI|GUJARATI|ORIYA|TAMIL|TELUGU|KANNADA|MALAYALAM|SINHALA|VEDIC|SYLOTI"
    "|LIMBU|LEPCHA|OL CHIKI|NORTH INDIC|SAURASHTRA|MEETEI MAYEK|KHAROSHTHI|BRAHMI|KAITHI|SORA"
    "|CHAKMA|MAHAJANI|SHARADA|KHOJKI|MULTANI|KHUDAWADI|GRANTHA|NEWA|TIRHUTA|SIDDHAM|MODI|TAKRI|AHOM"
    "|DOGRA|WARANG CITI|DIVES AKURU|NANDINAGARI|BHAIKSUKI|MASARAM GONDI|GUNJALA GONDI"
)
OF_THE_EAST = (
    "TIBETAN|MYANMAR|TAGALOG|HANUNOO|BUHID|TAGBANWA|KHMER|MONGOLIAN|TAI|NEW TAI|BALINESE|JAVANESE"
    "|SUNDANESE|BATAK|BUGINESE|PHAGS-PA|KAYAH LI|REJANG|CHAM|ZANABAZAR|SOYOMBO|MARCHEN|MAKASAR"
)
OF_THE_WEST = (
    "ARABIC|ARABIC-INDIC|EXTENDED ARABIC-INDIC|SYRIAC|THAANA|NKO|SAMARITAN|MANDAIC|MANICHAEAN"
    "|PSALTER|HANIFI|SOGDIAN|OLD SOGDIAN|OLD UYGHUR|CHORASMIAN|ADLAM"
)
SHAPED = re.compile(f"(COMBINING )?(BINDU|{OF_INDIA}|{OF_THE_EAST}|{OF_THE_WEST}) (?!MATHEMATICAL)")
UNSPACED = re.compile("(THAI|LAO|MYANMAR|KHMER|TAI|NEW TAI|BALINESE|JAVANESE) ")
INVISIBLE = re.compile(
    "[\u00ad\u061c\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\ufffb\U000e0001]"
)
PICTURE = re.compile("[\u2190-\u21ff\u2300-\u27bf\u2b00-\u2bff\ufe0f\U0001f000-\U0001faff]")
RUN = re.compile("[\u200b-\u200d\U000e0020-\U000e007f]+")


def _is_of(sign, scripts):
    is_word = bool(sign) and unicodedata.category(sign)[0] in "LMN"
    return is_word and scripts.match(unicodedata.name(sign, "")) is not None


def _stays(sign, before, after):
    """Tell whether a sign stays; None where what follows decides nothing and it goes."""
    if sign == "\u200d":
        if _is_of(before, SHAPED):
            return True
        return bool(PICTURE.match(after)) and "later" if PICTURE.match(before) else None
    if sign == "\u200c":
        return _is_of(after, SHAPED) and "later" if _is_of(before, SHAPED) else None
    if sign == "\u200b":
        return _is_of(after, UNSPACED) and "later" if _is_of(before, UNSPACED) else None
    return True if re.match("[\U0001f3f4\U000e0020-\U000e007e]", before) else None


def _kept(run, before, after):
    """Return what stays of a run of signs between two characters."""
    kept = ""
    for sign in run:
        stays = _stays(sign, kept[-1:] or before, after)
        if stays is True:
            kept += sign
        elif stays is not None:
            return kept + sign if stays else kept
    return kept


def tidy(text):
    """Return a text with lines, blanks and unseen characters as they should be."""
    text = re.sub("\r\n?|[\x85\u2028\u2029]", "\n", text)
    text = INVISIBLE.sub("", text)
    text = re.sub("[\x00-\x08\x0b-\x1f\x7f-\x9f\ufffc]", " ", text)
    text = re.sub(r"[^\S\n\t]", " ", text)
    text = RUN.sub(lambda run: _kept(run[0], text[: run.start()][-1:], text[run.end() :][:1]), text)
    return re.sub("[ \t]+\n", "\n", text).strip(" \t\n")


def normal(text, form="NFC"):
    """Return a text in its normal form."""
    return tidy(unicodedata.normalize(form, tidy(text)))


def repaired(text):
    """Return a text whose every line ftfy saw."""
    lines = re.split("(?<=\n)", text)
    return "".join(fix_surrogates(ftfy.fix_encoding(line)) for line in lines)
