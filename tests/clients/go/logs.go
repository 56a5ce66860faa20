package main

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploghttp"
	"go.opentelemetry.io/otel/log"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	"go.opentelemetry.io/otel/sdk/resource"
)

func sendLogs(ctx, inCheckout context.Context, from *resource.Resource) {
	exporter, err := otlploghttp.New(ctx)
	must(err)
	provider := sdklog.NewLoggerProvider(
		sdklog.WithProcessor(sdklog.NewBatchProcessor(exporter)),
		sdklog.WithResource(from),
		sdklog.WithAttributeCountLimit(attributeLimit),
	)
	logger := provider.Logger(scopeName, log.WithInstrumentationVersion(scopeVersion),
		log.WithSchemaURL(scopeSchemaURL), log.WithInstrumentationAttributes(simple...))

	var inSpan, structured, crowded log.Record
	inSpan.SetTimestamp(at(3))
	inSpan.SetObservedTimestamp(at(4))
	inSpan.SetSeverity(log.SeverityError)
	inSpan.SetSeverityText("ERROR")
	inSpan.SetBody(attribute.StringValue("card refused: Grüße 世界 ☕"))
	inSpan.AddAttributes(values...)
	inSpan.SetEventName("checkout.failed")
	logger.Emit(inCheckout, inSpan)

	structured.SetTimestamp(at(5))
	structured.SetObservedTimestamp(at(6))
	structured.SetSeverity(log.SeverityDebug2)
	structured.SetBody(attribute.MapValue(concat(simple, complicated)...))
	logger.Emit(ctx, structured)

	crowded.SetTimestamp(at(7))
	crowded.SetObservedTimestamp(at(8))
	crowded.SetSeverity(log.SeverityInfo)
	crowded.SetBody(attribute.ByteSliceValue([]byte{0x00, 0xff, 0x80}))
	crowded.AddAttributes(crowd()...)
	logger.Emit(ctx, crowded)
	must(provider.Shutdown(ctx))
}
