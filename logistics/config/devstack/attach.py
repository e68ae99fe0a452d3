"""Give any manage.py command a database and a broker, without a word of set-up."""

from __future__ import annotations

import atexit
import os
import time

from logistics.config.devstack.commands import settings_module
from logistics.config.devstack.layout import Held, StackError, is_held, open_state
from logistics.config.devstack.services import Services, running_environment

_PATIENCE_SECONDS = 60.0


def ensure() -> None:
    """Complete `os.environ` so that Django can be set up.

    When DATABASE_URL is unset: use the services of the running demo, or start embedded ones over the demo's
    data, which end with this process. Production is left alone: its settings refuse to start without it.
    Raises `StackError` when neither works.
    """
    os.environ["DJANGO_SETTINGS_MODULE"] = settings_module(os.environ)
    if os.environ.get("DATABASE_URL") or os.environ.get("CARRYWELL_ENV") == "prod":
        return
    state = open_state("demo")
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        if is_held(state):
            if env := running_environment(state):
                break
        else:
            try:
                services = Services("demo", what="A manage.py command")
            except Held:
                continue
            atexit.register(_stop_in, os.getpid(), services)
            env = services.start()
            break
        if time.monotonic() > deadline:
            raise StackError(f"The demo in {state} is starting for over a minute. Look into {state / 'logs'}.")
        time.sleep(0.1)
    for name, value in env.items():
        os.environ.setdefault(name, value)


def _stop_in(pid: int, services: Services) -> None:
    if os.getpid() == pid:  # a forked copy of that process must not end what the original still uses
        services.stop()
