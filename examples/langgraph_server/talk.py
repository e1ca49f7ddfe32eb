"""One line to the running server, in a new thread: ``python talk.py TOKEN TEXT``."""

import asyncio
import os
import sys

import httpx
from langgraph_sdk import get_client
from langgraph_sdk.errors import AuthenticationError

URL = os.environ.get("LANGGRAPH_URL", "http://127.0.0.1:2024")


async def talk(token: str, text: str) -> None:
    """Print the answer as it comes."""
    async with get_client(url=URL, headers={"Authorization": f"Bearer {token}"}) as client:
        thread = await client.threads.create()
        run = client.runs.stream(
            thread["thread_id"],
            "bot",
            input={"messages": [{"role": "user", "content": text}]},
            stream_mode="messages-tuple",
        )
        async for part in run:
            if part.event == "messages":
                print(part.data[0]["content"], end="", flush=True)
            elif part.event == "error":
                sys.exit(str(part.data))
    print()


if len(sys.argv) != 3:
    sys.exit(__doc__)
try:
    asyncio.run(talk(*sys.argv[1:]))
except httpx.ConnectError:
    sys.exit(f"there is no server at {URL}: start it with langgraph dev")
except AuthenticationError as error:
    sys.exit(str(error))
