"""A process that writes things without end and says of each, once it knows, whether it was stored."""

import asyncio
import json
import os
import sys

from pager.store import StoreUnavailable
from pager.store.database import Database
from tests.store.things import add, opened


def say(what: object) -> None:
    print(json.dumps(what), flush=True)


async def write(database: Database, task: int) -> None:
    number = 0
    while True:
        name = f"{os.getpid()}-{task}-{number}"
        try:
            await database.write(add(name))
            say((name, "stored"))
        except StoreUnavailable:
            say((name, "unavailable"))
        number += 1


async def main(path: str) -> None:
    async with opened(f"sqlite:///{path}") as database, asyncio.TaskGroup() as group:
        if "SAY_IMPORTS" in os.environ:
            say([name for name in ("alembic", "sqlalchemy", "psycopg") if name in sys.modules])
        for task in range(8):
            group.create_task(write(database, task))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
