"""Public holidays: which places are known, and the days of one of them. They are printed to be kept in files."""

from collections.abc import Iterable
from datetime import date

import holidays
from holidays.registry import COUNTRIES

from pager.problems import suggest


def place_of(written: str) -> tuple[str, str]:
    """`DE-BE` as country and part of it, "" for the whole: codes, or names, in any case.

    Raises ValueError with what was probably meant.
    """
    country, _, part = written.partition("-")
    known = holidays.list_supported_countries()
    code = country.upper()
    if code not in known:
        raise ValueError(f"no country {country!r}; {_country_hint(country, known)}")
    parts = _parts(code)
    if part and part.casefold() not in parts:
        hint = suggest(part, parts) if len(part) > 3 else ""
        there = f"there are: {', '.join(sorted(set(parts.values())))}" if parts else f"none are known; write {code}"
        raise ValueError(f"no part {part!r} of {code}; {hint or there}")
    return code, parts.get(part.casefold(), "")


def _parts(country: str) -> dict[str, str]:
    """The parts of a country that have days of their own: code or name in small letters -> code."""
    aliases = holidays.country_holidays(country).get_subdivision_aliases()
    return {name.casefold(): code for code, names in aliases.items() for name in (code, *names)}


def parts_of(country: str) -> list[str]:
    """The codes of a country's parts."""
    return list(dict.fromkeys(_parts(country).values()))


def days_of(country: str, part: str, years: Iterable[int]) -> dict[date, str]:
    """Day -> name, in order."""
    found = holidays.country_holidays(country, subdiv=part or None, years=list(years))
    return dict(sorted(found.items()))


def _country_hint(written: str, known: Iterable[str]) -> str:
    """By its name, where one was written, else the codes that begin alike."""
    names = {module.replace("_", " "): codes[1] for module, codes in COUNTRIES.items()}
    names |= {codes[2].casefold(): codes[1] for codes in COUNTRIES.values()}
    if len(written) > 2 and (meant := suggest(written, names)):
        return f'did you mean "{names[meant.split(chr(34))[1]]}"?'
    alike = [code for code in sorted(known) if len(code) == 2 and code[:1] == written[:1].upper()]
    return f"there are: {', '.join(alike)}" if alike else "write an ISO code such as DE, or DE-BE for a part of it"
