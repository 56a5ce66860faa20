"""What the processes of Tenth write to standard error."""

import logging


def start_log(process: str, level: str) -> None:
    """Logs from `level` on, in lines that name the process."""
    logging.basicConfig(
        level=level.upper(), format=f"%(asctime)s {process} %(levelname)s %(name)s: %(message)s"
    )
    # The roles say themselves where they listen and when they stop.
    if level != "debug":
        logging.getLogger("uvicorn").setLevel(logging.WARNING)
