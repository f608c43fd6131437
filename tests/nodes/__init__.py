"""Tests of several nodes on one PostgreSQL, and what breaks the link between them."""
