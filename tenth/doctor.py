"""`tenth doctor`: looks at this machine, the data folder and the running Tenth."""

import sys
from collections.abc import Iterator
from typing import Final

from tenth import __version__
from tenth.client import Client, QueryError
from tenth.configs import check
from tenth.data_dir import DataDir
from tenth.errors import UserError
from tenth.findings import Finding, as_json, has_problem, hint, ok, print_findings, problem
from tenth.machine import Owners, clock, data_folder, disk, port, sizes
from tenth.senders import senders
from tenth.settings import ENV_PREFIX, Settings, tokens

EXIT_PROBLEM: Final = 1


def show_findings(settings: Settings, *, in_json: bool) -> None:
    """Prints all findings; exits with 1 when one of them is a problem."""
    findings = list(examine(settings))
    if in_json:
        print(as_json(findings))
    else:
        print_findings(findings)
    if has_problem(findings):
        sys.exit(EXIT_PROBLEM)


def examine(settings: Settings) -> Iterator[Finding]:
    """Everything there is to say."""
    python = ".".join(map(str, sys.version_info[:3]))
    yield ok("version", f"Tenth {__version__} on Python {python}")
    yield _settings(settings)
    data = DataDir(settings.data)
    yield data_folder(data)
    yield disk(data, settings.min_free_disk)
    yield sizes(data, settings.max_journal, settings.max_disk)
    yield clock()
    owners = Owners.of(data)
    for name in ("otlp_grpc", "otlp_http", "ui"):
        yield port(f"--{name.replace('_', '-')}", getattr(settings, name), owners)
    yield from _running(settings, owners)


def _settings(settings: Settings) -> Finding:
    try:
        check(settings)
    except UserError as error:
        return problem("settings", "Tenth would not start with them", str(error))
    return ok("settings", "valid")


def _running(settings: Settings, owners: Owners) -> Iterator[Finding]:
    """What the Tenth at the page's address says of itself."""
    ui_tokens = tokens(settings.ui_token)
    url = f"http://{settings.ui.reachable}"
    with Client(url, ui_tokens[0] if ui_tokens else None) as client:
        try:
            readiness = client.readiness()
        except QueryError as error:
            yield _not_there(url, owners, str(error))
            return
        for role, state in readiness.items():
            yield _role(role, state["ready"], state.get("reason", ""))
        if not owners.pids:
            yield hint(
                "running",
                f"the Tenth at {url} keeps its data elsewhere",
                "run this with its --data to look at those",
            )
        try:
            book = client.stats()
        except QueryError as error:
            yield problem(
                "account book",
                str(error),
                f"set {ENV_PREFIX}UI_TOKEN to one of the tokens it was started with",
            )
            return
    if book["version"] != __version__:
        yield hint("version", f"the running one is {book['version']}", "restart it")
    for trouble in book["problems"]:
        yield problem(trouble["role"], trouble["text"], "see above and its log")
    yield from senders(book["exporters"])


def _not_there(url: str, owners: Owners, reason: str) -> Finding:
    if owners.pids:
        return problem("running", reason, "see its log, or run this with its --ui")
    return hint("running", f"no Tenth at {url}", "start one with tenth serve")


def _role(name: str, ready: bool, reason: str) -> Finding:
    if ready:
        return ok(name, "ready")
    return problem(name, f"not ready: {reason}", "see the log of tenth serve")
