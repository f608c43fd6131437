"""Passwords as people choose them: long, not one of those that everybody tries, and more than their own name.

There is no rule of composition: four words are better than one with a digit and a mark in it.
"""

import re
import unicodedata

SHORTEST, LONGEST = 12, 256
_REST = 8
"""So much must be left when somebody's own name is taken away."""
_VARIETY = 5
"""So many different characters at least: `aaaaaaaaaaaa` is long, and nothing else."""

# The commonest of twelve characters and more; and what the commonest are made of, with digits and marks around it.
_COMMON_TEXT = """
    123123123123 123456123456 123456654321 123456789000 123456789012 1234567890123 12345678901234 123456789123
    1234567890qwerty 1234qwerasdf 1234qwerasdfzxcv 1q2w3e4r5t6y 1q2w3e4r5t6y7u 1qaz1qaz1qaz 1qaz2wsx3edc
    1qazxsw23edc abc123abc123 abcd1234abcd abcd12345678 abcdefg12345 abcdefghijkl asdfasdfasdf asdfghjkl123
    asdfghjkl;'\\ q1w2e3r4t5y6 qazwsxedc123 qazwsxedcrfv qazwsxedcrfvtgb qwer1234qwer qwerasdfzxcv qwerty123456
    qwerty12345678 qwertyqwerty qwertyuiop[] qwertyuiop12 qwertyuiop123 qwertyuiopas qwertyuiopasdfghjkl
    qwertyuiopasdfghjklzxcvbnm zaq12wsxcde3 zaq1xsw2cde3 zxcvbnm12345 zxcvbnm,./123 zxcvbnmasdfghjkl zxcvbnmasdfg
    correcthorsebatterystaple
"""
_COMMON = frozenset([*_COMMON_TEXT.split(), "correct horse battery staple"])
_WORDS_TEXT = """
    access admin administrator asdfgh asdfghjkl changeme default dragon football hello iloveyou incident login letmein
    letmeinnow master monkey newpassword oncall p@ssw0rd p@ssword pager pagerd pagerduty passw0rd passwd password
    passwordpassword princess qwerty qwertyuiop root secret shadow starwars summer sunshine superman test testtest
    thisismypassword trustno1 user welcome welcomeback whatever winter zxcvbnm
"""
_WORDS = frozenset(_WORDS_TEXT.split())
_AROUND = re.compile(r"^[\W\d_]+|[\W\d_]+$")


class WeakPassword(ValueError):
    """The password is one that others guess; the message says why, and holds nothing of it."""


def normal(password: str) -> str:
    """What is hashed: the same letters however a keyboard made them."""
    return unicodedata.normalize("NFKC", password)


def check_password(password: str, person: str, name: str = "") -> None:
    """Raise WeakPassword unless this may be the password of `person`, who is called `name`."""
    plain = normal(password)
    if len(plain) < SHORTEST:
        raise WeakPassword(f"too short: {SHORTEST} characters at least; four words are easy to remember")
    if len(plain) > LONGEST:
        raise WeakPassword(f"too long: {LONGEST} characters at most")
    low = plain.casefold()
    if len(set(low)) < _VARIETY:
        raise WeakPassword("too simple: the same few characters over and over")
    if low in _COMMON or _bare(low) in _WORDS:
        raise WeakPassword("one of those that everybody tries first; four words of your own are better")
    if len(_without(low, person, name)) < _REST:
        raise WeakPassword("hardly more than your name, which others know, too")


def _bare(low: str) -> str:
    """`password` of `password2024!!` and of `1passwordpassword1`."""
    bare = _AROUND.sub("", low)
    half = bare[: len(bare) // 2]
    return half if half and half * 2 == bare else bare


def _without(low: str, person: str, name: str) -> str:
    """What is left of a password without the names of its owner; all of it, if they are not in it."""
    words = [word for word in re.split(r"\W+", f"{person} {name}".casefold()) if len(word) > 2]
    left = low
    for word in sorted(words, key=len, reverse=True):
        left = left.replace(word, "")
    return low if left == low else re.sub(r"[\W_]+", "", left)
