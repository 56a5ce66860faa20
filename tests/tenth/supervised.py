"""A supervisor over small programs in place of the roles: `python -m ... FOLDER`.

Each program writes its process id to a file named after it, and appends its name
to `order` when it is asked to end.
"""

import asyncio
import os
import sys
from pathlib import Path

from tenth.roles import SUPERVISED
from tenth.supervisor import RoleProcess, Supervisor

PROGRAM = """
import os, signal, sys, threading
from pathlib import Path
from tenth.roles import watch_supervisor
name, folder, stubborn = sys.argv[1], Path(sys.argv[2]), sys.argv[3] == "stubborn"
ended = threading.Event()
def end(*_):
    with (folder / "order").open("a") as order:
        order.write(name + " ")
    if not stubborn:
        ended.set()
signal.signal(signal.SIGTERM, end)
signal.signal(signal.SIGINT, lambda *_: os._exit(3))
watch_supervisor()
pid = folder / (name + ".new")
pid.write_text(str(os.getpid()))
pid.rename(folder / name)
while not ended.wait(0.05):
    pass
"""


def main() -> None:
    """Supervises `first`, `second` and `third`; any may be stubborn."""
    folder, *stubborn = sys.argv[1:]
    roles = [
        RoleProcess(
            name,
            [
                *(sys.executable, "-c", PROGRAM, name, folder),
                "stubborn" if name in stubborn else "docile",
            ],
            {**os.environ, SUPERVISED: "1"},
        )
        for name in ("first", "second", "third")
    ]
    asyncio.run(Supervisor(roles).run())
    (Path(folder) / "done").touch()


if __name__ == "__main__":
    main()
