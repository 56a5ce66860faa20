"""A minute of a shop with all signals, whose names and texts are as hostile as telemetry can be."""

from pathlib import Path
from typing import Any, Final

from storage.schema import MetricType, Signal, Tables
from tests.storage.loads import Load, load_tables, snapshot_of_tables
from tests.storage.records import SECOND_NS, TIME_NS, log_tables, metric_tables

HOSTILE_SERVICE: Final = "</script><script>window.owned = 1</script>"
HOSTILE_OPERATION: Final = "<img src=x onerror='window.owned = 2'>"
HOSTILE_BODY: Final = "</title><!--<script>\u2028window.owned = 3 __DATA__ __TITLE__ &lt;"
HOSTILE_MARK: Final = "deployed <b onmouseover='window.owned = 4'>2.0</b>"
SECONDS: Final = 60
CUMULATIVE: Final = 2


def shop_snapshot(folder: Path) -> Path:
    """The snapshot `shop.tenth`."""
    calm = (Load("GET /", 500, 5.0), Load("POST /order", 300, 40.0, errors=0.1))
    hostile = (Load(HOSTILE_OPERATION, 50, errors=0.5),)
    return snapshot_of_tables(
        folder,
        "shop",
        (Signal.SPANS, load_tables("calm", *calm)),
        (Signal.SPANS, load_tables("hostile", *hostile, service=HOSTILE_SERVICE)),
        (Signal.LOGS, _logs()),
        (Signal.METRICS, _gauge("queue.size", "shop", lambda second: second % 7)),
        (Signal.METRICS, _gauge("system.cpu.utilization", "tenth", lambda second: second / 100)),
        (Signal.METRICS, _orders()),
        (Signal.METRICS, _durations()),
    )


def _logs() -> Tables:
    records = [
        {
            "time_unix_nano": TIME_NS + second * SECOND_NS,
            "severity_number": 17 if second % 10 == 0 else 9,
            "body": HOSTILE_BODY if second % 10 == 0 else "fine",
        }
        for second in range(SECONDS)
    ]
    mark = {
        "time_unix_nano": TIME_NS + 30 * SECOND_NS,
        "event_name": "tenth.mark",
        "body": HOSTILE_MARK,
    }
    return log_tables(*records, mark, services=("shop",))


def _gauge(name: str, service: str, value: Any) -> Tables:
    points = [
        {"time_unix_nano": TIME_NS + second * SECOND_NS, "as_double": float(value(second))}
        for second in range(SECONDS)
    ]
    return metric_tables(MetricType.GAUGE, *points, name=name, services=(service,))


def _orders() -> Tables:
    points = [
        {
            "start_time_unix_nano": TIME_NS - SECOND_NS,
            "time_unix_nano": TIME_NS + second * SECOND_NS,
            "as_int": 3 * second,
        }
        for second in range(SECONDS)
    ]
    return metric_tables(
        MetricType.SUM,
        *points,
        name="orders",
        unit="{order}",
        temporality=CUMULATIVE,
        monotonic=True,
    )


def _durations() -> Tables:
    points = [
        {
            "start_time_unix_nano": TIME_NS - SECOND_NS,
            "time_unix_nano": TIME_NS + second * SECOND_NS,
            "count": 6 * (second + 1),
            "sum": 9.0 * (second + 1),
            "explicit_bounds": [0.1, 0.5, 1.0],
            "bucket_counts": [second + 1, 2 * (second + 1), 2 * (second + 1), second + 1],
        }
        for second in range(SECONDS)
    ]
    return metric_tables(
        MetricType.HISTOGRAM, *points, name="duration", unit="s", temporality=CUMULATIVE
    )
