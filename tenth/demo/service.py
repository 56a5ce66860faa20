"""One shop service as a process: `python -m tenth.demo.service NAME SOCKET URLS`.

It says when it is open, serves until its standard input ends, and then says how
many spans it got rid of.
"""

import asyncio
import json
import os
import socket
import sys
import threading
import time
from typing import Final

import uvicorn
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor

from tenth.demo import telemetry
from tenth.demo.services import service

_MAX_STOP_S: Final = 30.0


def main() -> None:
    """Serves on the inherited listening socket whose number is the second argument."""
    name, descriptor, urls = sys.argv[1], int(sys.argv[2]), json.loads(sys.argv[3])
    sent = telemetry.start(f"shop-{name}")
    HTTPXClientInstrumentor().instrument()
    app = telemetry.instrumented(service(name, urls, opened=_say_open))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="on"))
    threading.Thread(target=_stop_at_end_of_input, args=(server,), daemon=True).start()
    asyncio.run(server.serve(sockets=[socket.socket(fileno=descriptor)]))
    print(json.dumps({"service": f"shop-{name}", "spans": sent.shutdown()}), flush=True)


def _say_open() -> None:
    print("open", flush=True)


def _stop_at_end_of_input(server: uvicorn.Server) -> None:
    while os.read(sys.stdin.fileno(), 1):
        pass
    server.should_exit = True
    # Whoever opened the shop may be dead, and an exporter or a connection may hang on.
    time.sleep(_MAX_STOP_S)
    os._exit(1)


if __name__ == "__main__":
    main()
