"""Talk to the service from a terminal: ``python talk.py NAME [THREAD]``; one line is one turn."""

import getpass
import json
import os
import sys

import httpx

URL = os.environ.get("SERVICE_URL", "http://127.0.0.1:8000")


def sign_in(service: httpx.Client, name: str) -> None:
    """Sign in, with a new account if there is none of this name."""
    password = os.environ.get("SERVICE_PASSWORD") or getpass.getpass()
    form = {"username": name, "password": password}
    made = service.post("/signup", json=form)
    if made.status_code not in {httpx.codes.CREATED, httpx.codes.CONFLICT}:
        sys.exit(made.text)
    answer = service.post("/token", data=form)
    if answer.is_error:
        sys.exit(answer.json()["detail"])
    service.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"


def say(service: httpx.Client, text: str, thread: str) -> None:
    """One turn: print the answer as it comes."""
    with service.stream("POST", "/chat", json={"text": text, "thread": thread}) as answer:
        answer.raise_for_status()
        event = ""
        for line in answer.iter_lines():
            name, _, value = line.partition(": ")
            if name == "event":
                event = value
            elif name == "data":
                print(json.loads(value), end="", flush=True)
    print()
    if event != "end":
        sys.exit(1)


def main(name: str, thread: str = "main") -> None:
    """Talk until the input ends."""
    with httpx.Client(base_url=URL, timeout=120) as service:
        sign_in(service, name)
        for line in filter(str.strip, sys.stdin):
            say(service, line.strip(), thread)


if len(sys.argv) not in {2, 3}:
    sys.exit(__doc__)
try:
    main(*sys.argv[1:])
except httpx.ConnectError:
    sys.exit(f"there is no service at {URL}: start it with uvicorn app:app")
