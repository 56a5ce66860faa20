"""A dashboard as its file has it: what may stand there, and its text. See docs/dashboards.md."""

import tomllib
from typing import Annotated, Any, Final

import msgspec
import tomli_w

VERSION: Final = 1
MAX_FILE_BYTES: Final = 128 * 1024
MAX_PANELS: Final = 48
MAX_NAME_LENGTH: Final = 100
MAX_TEXT_LENGTH: Final = 4_000
MAX_QUERY_LENGTH: Final = 16 * 1024
MAX_ALTERNATIVES: Final = 8
MAX_METRIC_LENGTH: Final = 512
# Dotted keys cost the TOML parser the square of their length.
MAX_DOTS_PER_LINE: Final = 100
SHOWS: Final = (
    *("last", "mean", "min", "max", "sum", "rate"),
    *("percentiles", "p50", "p95", "p99", "heatmap"),
)

Text = Annotated[str, msgspec.Meta(max_length=MAX_TEXT_LENGTH)]
Name = Annotated[str, msgspec.Meta(max_length=MAX_NAME_LENGTH)]
Word = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_METRIC_LENGTH)]
Step = Annotated[int, msgspec.Meta(ge=1, le=4)]


class InvalidDashboardError(Exception):
    """The text is not a dashboard; the message names the field and what is wrong with it."""


class Panel(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True
):
    """One field of the grid, which is four columns wide; `rows` are steps of its height."""

    title: Name = ""
    columns: Step = 2
    rows: Step = 2

    def __post_init__(self) -> None:
        """Raises ValueError, which msgspec reports with the panel's place."""
        _check_line("title", self.title)


class MetricPanel(Panel, frozen=True, tag_field="kind", tag="metric"):
    """A metric as a chart. Of `metrics`, the first one that there is: old and new names of one
    thing; of `group_by`, the first that its points have: `service` or `attribute:KEY`. `show`
    empty: what fits the metric's type; `service` empty: the one that the page is filtered by."""

    metrics: Annotated[list[Word], msgspec.Meta(min_length=1, max_length=MAX_ALTERNATIVES)]
    show: str = ""
    group_by: Annotated[list[Word], msgspec.Meta(max_length=MAX_ALTERNATIVES)] = []
    service: Annotated[str, msgspec.Meta(max_length=MAX_METRIC_LENGTH)] = ""

    def __post_init__(self) -> None:
        """Raises ValueError, which msgspec reports with the panel's place."""
        super().__post_init__()
        if self.show and self.show not in SHOWS:
            raise ValueError(f"`show` is one of {', '.join(SHOWS)}; or leave it out")
        for key in self.group_by:
            if key != "service" and not key.startswith("attribute:"):
                raise ValueError("`group_by` lists `service` or `attribute:KEY`")


class SqlPanel(Panel, frozen=True, tag_field="kind", tag="sql"):
    """A query with a column of times; `unit` is of its values, as in UCUM (`ms`, `By`, `1`).
    `zero`: a line is 0 where it has no row."""

    query: Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_QUERY_LENGTH)]
    unit: Annotated[str, msgspec.Meta(max_length=63)] = ""
    zero: bool = False


class TextPanel(Panel, frozen=True, tag_field="kind", tag="text"):
    """Words between charts."""

    text: Text = ""


class Dashboard(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """A named list of panels. `needs`: what must be sent to see something."""

    version: int
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_NAME_LENGTH)]
    description: Text = ""
    needs: Text = ""
    panels: Annotated[
        list[MetricPanel | SqlPanel | TextPanel], msgspec.Meta(max_length=MAX_PANELS)
    ] = []

    def __post_init__(self) -> None:
        """Raises ValueError, which msgspec reports."""
        if self.version != VERSION:
            raise ValueError(f"`version` is {self.version}; this Tenth knows {VERSION}")
        if not self.name.strip():
            raise ValueError("`name` is empty")
        _check_line("name", self.name)

    @property
    def metrics(self) -> list[str]:
        """All metrics that it can show, by name."""
        panels = (panel for panel in self.panels if isinstance(panel, MetricPanel))
        return sorted({name for panel in panels for name in panel.metrics})


def from_toml(content: bytes) -> Dashboard:
    """What a file says. Blocks for some ms: for a thread. Raises InvalidDashboardError."""
    if len(content) > MAX_FILE_BYTES:
        raise InvalidDashboardError(f"the file has more than {MAX_FILE_BYTES // 1024} KiB")
    for number, line in enumerate(content.splitlines(), 1):
        if line.count(b".") > MAX_DOTS_PER_LINE:
            raise InvalidDashboardError(
                f"line {number} has more than {MAX_DOTS_PER_LINE} dots; break it up"
            )
    try:
        members = tomllib.loads(content.decode("utf-8"))
    except RecursionError:
        raise InvalidDashboardError("it is not TOML: nested too deeply") from None
    except ValueError as error:
        raise InvalidDashboardError(f"it is not TOML: {error}") from error
    return _dashboard(members)


def from_json(content: bytes) -> Dashboard:
    """What a request says. Raises InvalidDashboardError."""
    try:
        return _dashboard(msgspec.json.decode(content, type=dict[str, Any]))
    except (msgspec.DecodeError, RecursionError) as error:
        raise InvalidDashboardError(f"it is not a JSON object: {error}") from error


def to_toml(dashboard: Dashboard) -> bytes:
    """The text of its file; queries keep their lines."""
    members = members_of(dashboard)
    # What a panel is called leads it.
    members["panels"] = [
        {key: panel[key] for key in ("kind", "title") if key in panel} | panel
        for panel in members.get("panels", [])
    ]
    return tomli_w.dumps(members, multiline_strings=True).encode()


def members_of(dashboard: Dashboard) -> dict[str, Any]:
    """The same as plain values; what has its default is left out."""
    members: dict[str, Any] = msgspec.to_builtins(dashboard)
    return members


def _dashboard(members: dict[str, Any]) -> Dashboard:
    try:
        return msgspec.convert(members, Dashboard)
    except msgspec.ValidationError as error:
        message, _, place = str(error).partition(" - at `$")
        field = place.strip("`").removeprefix(".")
        raise InvalidDashboardError(f"`{field}`: {message}" if field else message) from error


def _check_line(field: str, text: str) -> None:
    if not text.isprintable():
        raise ValueError(f"`{field}` is one line of printable characters")
