"""Contacts of others as ours: mail goes over as it is, the rest as comments that say what to fill in."""

import re
from urllib.parse import quote

from pager.core.contact_url import check_url
from pager.core.importing.model import Contact

_MAIL = re.compile(r"[^@\s,;]+@[^@\s,;]+\.[^@\s,;]+")


def mail(address: str) -> Contact:
    """Mail through the server that the secret SMTP names; an address that cannot be one becomes a comment."""
    url = f"mailtos://${{SMTP}}?to={quote(address, safe='@.')}"
    if not _MAIL.fullmatch(address) or check_url(url):
        return Contact("mail", "", f'"mailtos://${{SMTP}}?to=..." (was {address})')
    return Contact("mail", url)


def phone(key: str, number: str) -> Contact:
    """A text message (`sms`) or a call (`call`) to a number, which may have spaces, dashes and brackets."""
    plain = re.sub(r"[^\d+]", "", number)
    plain = plain if plain.startswith("+") or not plain else f"+{plain}"
    method = "?method=call" if key == "call" else ""
    return Contact(key, "", f'"twilio://${{TWILIO}}/{plain}{method}" (needs an account that sends; see Apprise)')


def push(person: str) -> Contact:
    """The old system's own app, which ntfy can stand in for."""
    return Contact("push", "", f'"ntfys://${{{person}_NTFY}}" (was the app; install ntfy, its topic is the secret)')


def other(key: str, what: str) -> Contact:
    return Contact(key, "", f"was {what}: write an Apprise URL")


def unique(contacts: list[Contact]) -> tuple[Contact, ...]:
    """Each once, mail first, since it is the one that works at once."""
    return tuple(sorted(dict.fromkeys(contacts), key=lambda contact: not contact.url))
