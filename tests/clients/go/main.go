// Sends the telemetry of ../telemetry.py: spans over gRPC, metrics and logs over HTTP. The exporters
// take their endpoints and compression from OTEL_EXPORTER_OTLP_*.
package main

import (
	"context"
	"log"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/resource"
)

const (
	scopeName      = "shop"
	scopeVersion   = "1.2.3"
	scopeSchemaURL = "https://opentelemetry.io/schemas/1.36.0"
	attributeLimit = 20
)

func main() {
	ctx := context.Background()
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { log.Fatal(err) }))
	service := append([]attribute.KeyValue{attribute.String("service.name", "checkout")}, simple...)
	from := resource.NewWithAttributes("https://opentelemetry.io/schemas/1.37.0", service...)
	inCheckout := sendSpans(ctx, from)
	sendLogs(ctx, inCheckout, from)
	sendMetrics(ctx, inCheckout, from)
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
