"""A look at the address for mail: whether it answers as one should."""

import asyncio

from pager.settings import parse_listen

PATIENCE = 3.0
_EVERY = {"0.0.0.0": "127.0.0.1", "::": "::1"}


async def why_deaf(listen: str) -> str:
    """What is wrong with the mail server at this address, "" if it greets."""
    host, port = parse_listen(listen)
    try:
        async with asyncio.timeout(PATIENCE):
            reader, writer = await asyncio.open_connection(_EVERY.get(host, host), port)
            try:
                said = (await reader.readline()).decode("ascii", "replace").strip()
                writer.write(b"QUIT\r\n")
                await writer.drain()
            finally:
                writer.close()
    except (OSError, TimeoutError, ValueError) as error:
        return f"{listen} does not answer: {getattr(error, 'strerror', '') or type(error).__name__}"
    return "" if said.startswith("220 ") else f"{listen} does not greet: {said[:100]!r}"
