"""Codes: an incident's number written in three letters that a tired person can read out."""

import re

ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
"""32 signs without look-alikes: no 0/O, no 1/I."""

_SPREAD = 20507  # odd, so multiplication modulo a power of two is one to one
_SHIFT = 11093


def code_of(number: int) -> str:
    """The code of incident `number` (from 1): three letters up to 32,768, then four and more. Unique for ever."""
    width, first = _width(number)
    size = 32**width
    value = ((number - first) * _SPREAD + _SHIFT) % size
    letters = ""
    for _ in range(width):
        value, digit = divmod(value, 32)
        letters = ALPHABET[digit] + letters
    return letters


def number_of(code: str) -> int | None:
    """The number behind a code, however it was typed; None if it cannot be one."""
    letters = code.strip().upper().lstrip("#")
    if len(letters) < 3 or len(letters) > 9 or any(letter not in ALPHABET for letter in letters):
        return None
    value = 0
    for letter in letters:
        value = value * 32 + ALPHABET.index(letter)
    size = 32 ** len(letters)
    offset = (value - _SHIFT) * pow(_SPREAD, -1, size) % size
    first = 1 + sum(int(32**width) for width in range(3, len(letters)))
    return int(first + offset)


def numbers_in(text: str) -> list[int]:
    """The numbers behind the words of `text` that look like codes, in capitals: whether they are any is unknown."""
    found = (number_of(word) for word in re.findall(rf"(?<!\w)[{ALPHABET}]{{3,4}}(?!\w)", text))
    return list(dict.fromkeys(number for number in found if number is not None))


def _width(number: int) -> tuple[int, int]:
    if number < 1:
        raise ValueError(f"not an incident number: {number}; they count from 1")
    width, first = 3, 1
    while number >= first + 32**width:
        first += 32**width
        width += 1
    return width, first
