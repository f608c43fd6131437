"""A PostgreSQL for those who need a database and no more."""

from tests.support_postgres import postgres, postgres_cluster

__all__ = ["postgres", "postgres_cluster"]
