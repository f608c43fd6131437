"""One pagerd for a module."""

from collections.abc import Iterator

import pytest

from tests.cli.house import House, open_house


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with open_house(tmp_path_factory.mktemp("cli")) as opened:
        yield opened
