"""A comparison for people: one line for each change."""

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from storage.snapshot.compare import LEVEL, Compared, Measured
from storage.snapshot.diff import Diff
from storage.snapshot.manifest import Manifest
from tenth.snapshot.fail_on import FailOn
from tenth.terminal import visible

# A screen or two; --json has all.
MOST_LINES: Final = 200
# A file or a pipe has no width that a table would have to fit in.
ENDLESS_COLUMNS: Final = 1_000
NO_VALUE: Final = "\u2013"
_UNITS: Final = ((1e-6, 1e6, "ns"), (1e-3, 1e3, "\u00b5s"), (1.0, 1.0, "ms"), (1e3, 1e-3, "s"))
_COLOURS: Final = {"worse": "red", "better": "green", "gone": "red", "new": "cyan"}


def print_diff(found: Diff, least: Mapping[str, float], fail_on: FailOn, *, show_all: bool) -> None:
    """Prints changes of at least so much, or all measures, on standard output."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=ENDLESS_COLUMNS)
    console.print(_files(found.before, found.after))
    lines = [line for row in found.rows for line in _lines(row, least, fail_on, show_all=show_all)]
    if lines:
        table = Table()
        for title in ("service", "operation", "measure", "before", "after", "change", ""):
            table.add_column(title, justify="right" if title in _NUMERIC else "left")
        for line in lines[:MOST_LINES]:
            table.add_row(*line)
        console.print(table)
    if len(lines) > MOST_LINES:
        console.print(f"{len(lines) - MOST_LINES} more lines: --json has all")
    console.print(_summary(found, least))
    if fail_on.limits:
        failed = sum(fail_on.fails(m) for row in found.rows for m in row.measures)
        console.print(f"{failed} beyond --fail-on {fail_on}", style="red" if failed else "green")


_NUMERIC: Final = ("before", "after", "change")


def _files(before: Manifest, after: Manifest) -> Table:
    table = Table.grid(padding=(0, 2))
    for word, manifest in (("before", before), ("after", after)):
        table.add_row(
            word,
            Text(manifest.name),
            f"{_time(manifest.from_unix_nano)} \u2013 {_time(manifest.to_unix_nano)} UTC",
            f"{manifest.rows['spans']:,} spans",
        )
    return table


def _lines(
    row: Compared, least: Mapping[str, float], fail_on: FailOn, *, show_all: bool
) -> Iterator[tuple[Text, ...]]:
    service, name, kind = row.operation
    operation = "all spans" if name is None else f"{name} ({kind})"
    style = "bold" if name is None else ""
    for measure in row.measures:
        # Of what is new or gone there is only a rate to tell, and it is told however few it were.
        one_sided = row.state != "both" and measure.measure == "rate"
        changed = measure.changed(least)
        if not (changed or one_sided or show_all):
            continue
        worse = "worse" if measure.worse(least) else "better"
        verdict = row.state if one_sided else worse if changed else ""
        colour = _COLOURS.get(verdict, "")
        yield (
            Text(visible(service), style),
            Text(visible(operation), style),
            Text(measure.measure),
            Text(_value(measure, measure.before)),
            Text(_value(measure, measure.after)),
            Text(_change(measure), colour),
            Text(f"{verdict}, fails" if fail_on.fails(measure) else verdict, colour),
        )


def _summary(found: Diff, least: Mapping[str, float]) -> str:
    both = [measure for row in found.rows if row.state == "both" for measure in row.measures]
    worse = sum(measure.worse(least) for measure in both)
    better = sum(measure.changed(least) for measure in both) - worse
    operations = [row for row in found.rows if row.operation.name is not None]
    states = Counter(row.state for row in operations)
    left_out = f" ({found.left_out:,} rarer ones are left out)" if found.left_out else ""
    return (
        f"{_counted(len(operations), 'operation')}{left_out} and"
        f" {_counted(len(found.rows) - len(operations), 'service')} compared:"
        f" {worse} worse, {better} better, {states['gone']} gone, {states['new']} new."
        f"\nWorse or better is at least {FailOn(least)}, and what chance alone shows in one of"
        f" {1 / LEVEL:.0f} comparisons at most."
    )


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _value(measure: Measured, value: float) -> str:
    if math.isnan(value):
        return NO_VALUE
    if measure.measure == "rate":
        return f"{value:.3g}/s" if value < 1_000 else f"{value:,.0f}/s"
    return f"{value * 100:.3g} %" if measure.measure == "errors" else _duration(value)


def _duration(ms: float) -> str:
    factor, unit = next(
        ((factor, unit) for least, factor, unit in reversed(_UNITS) if abs(ms) >= least),
        (1e6, "ns"),
    )
    scaled = ms * factor
    return f"{scaled:.3g} {unit}" if abs(scaled) < 1_000 else f"{scaled:,.0f} {unit}"


def _change(measure: Measured) -> str:
    if not math.isfinite(measure.change):
        return ""
    points = measure.measure == "errors"
    return f"{measure.change * 100:+.{2 if points else 1}f} {'points' if points else '%'}"


def _time(unix_nano: int) -> str:
    return f"{datetime.fromtimestamp(unix_nano / 1e9, UTC):%Y-%m-%d %H:%M:%S}"
