import static java.util.concurrent.TimeUnit.SECONDS;

import io.opentelemetry.context.Context;
import io.opentelemetry.exporter.otlp.http.logs.OtlpHttpLogRecordExporter;
import io.opentelemetry.exporter.otlp.http.metrics.OtlpHttpMetricExporter;
import io.opentelemetry.exporter.otlp.http.trace.OtlpHttpSpanExporter;
import io.opentelemetry.exporter.otlp.logs.OtlpGrpcLogRecordExporter;
import io.opentelemetry.exporter.otlp.metrics.OtlpGrpcMetricExporter;
import io.opentelemetry.exporter.otlp.trace.OtlpGrpcSpanExporter;
import io.opentelemetry.sdk.logs.LogLimits;
import io.opentelemetry.sdk.logs.SdkLoggerProvider;
import io.opentelemetry.sdk.logs.export.BatchLogRecordProcessor;
import io.opentelemetry.sdk.logs.export.LogRecordExporter;
import io.opentelemetry.sdk.metrics.Aggregation;
import io.opentelemetry.sdk.metrics.InstrumentSelector;
import io.opentelemetry.sdk.metrics.SdkMeterProvider;
import io.opentelemetry.sdk.metrics.View;
import io.opentelemetry.sdk.metrics.export.AggregationTemporalitySelector;
import io.opentelemetry.sdk.metrics.export.MetricExporter;
import io.opentelemetry.sdk.metrics.export.PeriodicMetricReader;
import io.opentelemetry.sdk.resources.Resource;
import io.opentelemetry.sdk.trace.SdkTracerProvider;
import io.opentelemetry.sdk.trace.SpanLimits;
import io.opentelemetry.sdk.trace.export.BatchSpanProcessor;
import io.opentelemetry.sdk.trace.export.SpanExporter;
import java.util.List;
import java.util.Set;

/** Sends the telemetry of ../telemetry.py: {@code Client URL grpc|http none|gzip}. */
final class Client {
  static final String SCOPE = "shop";
  static final String SCOPE_VERSION = "1.2.3";
  static final String SCOPE_SCHEMA_URL = "https://opentelemetry.io/schemas/1.36.0";

  private final Resource resource =
      Resource.create(
          Values.SIMPLE.toBuilder().put("service.name", "checkout").build(),
          "https://opentelemetry.io/schemas/1.37.0");

  public static void main(String[] args) {
    Client client = new Client();
    if (args[1].equals("grpc")) {
      client.send(
          OtlpGrpcSpanExporter.builder().setEndpoint(args[0]).setCompression(args[2]).build(),
          OtlpGrpcLogRecordExporter.builder().setEndpoint(args[0]).setCompression(args[2]).build(),
          OtlpGrpcMetricExporter.builder().setEndpoint(args[0]).setCompression(args[2])
              .setAggregationTemporalitySelector(AggregationTemporalitySelector.deltaPreferred())
              .build());
    } else {
      client.send(
          OtlpHttpSpanExporter.builder().setEndpoint(args[0] + "/v1/traces")
              .setCompression(args[2]).build(),
          OtlpHttpLogRecordExporter.builder().setEndpoint(args[0] + "/v1/logs")
              .setCompression(args[2]).build(),
          OtlpHttpMetricExporter.builder().setEndpoint(args[0] + "/v1/metrics")
              .setCompression(args[2])
              .setAggregationTemporalitySelector(AggregationTemporalitySelector.deltaPreferred())
              .build());
    }
  }

  void send(SpanExporter spans, LogRecordExporter logs, MetricExporter metrics) {
    SdkTracerProvider tracers =
        SdkTracerProvider.builder()
            .setResource(resource)
            .setIdGenerator(new Spans.Numbered())
            .setSpanLimits(
                SpanLimits.builder()
                    .setMaxNumberOfAttributes(Values.ATTRIBUTE_LIMIT)
                    .setMaxNumberOfEvents(2)
                    .setMaxNumberOfLinks(2)
                    .build())
            .addSpanProcessor(BatchSpanProcessor.builder(spans).build())
            .build();
    SdkLoggerProvider loggers =
        SdkLoggerProvider.builder()
            .setResource(resource)
            .setLogLimits(
                () -> LogLimits.builder().setMaxNumberOfAttributes(Values.ATTRIBUTE_LIMIT).build())
            .addLogRecordProcessor(BatchLogRecordProcessor.builder(logs).build())
            .build();
    SdkMeterProvider meters =
        SdkMeterProvider.builder()
            .setResource(resource)
            .registerView(
                InstrumentSelector.builder().setName("size").build(),
                View.builder()
                    .setAggregation(Aggregation.base2ExponentialBucketHistogram())
                    .build())
            .registerView(
                InstrumentSelector.builder().setName("latency").build(),
                View.builder().setAttributeFilter(Set.of("payment")).build())
            .registerMetricReader(PeriodicMetricReader.create(metrics))
            .build();
    Context inCheckout = Spans.send(
        tracers.tracerBuilder(SCOPE)
            .setInstrumentationVersion(SCOPE_VERSION).setSchemaUrl(SCOPE_SCHEMA_URL).build());
    Logs.send(
        inCheckout,
        loggers.loggerBuilder(SCOPE)
            .setInstrumentationVersion(SCOPE_VERSION).setSchemaUrl(SCOPE_SCHEMA_URL).build());
    Metrics.send(
        inCheckout,
        meters.meterBuilder(SCOPE)
            .setInstrumentationVersion(SCOPE_VERSION).setSchemaUrl(SCOPE_SCHEMA_URL).build());
    for (var ended : List.of(tracers.shutdown(), loggers.shutdown(), meters.shutdown())) {
      if (!ended.join(10, SECONDS).isSuccess()) {
        throw new IllegalStateException("a provider did not export all");
      }
    }
  }
}
