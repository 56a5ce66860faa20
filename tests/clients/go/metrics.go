package main

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	"go.opentelemetry.io/otel/metric"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/resource"
)

// sendMetrics measures within the first span where an exemplar is to be kept.
func sendMetrics(ctx, inCheckout context.Context, from *resource.Resource) {
	exporter, err := otlpmetrichttp.New(ctx)
	must(err)
	provider := sdkmetric.NewMeterProvider(
		sdkmetric.WithReader(sdkmetric.NewPeriodicReader(exporter)),
		sdkmetric.WithResource(from),
		sdkmetric.WithView(
			sdkmetric.NewView(sdkmetric.Instrument{Name: "size"}, sdkmetric.Stream{
				Aggregation: sdkmetric.AggregationBase2ExponentialHistogram{MaxSize: 160, MaxScale: 20},
			}),
			sdkmetric.NewView(sdkmetric.Instrument{Name: "latency"}, sdkmetric.Stream{
				AttributeFilter: attribute.NewAllowKeysFilter("payment"),
			}),
		),
	)
	meter := provider.Meter(scopeName, metric.WithInstrumentationVersion(scopeVersion),
		metric.WithSchemaURL(scopeSchemaURL), metric.WithInstrumentationAttributes(simple...))
	with := metric.WithAttributes(attribute.String("payment", "card"), attribute.Int("attempt", 2))

	orders, err := meter.Int64Counter("orders",
		metric.WithDescription("Orders placed"), metric.WithUnit("{order}"))
	must(err)
	orders.Add(ctx, 2, with)
	orders.Add(inCheckout, 3, with)
	revenue, err := meter.Float64Counter("revenue", metric.WithUnit("EUR"))
	must(err)
	revenue.Add(ctx, 12.75, with)
	queue, err := meter.Int64UpDownCounter("queue.length")
	must(err)
	queue.Add(ctx, 2, with)
	queue.Add(ctx, -5, with)
	temperature, err := meter.Float64Gauge("temperature", metric.WithUnit("Cel"))
	must(err)
	temperature.Record(ctx, -3.5, with)
	latency, err := meter.Float64Histogram("latency", metric.WithDescription("Time to charge"),
		metric.WithUnit("ms"), metric.WithExplicitBucketBoundaries(1, 10, 100))
	must(err)
	for _, value := range []float64{0.5, 5.5, 50.5, 500.5} {
		latency.Record(inCheckout, value, with)
	}
	size, err := meter.Int64Histogram("size", metric.WithUnit("By"))
	must(err)
	for _, value := range []int64{0, 1, 2, 4} {
		size.Record(ctx, value, with)
	}
	must(provider.Shutdown(ctx))
}
