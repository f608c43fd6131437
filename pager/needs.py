"""What the files need from outside: secrets by name, and contacts that can be sent to once these are filled in."""

import re
from collections.abc import Container, Iterator, Mapping

from pager.core.catalog import CHANNEL, Catalog
from pager.core.contact_url import check_url, placeholders
from pager.problems import Problem
from pager.secrets import MissingSecret, Secrets

REFUSED, STILL_MISSING = "E120", "W209"


def secrets_of(catalog: Catalog) -> dict[str, str]:
    """The names of all secrets, each with what needs it first: `contact push of ana`, `source prom-eu`."""
    needed: dict[str, str] = {}
    for who, contact, url in _contacts(catalog):
        for name in placeholders(url):
            needed.setdefault(name, f"contact {contact} of {who}" if contact else who)
    for source in catalog.sources.values():
        if source.token:
            needed.setdefault(source.token, f"source {source.name}")
        for name in source.signed.secret if source.signed else ():
            needed.setdefault(name, f"the signature of source {source.name}")
    for webhook in catalog.webhooks.values():
        for name in (*placeholders(webhook.url), *webhook.secret):
            needed.setdefault(name, f"webhook {webhook.name}")
    return needed


def missing_secrets(catalog: Catalog, known: Container[str]) -> dict[str, str]:
    """Those of `secrets_of` that are not in `known`."""
    return {name: what for name, what in secrets_of(catalog).items() if name not in known}


def find_missing(
    catalog: Catalog, texts: Mapping[str, str], known: Container[str], tolerated: Container[str] = ()
) -> Iterator[Problem]:
    """A problem for each secret that is not there, at its first place in `texts`: an error, or a warning if tolerated.

    What was missing already is tolerated: the files that are in force are no better.
    """
    for name, what in missing_secrets(catalog, known).items():
        file, line, column, snippet = _place(name, texts)
        said = f"the secret {name} is not there: {what} cannot be used"
        hint = "set it in the environment, or in a file of the credentials folder or /run/secrets"
        if name in tolerated:
            yield Problem(file, line, column, STILL_MISSING, said, "warn", snippet, hint)
        else:
            yield Problem(file, line, column, REFUSED, said, "error", snippet, hint)


def unusable_contacts(catalog: Catalog, secrets: Secrets) -> list[str]:
    """Contacts that nothing can be sent to now, each with the reason and never with its URL; and people without any."""
    found = [f"{name} has no contact" for name, person in catalog.people.items() if not person.contacts]
    for who, contact, url in _contacts(catalog):
        try:
            wrong = check_url(secrets.fill(url))
        except MissingSecret as error:
            wrong = [f"the secret {error.name} is not there"]
        found += [f"{who}{f' {contact}' if contact else ''}: {reason}" for reason in wrong]
    return found


def _contacts(catalog: Catalog) -> Iterator[tuple[str, str, str]]:
    for name, person in catalog.people.items():
        for contact, url in person.contacts.items():
            yield name, contact, url
    for name, url in catalog.channels.items():
        yield CHANNEL + name, "", url


def _place(name: str, texts: Mapping[str, str]) -> tuple[str, int, int, str]:
    """File, line, column and spelling of the first `${NAME}` or `token: NAME` outside of comments."""
    wanted = re.compile(rf"\$\{{{name}\}}|\b(?:token|secret):\s*(?:\[[^\]]*?)?[\"']?{name}\b")
    for file, text in texts.items():
        for number, line in enumerate(text.splitlines(), 1):
            found = wanted.search(line)
            if found and not line.lstrip().startswith("#"):
                return file, number, found.start() + 1, found[0]
    return next(iter(texts), "rules"), 1, 1, ""
