"""Crashes at named places: a process ends there without any cleaning up, as kill -9 would."""

import os
from collections.abc import Callable
from typing import Any

# What is called at a place, and whether the crash comes before or after it.
Place = tuple[Any, str, str]
EXIT_CODE = 9


def at_place(place: Place, count: int, crash: Callable[[], None] | None = None) -> None:
    """Have this process crash when it comes to the place for the `count`-th time."""
    owner, name, moment = place
    original: Callable[..., Any] = getattr(owner, name)
    end = crash or (lambda: os._exit(EXIT_CODE))
    left = count

    def wrapped(*arguments: Any, **named: Any) -> Any:
        nonlocal left
        left -= 1
        if left == 0 and moment == "before":
            end()
        result = original(*arguments, **named)
        if left == 0 and moment == "after":
            end()
        return result

    setattr(owner, name, wrapped)
