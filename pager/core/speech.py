"""Speech: text as a telephone can read it out, without signs, links and names that nobody would say."""

import re
from datetime import timedelta

_LINK = re.compile(r"\b[a-z][a-z0-9+.-]*://\S+", re.IGNORECASE)
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_SHORT = re.compile(r"\b(?:api|cpu|db|dns|http|https|io|ip|sql|ssh|ssl|tls|url|vm|vpn)\b", re.IGNORECASE)
_SIGNS = {"%": " percent", "&": " and ", "+": " plus ", "=": " is ", "°": " degrees ", "€": " euros ", "$": " dollars "}
_PAUSE = re.compile(r"\s*(?:(?<!\d):|:(?!\d)|[;|()\[\]{}])+\s*|\s+[-\u2013\u2014]+\s+|\s*(?:->|\u2192)\s*")
_OTHER = re.compile(r"[^\w\s.,:?!'-]|_|(?<=\w)-(?=[^\W\d])")
_BREAKS = re.compile(r"\s+([.,?!])")
_DOUBLE = re.compile(r"([.,?!])(?:\s*[.,])+")


def in_words(text: str) -> str:
    """`text` as words and pauses: `CheckoutDown: 12% (eu-west)` is `Checkout Down, 12 percent, eu west`."""
    said = _SHORT.sub(lambda name: " ".join(name[0].upper()), _HUMP.sub(" ", _LINK.sub(" ", text)))
    for sign, word in _SIGNS.items():
        said = said.replace(sign, word)
    said = _OTHER.sub(" ", _PAUSE.sub(", ", said))
    return " ".join(_DOUBLE.sub(r"\1", _BREAKS.sub(r"\1", said)).split()).strip(" ,")


def spelled(code: str) -> str:
    """`7KQ` as `7, K, Q`: slowly enough to be written down."""
    return ", ".join(code)


def length_in_words(length: timedelta) -> str:
    """`2 minutes`, `1 hour 5 minutes`, `3 days 2 hours`."""
    minutes = max(0, round(length.total_seconds() / 60))
    if minutes < 1:
        return "less than a minute"
    days, hours = minutes // 1440, minutes % 1440 // 60
    parts = [(days, "day"), (hours, "hour"), (0 if days else minutes % 60, "minute")]
    return " ".join(f"{count} {unit}{'' if count == 1 else 's'}" for count, unit in parts if count)
