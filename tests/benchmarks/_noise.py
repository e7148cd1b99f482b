"""Texts in no language, drawn with a seed: what a detector should refuse."""

import base64
import json
import random
import string
from collections.abc import Callable


def noise(seed: int = 7, each: int = 40) -> dict[str, list[str]]:
    """Return so many texts of some 600 characters of each kind."""
    draw = random.Random(seed)  # noqa: S311
    return {kind: [made(draw) for _ in range(each)] for kind, made in _KINDS.items()}


def _joined(sign: str, piece: Callable[[random.Random], str]) -> Callable[[random.Random], str]:
    def made(draw: random.Random) -> str:
        found = piece(draw)
        while len(found) < 600:
            found += sign + piece(draw)
        return found

    return made


def _letters(draw: random.Random, alphabet: str = string.ascii_lowercase, most: int = 10) -> str:
    return "".join(draw.choices(alphabet, k=draw.randint(2, most)))


def _object(draw: random.Random) -> str:
    row = {
        _letters(draw): draw.choice([draw.random(), _letters(draw), None, True]) for _ in range(4)
    }
    return json.dumps({"id": draw.randint(1, 1 << 30), **row})


def _row(draw: random.Random) -> str:
    return "\t".join(f"{draw.uniform(-1e4, 1e4):.2f}" for _ in range(8))


def _rule(draw: random.Random) -> str:
    sides = ("margin", "padding", "border", "top", "left")
    margin = f"{draw.choice(sides)}: {draw.randint(0, 99)}px; "
    colour = f"color: #{draw.randrange(1 << 24):06x};"
    return f".{_letters(draw)}-{draw.randint(1, 99)} {{ {margin}{colour} }}"


def _statement(draw: random.Random) -> str:
    a, b, c = (_letters(draw) for _ in range(3))
    forms = (
        f"def {a}_{b}(self, {c}=None):",
        f"    return self.{a}[{b}] + {c}({a})",
        f"    if {a}.{b} is None and {c} not in {a}:",
        f"import {a}.{b} as {c}",
        f"    {a} = [{b}({c}) for {c} in range({draw.randint(1, 99)})]",
    )
    return draw.choice(forms)


def _address(draw: random.Random) -> str:
    return f"https://www.{_letters(draw)}.com/{_letters(draw)}/{_letters(draw)}?q={_letters(draw)}"


_KINDS: dict[str, Callable[[random.Random], str]] = {
    "digits": _joined(" ", lambda draw: str(draw.randrange(10**9))),
    "table of numbers": _joined("\n", _row),
    "hexadecimal": _joined("\n", lambda draw: draw.randbytes(16).hex(" ")),
    "base64": lambda draw: base64.b64encode(draw.randbytes(450)).decode(),
    "random letters": _joined(" ", _letters),
    "random Cyrillic": _joined(" ", lambda draw: _letters(draw, "абвгдежзийклмнопрстуфхцчшщыэюя")),
    "addresses": _joined("\n", _address),
    "JSON": _joined("\n", _object),
    "CSS": _joined("\n", _rule),
    "source code": _joined("\n", _statement),
    "punctuation": _joined(" ", lambda draw: _letters(draw, "!?.,;:-=+*/#@&%$()[]{}<>|~")),
    "emoji": _joined(" ", lambda draw: _letters(draw, "😀😂🎉🔥💯❤👍🙏🚀✨")),
}
