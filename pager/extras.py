"""Extras: packages that pager does without until the files or the settings ask for what they do."""

from collections.abc import Iterator
from importlib.util import find_spec

from msgspec import Struct

from pager.core.catalog import Catalog
from pager.settings import Settings


class Extra(Struct, frozen=True):
    """The module that `pip install 'pagerd[name]'` brings, and what asks for it: `source aws, which SNS signs`."""

    name: str
    module: str
    why: str

    @property
    def is_there(self) -> bool:
        """Whether it can be imported, by whoever runs this."""
        try:
            return find_spec(self.module) is not None
        except (ImportError, ValueError):
            return False


def extras_of(catalog: Catalog, settings: Settings) -> list[Extra]:
    """All that these files and settings need, in the order in which they matter."""
    return list(_needed(catalog, settings))


def missing(catalog: Catalog, settings: Settings) -> list[Extra]:
    """Those of them that are not installed."""
    return [extra for extra in extras_of(catalog, settings) if not extra.is_there]


def _needed(catalog: Catalog, settings: Settings) -> Iterator[Extra]:
    if settings.database.startswith("postgres"):
        yield Extra("postgres", "psycopg", "the database, which is PostgreSQL")
    for source in catalog.sources.values():
        if source.signed is not None and source.signed.by == "sns":
            yield Extra("sns", "cryptography", f"source {source.name}, whose messages SNS signs")
            break
    if settings.smtp_listen:
        yield Extra("mail", "aiosmtpd", "smtp_listen: mail comes in")
    if settings.oidc_issuer:
        yield Extra("oidc", "joserfc", "oidc_issuer: people sign in at a provider")
