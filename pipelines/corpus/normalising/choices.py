"""How texts are repaired and normalised, as settings have it; and what is told of it."""

from dataclasses import dataclass
from typing import Literal

Form = Literal["NFC", "NFKC"]
Markup = Literal["wiki"]
HtmlRemains = Literal["keep", "unescape", "strip"]

TEXT_NOTES = {
    "repaired_encoding": "mojibake, decoded by another encoding than it was written in, repaired",
    "html_remains": "entities or tags of HTML resolved or taken out",
}
"""Changes of texts that a run counts."""


@dataclass(frozen=True)
class Normalisation:
    """How texts are repaired and normalised.

    Args:
        form: Normal form of Unicode.
        repair_encoding: Whether mojibake is repaired.
        html_remains: Whether entities of HTML are resolved where a text has no tags, or tags are
            taken out of all.
        markup: Markup that texts are written in, of which the plain text is taken; None for none.
    """

    form: Form = "NFC"
    repair_encoding: bool = True
    html_remains: HtmlRemains = "unescape"
    markup: Markup | None = None


AS_USUAL = Normalisation()
