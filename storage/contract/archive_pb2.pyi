from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class QueryRequest(_message.Message):
    __slots__ = ("query_id", "query", "params_json", "timeout_ms", "max_rows", "for_page")
    QUERY_ID_FIELD_NUMBER: _ClassVar[int]
    QUERY_FIELD_NUMBER: _ClassVar[int]
    PARAMS_JSON_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_MS_FIELD_NUMBER: _ClassVar[int]
    MAX_ROWS_FIELD_NUMBER: _ClassVar[int]
    FOR_PAGE_FIELD_NUMBER: _ClassVar[int]
    query_id: str
    query: str
    params_json: str
    timeout_ms: int
    max_rows: int
    for_page: bool
    def __init__(self, query_id: _Optional[str] = ..., query: _Optional[str] = ..., params_json: _Optional[str] = ..., timeout_ms: _Optional[int] = ..., max_rows: _Optional[int] = ..., for_page: _Optional[bool] = ...) -> None: ...

class QueryError(_message.Message):
    __slots__ = ("message", "hint", "offset", "line", "column")
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    HINT_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    LINE_FIELD_NUMBER: _ClassVar[int]
    COLUMN_FIELD_NUMBER: _ClassVar[int]
    message: str
    hint: str
    offset: int
    line: int
    column: int
    def __init__(self, message: _Optional[str] = ..., hint: _Optional[str] = ..., offset: _Optional[int] = ..., line: _Optional[int] = ..., column: _Optional[int] = ...) -> None: ...

class QueryChunk(_message.Message):
    __slots__ = ("arrow_ipc", "columns", "summary")
    ARROW_IPC_FIELD_NUMBER: _ClassVar[int]
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    SUMMARY_FIELD_NUMBER: _ClassVar[int]
    arrow_ipc: bytes
    columns: _containers.RepeatedCompositeFieldContainer[Column]
    summary: Summary
    def __init__(self, arrow_ipc: _Optional[bytes] = ..., columns: _Optional[_Iterable[_Union[Column, _Mapping]]] = ..., summary: _Optional[_Union[Summary, _Mapping]] = ...) -> None: ...

class Column(_message.Message):
    __slots__ = ("name", "type")
    NAME_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    name: str
    type: str
    def __init__(self, name: _Optional[str] = ..., type: _Optional[str] = ...) -> None: ...

class Summary(_message.Message):
    __slots__ = ("row_count", "truncated", "elapsed_ms")
    ROW_COUNT_FIELD_NUMBER: _ClassVar[int]
    TRUNCATED_FIELD_NUMBER: _ClassVar[int]
    ELAPSED_MS_FIELD_NUMBER: _ClassVar[int]
    row_count: int
    truncated: bool
    elapsed_ms: float
    def __init__(self, row_count: _Optional[int] = ..., truncated: _Optional[bool] = ..., elapsed_ms: _Optional[float] = ...) -> None: ...

class CancelRequest(_message.Message):
    __slots__ = ("query_id",)
    QUERY_ID_FIELD_NUMBER: _ClassVar[int]
    query_id: str
    def __init__(self, query_id: _Optional[str] = ...) -> None: ...

class CancelReply(_message.Message):
    __slots__ = ("found",)
    FOUND_FIELD_NUMBER: _ClassVar[int]
    found: bool
    def __init__(self, found: _Optional[bool] = ...) -> None: ...

class ProgressRequest(_message.Message):
    __slots__ = ("query_id",)
    QUERY_ID_FIELD_NUMBER: _ClassVar[int]
    query_id: str
    def __init__(self, query_id: _Optional[str] = ...) -> None: ...

class ProgressReply(_message.Message):
    __slots__ = ("found", "state", "elapsed_ms", "row_count", "progress")
    FOUND_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    ELAPSED_MS_FIELD_NUMBER: _ClassVar[int]
    ROW_COUNT_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    found: bool
    state: str
    elapsed_ms: float
    row_count: int
    progress: float
    def __init__(self, found: _Optional[bool] = ..., state: _Optional[str] = ..., elapsed_ms: _Optional[float] = ..., row_count: _Optional[int] = ..., progress: _Optional[float] = ...) -> None: ...

class StatsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class QueryPlaces(_message.Message):
    __slots__ = ("running", "waiting", "refused")
    class RefusedEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    RUNNING_FIELD_NUMBER: _ClassVar[int]
    WAITING_FIELD_NUMBER: _ClassVar[int]
    REFUSED_FIELD_NUMBER: _ClassVar[int]
    running: int
    waiting: int
    refused: _containers.ScalarMap[str, int]
    def __init__(self, running: _Optional[int] = ..., waiting: _Optional[int] = ..., refused: _Optional[_Mapping[str, int]] = ...) -> None: ...

class Restarts(_message.Message):
    __slots__ = ("count", "time_unix_nano", "reason", "query")
    COUNT_FIELD_NUMBER: _ClassVar[int]
    TIME_UNIX_NANO_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    QUERY_FIELD_NUMBER: _ClassVar[int]
    count: int
    time_unix_nano: int
    reason: str
    query: str
    def __init__(self, count: _Optional[int] = ..., time_unix_nano: _Optional[int] = ..., reason: _Optional[str] = ..., query: _Optional[str] = ...) -> None: ...

class TableStats(_message.Message):
    __slots__ = ("rows", "oldest_time_unix_nano", "newest_time_unix_nano")
    ROWS_FIELD_NUMBER: _ClassVar[int]
    OLDEST_TIME_UNIX_NANO_FIELD_NUMBER: _ClassVar[int]
    NEWEST_TIME_UNIX_NANO_FIELD_NUMBER: _ClassVar[int]
    rows: int
    oldest_time_unix_nano: int
    newest_time_unix_nano: int
    def __init__(self, rows: _Optional[int] = ..., oldest_time_unix_nano: _Optional[int] = ..., newest_time_unix_nano: _Optional[int] = ...) -> None: ...

class LatencySummary(_message.Message):
    __slots__ = ("count", "p50_ms", "p99_ms", "max_ms")
    COUNT_FIELD_NUMBER: _ClassVar[int]
    P50_MS_FIELD_NUMBER: _ClassVar[int]
    P99_MS_FIELD_NUMBER: _ClassVar[int]
    MAX_MS_FIELD_NUMBER: _ClassVar[int]
    count: int
    p50_ms: float
    p99_ms: float
    max_ms: float
    def __init__(self, count: _Optional[int] = ..., p50_ms: _Optional[float] = ..., p99_ms: _Optional[float] = ..., max_ms: _Optional[float] = ...) -> None: ...

class StatsReply(_message.Message):
    __slots__ = ("started_time_unix_nano", "tables", "archive_bytes", "lag_bytes", "lag_ms", "ack_to_archive", "commit", "checkpoint", "running_queries", "problems", "journal_faults", "archived_items", "tiers", "retention", "user_queries", "page_queries", "restarts", "snapshots")
    class TablesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: TableStats
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[TableStats, _Mapping]] = ...) -> None: ...
    class JournalFaultsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    class ArchivedItemsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    STARTED_TIME_UNIX_NANO_FIELD_NUMBER: _ClassVar[int]
    TABLES_FIELD_NUMBER: _ClassVar[int]
    ARCHIVE_BYTES_FIELD_NUMBER: _ClassVar[int]
    LAG_BYTES_FIELD_NUMBER: _ClassVar[int]
    LAG_MS_FIELD_NUMBER: _ClassVar[int]
    ACK_TO_ARCHIVE_FIELD_NUMBER: _ClassVar[int]
    COMMIT_FIELD_NUMBER: _ClassVar[int]
    CHECKPOINT_FIELD_NUMBER: _ClassVar[int]
    RUNNING_QUERIES_FIELD_NUMBER: _ClassVar[int]
    PROBLEMS_FIELD_NUMBER: _ClassVar[int]
    JOURNAL_FAULTS_FIELD_NUMBER: _ClassVar[int]
    ARCHIVED_ITEMS_FIELD_NUMBER: _ClassVar[int]
    TIERS_FIELD_NUMBER: _ClassVar[int]
    RETENTION_FIELD_NUMBER: _ClassVar[int]
    USER_QUERIES_FIELD_NUMBER: _ClassVar[int]
    PAGE_QUERIES_FIELD_NUMBER: _ClassVar[int]
    RESTARTS_FIELD_NUMBER: _ClassVar[int]
    SNAPSHOTS_FIELD_NUMBER: _ClassVar[int]
    started_time_unix_nano: int
    tables: _containers.MessageMap[str, TableStats]
    archive_bytes: int
    lag_bytes: int
    lag_ms: float
    ack_to_archive: LatencySummary
    commit: LatencySummary
    checkpoint: LatencySummary
    running_queries: int
    problems: _containers.RepeatedScalarFieldContainer[str]
    journal_faults: _containers.ScalarMap[str, int]
    archived_items: _containers.ScalarMap[str, int]
    tiers: _containers.RepeatedCompositeFieldContainer[TierStats]
    retention: RetentionStats
    user_queries: QueryPlaces
    page_queries: QueryPlaces
    restarts: Restarts
    snapshots: SnapshotStats
    def __init__(self, started_time_unix_nano: _Optional[int] = ..., tables: _Optional[_Mapping[str, TableStats]] = ..., archive_bytes: _Optional[int] = ..., lag_bytes: _Optional[int] = ..., lag_ms: _Optional[float] = ..., ack_to_archive: _Optional[_Union[LatencySummary, _Mapping]] = ..., commit: _Optional[_Union[LatencySummary, _Mapping]] = ..., checkpoint: _Optional[_Union[LatencySummary, _Mapping]] = ..., running_queries: _Optional[int] = ..., problems: _Optional[_Iterable[str]] = ..., journal_faults: _Optional[_Mapping[str, int]] = ..., archived_items: _Optional[_Mapping[str, int]] = ..., tiers: _Optional[_Iterable[_Union[TierStats, _Mapping]]] = ..., retention: _Optional[_Union[RetentionStats, _Mapping]] = ..., user_queries: _Optional[_Union[QueryPlaces, _Mapping]] = ..., page_queries: _Optional[_Union[QueryPlaces, _Mapping]] = ..., restarts: _Optional[_Union[Restarts, _Mapping]] = ..., snapshots: _Optional[_Union[SnapshotStats, _Mapping]] = ...) -> None: ...

class SnapshotStats(_message.Message):
    __slots__ = ("kept", "bytes", "made", "failed", "cancelled")
    KEPT_FIELD_NUMBER: _ClassVar[int]
    BYTES_FIELD_NUMBER: _ClassVar[int]
    MADE_FIELD_NUMBER: _ClassVar[int]
    FAILED_FIELD_NUMBER: _ClassVar[int]
    CANCELLED_FIELD_NUMBER: _ClassVar[int]
    kept: int
    bytes: int
    made: int
    failed: int
    cancelled: int
    def __init__(self, kept: _Optional[int] = ..., bytes: _Optional[int] = ..., made: _Optional[int] = ..., failed: _Optional[int] = ..., cancelled: _Optional[int] = ...) -> None: ...

class TierStats(_message.Message):
    __slots__ = ("resolution_ms", "rows", "oldest_time_unix_nano", "newest_time_unix_nano")
    RESOLUTION_MS_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    OLDEST_TIME_UNIX_NANO_FIELD_NUMBER: _ClassVar[int]
    NEWEST_TIME_UNIX_NANO_FIELD_NUMBER: _ClassVar[int]
    resolution_ms: int
    rows: int
    oldest_time_unix_nano: int
    newest_time_unix_nano: int
    def __init__(self, resolution_ms: _Optional[int] = ..., rows: _Optional[int] = ..., oldest_time_unix_nano: _Optional[int] = ..., newest_time_unix_nano: _Optional[int] = ...) -> None: ...

class RetentionStats(_message.Message):
    __slots__ = ("last_run_time_unix_nano", "deleted_rows", "freed_bytes", "used_bytes", "budget_bytes")
    class DeletedRowsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    LAST_RUN_TIME_UNIX_NANO_FIELD_NUMBER: _ClassVar[int]
    DELETED_ROWS_FIELD_NUMBER: _ClassVar[int]
    FREED_BYTES_FIELD_NUMBER: _ClassVar[int]
    USED_BYTES_FIELD_NUMBER: _ClassVar[int]
    BUDGET_BYTES_FIELD_NUMBER: _ClassVar[int]
    last_run_time_unix_nano: int
    deleted_rows: _containers.ScalarMap[str, int]
    freed_bytes: int
    used_bytes: int
    budget_bytes: int
    def __init__(self, last_run_time_unix_nano: _Optional[int] = ..., deleted_rows: _Optional[_Mapping[str, int]] = ..., freed_bytes: _Optional[int] = ..., used_bytes: _Optional[int] = ..., budget_bytes: _Optional[int] = ...) -> None: ...

class HistoryRequest(_message.Message):
    __slots__ = ("signal", "service_name", "name", "kind", "from_time_unix_nano", "to_time_unix_nano", "max_windows")
    SIGNAL_FIELD_NUMBER: _ClassVar[int]
    SERVICE_NAME_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    FROM_TIME_UNIX_NANO_FIELD_NUMBER: _ClassVar[int]
    TO_TIME_UNIX_NANO_FIELD_NUMBER: _ClassVar[int]
    MAX_WINDOWS_FIELD_NUMBER: _ClassVar[int]
    signal: str
    service_name: str
    name: str
    kind: str
    from_time_unix_nano: int
    to_time_unix_nano: int
    max_windows: int
    def __init__(self, signal: _Optional[str] = ..., service_name: _Optional[str] = ..., name: _Optional[str] = ..., kind: _Optional[str] = ..., from_time_unix_nano: _Optional[int] = ..., to_time_unix_nano: _Optional[int] = ..., max_windows: _Optional[int] = ...) -> None: ...

class HistorySeries(_message.Message):
    __slots__ = ("id", "service_name", "name", "kind", "unit", "temporality", "monotonic", "attributes")
    class AttributesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    ID_FIELD_NUMBER: _ClassVar[int]
    SERVICE_NAME_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    UNIT_FIELD_NUMBER: _ClassVar[int]
    TEMPORALITY_FIELD_NUMBER: _ClassVar[int]
    MONOTONIC_FIELD_NUMBER: _ClassVar[int]
    ATTRIBUTES_FIELD_NUMBER: _ClassVar[int]
    id: int
    service_name: str
    name: str
    kind: str
    unit: str
    temporality: str
    monotonic: bool
    attributes: _containers.ScalarMap[str, str]
    def __init__(self, id: _Optional[int] = ..., service_name: _Optional[str] = ..., name: _Optional[str] = ..., kind: _Optional[str] = ..., unit: _Optional[str] = ..., temporality: _Optional[str] = ..., monotonic: _Optional[bool] = ..., attributes: _Optional[_Mapping[str, str]] = ...) -> None: ...

class HistoryChunk(_message.Message):
    __slots__ = ("resolution_ms", "source", "series", "row_window", "row_series", "row_count", "row_sum", "row_min", "row_max", "row_last", "row_increase", "row_errors", "row_elapsed_s", "cell_row", "cell_lower", "cell_upper", "cell_count")
    RESOLUTION_MS_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    SERIES_FIELD_NUMBER: _ClassVar[int]
    ROW_WINDOW_FIELD_NUMBER: _ClassVar[int]
    ROW_SERIES_FIELD_NUMBER: _ClassVar[int]
    ROW_COUNT_FIELD_NUMBER: _ClassVar[int]
    ROW_SUM_FIELD_NUMBER: _ClassVar[int]
    ROW_MIN_FIELD_NUMBER: _ClassVar[int]
    ROW_MAX_FIELD_NUMBER: _ClassVar[int]
    ROW_LAST_FIELD_NUMBER: _ClassVar[int]
    ROW_INCREASE_FIELD_NUMBER: _ClassVar[int]
    ROW_ERRORS_FIELD_NUMBER: _ClassVar[int]
    ROW_ELAPSED_S_FIELD_NUMBER: _ClassVar[int]
    CELL_ROW_FIELD_NUMBER: _ClassVar[int]
    CELL_LOWER_FIELD_NUMBER: _ClassVar[int]
    CELL_UPPER_FIELD_NUMBER: _ClassVar[int]
    CELL_COUNT_FIELD_NUMBER: _ClassVar[int]
    resolution_ms: int
    source: str
    series: _containers.RepeatedCompositeFieldContainer[HistorySeries]
    row_window: bytes
    row_series: bytes
    row_count: bytes
    row_sum: bytes
    row_min: bytes
    row_max: bytes
    row_last: bytes
    row_increase: bytes
    row_errors: bytes
    row_elapsed_s: bytes
    cell_row: bytes
    cell_lower: bytes
    cell_upper: bytes
    cell_count: bytes
    def __init__(self, resolution_ms: _Optional[int] = ..., source: _Optional[str] = ..., series: _Optional[_Iterable[_Union[HistorySeries, _Mapping]]] = ..., row_window: _Optional[bytes] = ..., row_series: _Optional[bytes] = ..., row_count: _Optional[bytes] = ..., row_sum: _Optional[bytes] = ..., row_min: _Optional[bytes] = ..., row_max: _Optional[bytes] = ..., row_last: _Optional[bytes] = ..., row_increase: _Optional[bytes] = ..., row_errors: _Optional[bytes] = ..., row_elapsed_s: _Optional[bytes] = ..., cell_row: _Optional[bytes] = ..., cell_lower: _Optional[bytes] = ..., cell_upper: _Optional[bytes] = ..., cell_count: _Optional[bytes] = ...) -> None: ...

class MakeSnapshotRequest(_message.Message):
    __slots__ = ("name", "from_time_unix_nano", "to_time_unix_nano", "signals")
    NAME_FIELD_NUMBER: _ClassVar[int]
    FROM_TIME_UNIX_NANO_FIELD_NUMBER: _ClassVar[int]
    TO_TIME_UNIX_NANO_FIELD_NUMBER: _ClassVar[int]
    SIGNALS_FIELD_NUMBER: _ClassVar[int]
    name: str
    from_time_unix_nano: int
    to_time_unix_nano: int
    signals: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, name: _Optional[str] = ..., from_time_unix_nano: _Optional[int] = ..., to_time_unix_nano: _Optional[int] = ..., signals: _Optional[_Iterable[str]] = ...) -> None: ...

class ListSnapshotsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class SnapshotList(_message.Message):
    __slots__ = ("snapshots",)
    SNAPSHOTS_FIELD_NUMBER: _ClassVar[int]
    snapshots: _containers.RepeatedCompositeFieldContainer[Snapshot]
    def __init__(self, snapshots: _Optional[_Iterable[_Union[Snapshot, _Mapping]]] = ...) -> None: ...

class Snapshot(_message.Message):
    __slots__ = ("id", "state", "progress", "rows", "bytes", "error", "created_time_unix_nano", "from_time_unix_nano", "to_time_unix_nano", "signals")
    ID_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    BYTES_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    CREATED_TIME_UNIX_NANO_FIELD_NUMBER: _ClassVar[int]
    FROM_TIME_UNIX_NANO_FIELD_NUMBER: _ClassVar[int]
    TO_TIME_UNIX_NANO_FIELD_NUMBER: _ClassVar[int]
    SIGNALS_FIELD_NUMBER: _ClassVar[int]
    id: str
    state: str
    progress: float
    rows: int
    bytes: int
    error: str
    created_time_unix_nano: int
    from_time_unix_nano: int
    to_time_unix_nano: int
    signals: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, id: _Optional[str] = ..., state: _Optional[str] = ..., progress: _Optional[float] = ..., rows: _Optional[int] = ..., bytes: _Optional[int] = ..., error: _Optional[str] = ..., created_time_unix_nano: _Optional[int] = ..., from_time_unix_nano: _Optional[int] = ..., to_time_unix_nano: _Optional[int] = ..., signals: _Optional[_Iterable[str]] = ...) -> None: ...

class ReadSnapshotRequest(_message.Message):
    __slots__ = ("id", "offset", "length")
    ID_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    LENGTH_FIELD_NUMBER: _ClassVar[int]
    id: str
    offset: int
    length: int
    def __init__(self, id: _Optional[str] = ..., offset: _Optional[int] = ..., length: _Optional[int] = ...) -> None: ...

class SnapshotPiece(_message.Message):
    __slots__ = ("data",)
    DATA_FIELD_NUMBER: _ClassVar[int]
    data: bytes
    def __init__(self, data: _Optional[bytes] = ...) -> None: ...

class RemoveSnapshotRequest(_message.Message):
    __slots__ = ("id",)
    ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    def __init__(self, id: _Optional[str] = ...) -> None: ...

class RemoveSnapshotReply(_message.Message):
    __slots__ = ("found", "cancelled")
    FOUND_FIELD_NUMBER: _ClassVar[int]
    CANCELLED_FIELD_NUMBER: _ClassVar[int]
    found: bool
    cancelled: bool
    def __init__(self, found: _Optional[bool] = ..., cancelled: _Optional[bool] = ...) -> None: ...
