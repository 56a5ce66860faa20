// Sends the telemetry of ../telemetry.py: node client.mjs json|protobuf. The exporters take their
// endpoint and compression from OTEL_EXPORTER_OTLP_*.
import {
  DiagConsoleLogger,
  DiagLogLevel,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  ValueType,
  createTraceState,
  diag,
  trace,
} from "@opentelemetry/api";
import * as logsJson from "@opentelemetry/exporter-logs-otlp-http";
import * as logsProtobuf from "@opentelemetry/exporter-logs-otlp-proto";
import * as metricsJson from "@opentelemetry/exporter-metrics-otlp-http";
import * as metricsProtobuf from "@opentelemetry/exporter-metrics-otlp-proto";
import * as tracesJson from "@opentelemetry/exporter-trace-otlp-http";
import * as tracesProtobuf from "@opentelemetry/exporter-trace-otlp-proto";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { BatchLogRecordProcessor, LoggerProvider } from "@opentelemetry/sdk-logs";
import {
  AggregationType,
  MeterProvider,
  PeriodicExportingMetricReader,
  createAllowListAttributesProcessor,
} from "@opentelemetry/sdk-metrics";
import { BatchSpanProcessor, TracerProvider } from "@opentelemetry/sdk-trace";

const exporters = {
  json: { traces: tracesJson, metrics: metricsJson, logs: logsJson },
  protobuf: { traces: tracesProtobuf, metrics: metricsProtobuf, logs: logsProtobuf },
}[process.argv[2]];

const simple = {
  string: "Grüße 世界 ☕",
  "string.empty": "",
  bool: true,
  "bool.false": false,
  int: -42,
  "int.zero": 0,
  "int.large": Number.MAX_SAFE_INTEGER,
  double: 0.1,
  strings: ["a", ""],
  bools: [true, false],
  ints: [1, -2, 0],
  doubles: [0.5, -1.25],
  "strings.empty": [],
};
const complex = {
  bytes: Uint8Array.of(0x00, 0xff, 0x80),
  map: { inner: { list: [1, "two", false] } },
  mixed: ["one", 2, 0.5, true],
};
const values = { ...simple, ...complex, "double.infinity": Infinity };
const attributeLimit = 20;
// More attributes than the limit, of which the first are kept.
const crowd = Array.from({ length: attributeLimit + 3 }, (_, i) => [
  `key.${String(i).padStart(2, "0")}`,
  i,
]);

const resource = resourceFromAttributes(
  { "service.name": "checkout", ...simple },
  { schemaUrl: "https://opentelemetry.io/schemas/1.37.0" },
);
const scopeSchemaUrl = "https://opentelemetry.io/schemas/1.36.0";
const scope = ["shop", "1.2.3"];
const at = (nanoseconds, seconds = 0) => [1_700_000_000 + seconds, 123_456_789 + nanoseconds];

const remote = {
  traceId: "0af7651916cd43dd8448eb211c80319c",
  spanId: "b7ad6b7169203331",
  traceFlags: 1,
  isRemote: true,
  traceState: createTraceState("vendor=a1,other=b2"),
};

function sendSpans(tracer) {
  let started = 0;
  const start = (name, kind, parent, options = {}) =>
    tracer.startSpan(name, { kind, startTime: at(10 * started++), ...options }, parent);
  const end = (span, number) => span.end(at(10 * (number - 1) + number, number));

  const inRemote = trace.setSpanContext(ROOT_CONTEXT, remote);
  const checkout = start("POST /checkout", SpanKind.SERVER, inRemote, { attributes: values });
  checkout.addEvent("retry", {}, at(1));
  checkout.addEvent("failed", simple, at(2));
  checkout.setStatus({ code: SpanStatusCode.ERROR, message: "card refused" });
  const inCheckout = trace.setSpan(ROOT_CONTEXT, checkout);

  const charge = start("charge", SpanKind.CLIENT, inCheckout);
  charge.setStatus({ code: SpanStatusCode.OK });
  const publish = start("orders publish", SpanKind.PRODUCER, inCheckout);

  const toPublish = { context: publish.spanContext() };
  const links = [{ context: remote, attributes: simple }, toPublish];
  const process = start("orders process", SpanKind.CONSUMER, ROOT_CONTEXT, { links });

  const settle = start("settle", SpanKind.INTERNAL, trace.setSpan(ROOT_CONTEXT, process));
  for (const [key, value] of crowd) settle.setAttribute(key, value);
  for (let i = 0; i < 3; i++) {
    settle.addEvent("retry", {}, at(42));
    settle.addLink(toPublish);
  }
  [checkout, charge, publish, process, settle].forEach((span, i) => end(span, i + 1));
  return inCheckout;
}

function sendLogs(logger, inCheckout) {
  logger.emit({
    timestamp: at(3),
    observedTimestamp: at(4),
    severityNumber: 17,
    severityText: "ERROR",
    body: "card refused: Grüße 世界 ☕",
    attributes: values,
    eventName: "checkout.failed",
    context: inCheckout,
  });
  logger.emit({
    timestamp: at(5),
    observedTimestamp: at(6),
    severityNumber: 6,
    body: { ...simple, ...complex },
  });
  logger.emit({
    timestamp: at(7),
    observedTimestamp: at(8),
    severityNumber: 9,
    body: complex.bytes,
    attributes: Object.fromEntries(crowd),
  });
}

function sendMetrics(meter) {
  const attributes = { payment: "card", attempt: 2 };
  const orders = meter.createCounter("orders", {
    description: "Orders placed",
    unit: "{order}",
    valueType: ValueType.INT,
  });
  orders.add(2, attributes);
  orders.add(3, attributes);
  meter.createCounter("revenue", { unit: "EUR" }).add(12.75, attributes);
  const queue = meter.createUpDownCounter("queue.length", { valueType: ValueType.INT });
  queue.add(2, attributes);
  queue.add(-5, attributes);
  meter.createGauge("temperature", { unit: "Cel" }).record(-3.5, attributes);
  const latency = meter.createHistogram("latency", {
    description: "Time to charge",
    unit: "ms",
    advice: { explicitBucketBoundaries: [1, 10, 100] },
  });
  for (const value of [0.5, 5.5, 50.5, 500.5]) latency.record(value, attributes);
  const size = meter.createHistogram("size", { unit: "By" });
  for (const value of [0, 1, 2, 4]) size.record(value, attributes);
}

diag.setLogger(new DiagConsoleLogger(), DiagLogLevel.ERROR);
let spanIds = 0;
const tracers = new TracerProvider({
  resource,
  spanProcessors: [new BatchSpanProcessor({ exporter: new exporters.traces.OTLPTraceExporter() })],
  spanLimits: { attributeCountLimit: attributeLimit, eventCountLimit: 2, linkCountLimit: 2 },
  idGenerator: {
    generateTraceId: () => "4bf92f3577b34da6a3ce929d0e0e4736",
    generateSpanId: () => (++spanIds).toString(16).padStart(16, "0"),
  },
});
const loggers = new LoggerProvider({
  resource,
  processors: [new BatchLogRecordProcessor({ exporter: new exporters.logs.OTLPLogExporter() })],
  logRecordLimits: { attributeCountLimit: attributeLimit },
});
const meters = new MeterProvider({
  resource,
  readers: [
    new PeriodicExportingMetricReader({ exporter: new exporters.metrics.OTLPMetricExporter() }),
  ],
  views: [
    { instrumentName: "size", aggregation: { type: AggregationType.EXPONENTIAL_HISTOGRAM } },
    {
      instrumentName: "latency",
      attributesProcessors: [createAllowListAttributesProcessor(["payment"])],
    },
  ],
});
const inCheckout = sendSpans(tracers.getTracer(...scope, { schemaUrl: scopeSchemaUrl }));
const logger = loggers.getLogger(...scope, { schemaUrl: scopeSchemaUrl, attributes: simple });
sendLogs(logger, inCheckout);
sendMetrics(meters.getMeter(...scope, { schemaUrl: scopeSchemaUrl }));
await Promise.all([tracers, loggers, meters].map((provider) => provider.shutdown()));
