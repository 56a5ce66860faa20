"""Marks in the archive: found by SQL, and kept as long as the charts they explain."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from storage import retention
from storage.archive import Archive
from storage.config import DAY_S, StorageConfig
from storage.marks import MAX_TEXT_CHARS
from storage.retention import ages_s
from storage.schema import MARK_EVENT, Signal
from tests.storage.records import log_tables

Store = Callable[[Signal, Any], None]
Ask = Callable[..., list[dict[str, Any]]]
CONFIG = StorageConfig(Path("journal"), Path("archive"), "unix:none")


def mark(text: Any, time_ns: int, **attributes: Any) -> dict[str, Any]:
    """A log record that is a mark."""
    return {
        "event_name": MARK_EVENT,
        "time_unix_nano": time_ns,
        "body": text,
        "attributes": attributes,
    }


def delete(archive: Archive, now_ns: int) -> dict[str, int]:
    """What default retention deletes."""
    archive.plan_deletes(ages_s(CONFIG), now_ns, 0)
    deleted = {}
    while (step := archive.delete_some())[1]:
        deleted[step[0]] = step[1]
    return deleted


def test_query(store: Store, ask: Ask) -> None:
    """A log record with the event name of marks is a row of `marks`, and stays a log record."""
    now_ns = time.time_ns()
    records = (
        {"body": "plain", "time_unix_nano": now_ns},
        mark("deploy 42", now_ns, version="1.2", count=3),
        {"body": "other", "event_name": "deploy", "time_unix_nano": now_ns},
        mark({"a": 1}, now_ns + 1),
        mark("x" * 5_000, now_ns + 2),
        {"event_name": MARK_EVENT, "time_unix_nano": now_ns + 3},
    )
    store(Signal.LOGS, log_tables(*records, services=("cart",)))
    found = ask("SELECT time, text, service_name, attributes, resource FROM marks ORDER BY time")
    assert found[0] == {
        "time": now_ns,
        "text": "deploy 42",
        "service_name": "cart",
        "attributes": {"version": "1.2", "count": 3},
        "resource": {"service.name": "cart"},
    }
    assert [row["text"] for row in found[1:]] == ["{'a': 1}", "x" * MAX_TEXT_CHARS, ""]
    assert ask("SELECT count(*) AS n FROM logs") == [{"n": len(records)}]


def test_retention(archive: Archive, store: Store, ask: Ask) -> None:
    """Marks outlive the log records that they came as, and go with the coarsest rollups."""
    now_ns = time.time_ns()
    longest_s = max(CONFIG.retain_60s_s, CONFIG.retain_10s_s)
    for age_s in (longest_s + DAY_S, longest_s - DAY_S, 0):
        store(Signal.LOGS, log_tables(mark(f"{age_s:.0f}", now_ns - int(age_s * 1e9))))
    assert delete(archive, now_ns) == {"log_rows": 2, "mark_rows": 1}
    kept = ask("SELECT text FROM marks ORDER BY time")
    assert [row["text"] for row in kept] == [f"{longest_s - DAY_S:.0f}", "0"]


def test_bound(archive: Archive, store: Store, ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond so many marks the oldest go, however young they are."""
    monkeypatch.setattr(retention, "MAX_MARKS", 3)
    now_ns = time.time_ns()
    store(Signal.LOGS, log_tables(*(mark(str(n), now_ns + n) for n in range(5))))
    assert delete(archive, now_ns) == {"mark_rows": 2}
    assert [row["text"] for row in ask("SELECT text FROM marks ORDER BY time")] == ["2", "3", "4"]


def test_bound_at_the_end_of_time(
    archive: Archive, store: Store, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Marks at the last time there is, however many, hold up no deletes."""
    monkeypatch.setattr(retention, "MAX_MARKS", 3)
    now_ns = time.time_ns()
    records = [mark("now", now_ns), *(mark("end", 2**63 - 1) for _ in range(5))]
    store(Signal.LOGS, log_tables(*records))
    assert delete(archive, now_ns) == {"mark_rows": 1}
    assert ask("SELECT DISTINCT text FROM marks") == [{"text": "end"}]
