from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Signal(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SIGNAL_UNSPECIFIED: _ClassVar[Signal]
    SIGNAL_SPANS: _ClassVar[Signal]
    SIGNAL_LOGS: _ClassVar[Signal]
    SIGNAL_METRICS: _ClassVar[Signal]
SIGNAL_UNSPECIFIED: Signal
SIGNAL_SPANS: Signal
SIGNAL_LOGS: Signal
SIGNAL_METRICS: Signal

class SubscribeRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Series(_message.Message):
    __slots__ = ("id", "signal", "service_name", "name", "kind", "unit", "temporality", "monotonic", "attributes")
    class AttributesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    ID_FIELD_NUMBER: _ClassVar[int]
    SIGNAL_FIELD_NUMBER: _ClassVar[int]
    SERVICE_NAME_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    UNIT_FIELD_NUMBER: _ClassVar[int]
    TEMPORALITY_FIELD_NUMBER: _ClassVar[int]
    MONOTONIC_FIELD_NUMBER: _ClassVar[int]
    ATTRIBUTES_FIELD_NUMBER: _ClassVar[int]
    id: int
    signal: Signal
    service_name: str
    name: str
    kind: str
    unit: str
    temporality: str
    monotonic: bool
    attributes: _containers.ScalarMap[str, str]
    def __init__(self, id: _Optional[int] = ..., signal: _Optional[_Union[Signal, str]] = ..., service_name: _Optional[str] = ..., name: _Optional[str] = ..., kind: _Optional[str] = ..., unit: _Optional[str] = ..., temporality: _Optional[str] = ..., monotonic: _Optional[bool] = ..., attributes: _Optional[_Mapping[str, str]] = ...) -> None: ...

class Update(_message.Message):
    __slots__ = ("epoch", "sequence", "history", "history_complete", "sent_time_unix_nano", "newest_event_time_unix_nano", "arrival_time_unix_nano", "oldest_window", "series", "row_window", "row_series", "row_count", "row_sum", "row_min", "row_max", "row_last", "row_increase", "row_errors", "row_elapsed_s", "cell_row", "cell_lower", "cell_upper", "cell_count")
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    HISTORY_FIELD_NUMBER: _ClassVar[int]
    HISTORY_COMPLETE_FIELD_NUMBER: _ClassVar[int]
    SENT_TIME_UNIX_NANO_FIELD_NUMBER: _ClassVar[int]
    NEWEST_EVENT_TIME_UNIX_NANO_FIELD_NUMBER: _ClassVar[int]
    ARRIVAL_TIME_UNIX_NANO_FIELD_NUMBER: _ClassVar[int]
    OLDEST_WINDOW_FIELD_NUMBER: _ClassVar[int]
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
    epoch: int
    sequence: int
    history: bool
    history_complete: bool
    sent_time_unix_nano: int
    newest_event_time_unix_nano: int
    arrival_time_unix_nano: int
    oldest_window: int
    series: _containers.RepeatedCompositeFieldContainer[Series]
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
    def __init__(self, epoch: _Optional[int] = ..., sequence: _Optional[int] = ..., history: _Optional[bool] = ..., history_complete: _Optional[bool] = ..., sent_time_unix_nano: _Optional[int] = ..., newest_event_time_unix_nano: _Optional[int] = ..., arrival_time_unix_nano: _Optional[int] = ..., oldest_window: _Optional[int] = ..., series: _Optional[_Iterable[_Union[Series, _Mapping]]] = ..., row_window: _Optional[bytes] = ..., row_series: _Optional[bytes] = ..., row_count: _Optional[bytes] = ..., row_sum: _Optional[bytes] = ..., row_min: _Optional[bytes] = ..., row_max: _Optional[bytes] = ..., row_last: _Optional[bytes] = ..., row_increase: _Optional[bytes] = ..., row_errors: _Optional[bytes] = ..., row_elapsed_s: _Optional[bytes] = ..., cell_row: _Optional[bytes] = ..., cell_lower: _Optional[bytes] = ..., cell_upper: _Optional[bytes] = ..., cell_count: _Optional[bytes] = ...) -> None: ...

class MarkRequest(_message.Message):
    __slots__ = ("text", "time_unix_nano", "service_name", "attributes")
    class AttributesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: MarkValue
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[MarkValue, _Mapping]] = ...) -> None: ...
    TEXT_FIELD_NUMBER: _ClassVar[int]
    TIME_UNIX_NANO_FIELD_NUMBER: _ClassVar[int]
    SERVICE_NAME_FIELD_NUMBER: _ClassVar[int]
    ATTRIBUTES_FIELD_NUMBER: _ClassVar[int]
    text: str
    time_unix_nano: int
    service_name: str
    attributes: _containers.MessageMap[str, MarkValue]
    def __init__(self, text: _Optional[str] = ..., time_unix_nano: _Optional[int] = ..., service_name: _Optional[str] = ..., attributes: _Optional[_Mapping[str, MarkValue]] = ...) -> None: ...

class MarkValue(_message.Message):
    __slots__ = ("string_value", "bool_value", "int_value", "double_value")
    STRING_VALUE_FIELD_NUMBER: _ClassVar[int]
    BOOL_VALUE_FIELD_NUMBER: _ClassVar[int]
    INT_VALUE_FIELD_NUMBER: _ClassVar[int]
    DOUBLE_VALUE_FIELD_NUMBER: _ClassVar[int]
    string_value: str
    bool_value: bool
    int_value: int
    double_value: float
    def __init__(self, string_value: _Optional[str] = ..., bool_value: _Optional[bool] = ..., int_value: _Optional[int] = ..., double_value: _Optional[float] = ...) -> None: ...

class MarkReply(_message.Message):
    __slots__ = ("time_unix_nano", "service_name")
    TIME_UNIX_NANO_FIELD_NUMBER: _ClassVar[int]
    SERVICE_NAME_FIELD_NUMBER: _ClassVar[int]
    time_unix_nano: int
    service_name: str
    def __init__(self, time_unix_nano: _Optional[int] = ..., service_name: _Optional[str] = ...) -> None: ...

class StatsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class SignalAccount(_message.Message):
    __slots__ = ("received_items", "accepted_items", "rejected_items", "late_items", "ahead_items", "received_requests", "refused_requests")
    class RejectedItemsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    class RefusedRequestsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    RECEIVED_ITEMS_FIELD_NUMBER: _ClassVar[int]
    ACCEPTED_ITEMS_FIELD_NUMBER: _ClassVar[int]
    REJECTED_ITEMS_FIELD_NUMBER: _ClassVar[int]
    LATE_ITEMS_FIELD_NUMBER: _ClassVar[int]
    AHEAD_ITEMS_FIELD_NUMBER: _ClassVar[int]
    RECEIVED_REQUESTS_FIELD_NUMBER: _ClassVar[int]
    REFUSED_REQUESTS_FIELD_NUMBER: _ClassVar[int]
    received_items: int
    accepted_items: int
    rejected_items: _containers.ScalarMap[str, int]
    late_items: int
    ahead_items: int
    received_requests: int
    refused_requests: _containers.ScalarMap[str, int]
    def __init__(self, received_items: _Optional[int] = ..., accepted_items: _Optional[int] = ..., rejected_items: _Optional[_Mapping[str, int]] = ..., late_items: _Optional[int] = ..., ahead_items: _Optional[int] = ..., received_requests: _Optional[int] = ..., refused_requests: _Optional[_Mapping[str, int]] = ...) -> None: ...

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

class Exporter(_message.Message):
    __slots__ = ("service_name", "sdk_language", "sdk_version", "signal", "transport", "last_batch_time_unix_nano", "last_batch_items", "interval_s", "clock_offset_ms", "accepted_items", "rejected_items")
    SERVICE_NAME_FIELD_NUMBER: _ClassVar[int]
    SDK_LANGUAGE_FIELD_NUMBER: _ClassVar[int]
    SDK_VERSION_FIELD_NUMBER: _ClassVar[int]
    SIGNAL_FIELD_NUMBER: _ClassVar[int]
    TRANSPORT_FIELD_NUMBER: _ClassVar[int]
    LAST_BATCH_TIME_UNIX_NANO_FIELD_NUMBER: _ClassVar[int]
    LAST_BATCH_ITEMS_FIELD_NUMBER: _ClassVar[int]
    INTERVAL_S_FIELD_NUMBER: _ClassVar[int]
    CLOCK_OFFSET_MS_FIELD_NUMBER: _ClassVar[int]
    ACCEPTED_ITEMS_FIELD_NUMBER: _ClassVar[int]
    REJECTED_ITEMS_FIELD_NUMBER: _ClassVar[int]
    service_name: str
    sdk_language: str
    sdk_version: str
    signal: str
    transport: str
    last_batch_time_unix_nano: int
    last_batch_items: int
    interval_s: float
    clock_offset_ms: float
    accepted_items: int
    rejected_items: int
    def __init__(self, service_name: _Optional[str] = ..., sdk_language: _Optional[str] = ..., sdk_version: _Optional[str] = ..., signal: _Optional[str] = ..., transport: _Optional[str] = ..., last_batch_time_unix_nano: _Optional[int] = ..., last_batch_items: _Optional[int] = ..., interval_s: _Optional[float] = ..., clock_offset_ms: _Optional[float] = ..., accepted_items: _Optional[int] = ..., rejected_items: _Optional[int] = ...) -> None: ...

class StatsReply(_message.Message):
    __slots__ = ("started_time_unix_nano", "signals", "journal_bytes", "journal_segments", "inflight_bytes", "ring_series", "ring_rows", "ring_bytes", "overflow_items", "receive_to_ack", "event_to_ack", "exporters", "problems", "journal_faults")
    class SignalsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: SignalAccount
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[SignalAccount, _Mapping]] = ...) -> None: ...
    class JournalFaultsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    STARTED_TIME_UNIX_NANO_FIELD_NUMBER: _ClassVar[int]
    SIGNALS_FIELD_NUMBER: _ClassVar[int]
    JOURNAL_BYTES_FIELD_NUMBER: _ClassVar[int]
    JOURNAL_SEGMENTS_FIELD_NUMBER: _ClassVar[int]
    INFLIGHT_BYTES_FIELD_NUMBER: _ClassVar[int]
    RING_SERIES_FIELD_NUMBER: _ClassVar[int]
    RING_ROWS_FIELD_NUMBER: _ClassVar[int]
    RING_BYTES_FIELD_NUMBER: _ClassVar[int]
    OVERFLOW_ITEMS_FIELD_NUMBER: _ClassVar[int]
    RECEIVE_TO_ACK_FIELD_NUMBER: _ClassVar[int]
    EVENT_TO_ACK_FIELD_NUMBER: _ClassVar[int]
    EXPORTERS_FIELD_NUMBER: _ClassVar[int]
    PROBLEMS_FIELD_NUMBER: _ClassVar[int]
    JOURNAL_FAULTS_FIELD_NUMBER: _ClassVar[int]
    started_time_unix_nano: int
    signals: _containers.MessageMap[str, SignalAccount]
    journal_bytes: int
    journal_segments: int
    inflight_bytes: int
    ring_series: int
    ring_rows: int
    ring_bytes: int
    overflow_items: int
    receive_to_ack: LatencySummary
    event_to_ack: LatencySummary
    exporters: _containers.RepeatedCompositeFieldContainer[Exporter]
    problems: _containers.RepeatedScalarFieldContainer[str]
    journal_faults: _containers.ScalarMap[str, int]
    def __init__(self, started_time_unix_nano: _Optional[int] = ..., signals: _Optional[_Mapping[str, SignalAccount]] = ..., journal_bytes: _Optional[int] = ..., journal_segments: _Optional[int] = ..., inflight_bytes: _Optional[int] = ..., ring_series: _Optional[int] = ..., ring_rows: _Optional[int] = ..., ring_bytes: _Optional[int] = ..., overflow_items: _Optional[int] = ..., receive_to_ack: _Optional[_Union[LatencySummary, _Mapping]] = ..., event_to_ack: _Optional[_Union[LatencySummary, _Mapping]] = ..., exporters: _Optional[_Iterable[_Union[Exporter, _Mapping]]] = ..., problems: _Optional[_Iterable[str]] = ..., journal_faults: _Optional[_Mapping[str, int]] = ...) -> None: ...
