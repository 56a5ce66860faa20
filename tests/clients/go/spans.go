package main

import (
	"context"
	"encoding/binary"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// Numbers spans in the order in which they start.
type numbered struct{ spans uint64 }

func (n *numbered) NewIDs(ctx context.Context) (trace.TraceID, trace.SpanID) {
	id, err := trace.TraceIDFromHex("4bf92f3577b34da6a3ce929d0e0e4736")
	must(err)
	return id, n.NewSpanID(ctx, id)
}

func (n *numbered) NewSpanID(context.Context, trace.TraceID) (id trace.SpanID) {
	n.spans++
	binary.BigEndian.PutUint64(id[:], n.spans)
	return id
}

func remote() trace.SpanContext {
	traceID, err := trace.TraceIDFromHex("0af7651916cd43dd8448eb211c80319c")
	must(err)
	spanID, err := trace.SpanIDFromHex("b7ad6b7169203331")
	must(err)
	state, err := trace.ParseTraceState("vendor=a1,other=b2")
	must(err)
	return trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: traceID, SpanID: spanID, TraceFlags: trace.FlagsSampled, TraceState: state, Remote: true,
	})
}

// sendSpans returns a context within the first span.
func sendSpans(ctx context.Context, from *resource.Resource) context.Context {
	exporter, err := otlptracegrpc.New(ctx)
	must(err)
	limits := sdktrace.NewSpanLimits()
	limits.AttributeCountLimit = attributeLimit
	limits.EventCountLimit = 2
	limits.LinkCountLimit = 2
	provider := sdktrace.NewTracerProvider(
		sdktrace.WithBatcher(exporter),
		sdktrace.WithResource(from),
		sdktrace.WithIDGenerator(&numbered{}),
		sdktrace.WithRawSpanLimits(limits),
	)
	tracer := provider.Tracer(scopeName, trace.WithInstrumentationVersion(scopeVersion),
		trace.WithSchemaURL(scopeSchemaURL), trace.WithInstrumentationAttributes(simple...))

	started := 0
	start := func(
		parent context.Context, name string, kind trace.SpanKind, options ...trace.SpanStartOption,
	) (context.Context, trace.Span) {
		options = append(options, trace.WithSpanKind(kind), trace.WithTimestamp(at(10*started)))
		started++
		return tracer.Start(parent, name, options...)
	}

	inCheckout, checkout := start(trace.ContextWithRemoteSpanContext(ctx, remote()),
		"POST /checkout", trace.SpanKindServer, trace.WithAttributes(values...))
	checkout.AddEvent("retry", trace.WithTimestamp(at(1)))
	checkout.AddEvent("failed", trace.WithTimestamp(at(2)), trace.WithAttributes(simple...))
	checkout.SetStatus(codes.Error, "card refused")

	_, charge := start(inCheckout, "charge", trace.SpanKindClient)
	charge.SetStatus(codes.Ok, "")
	_, publish := start(inCheckout, "orders publish", trace.SpanKindProducer)

	toRemote := trace.Link{SpanContext: remote(), Attributes: simple}
	toPublish := trace.Link{SpanContext: publish.SpanContext(), Attributes: []attribute.KeyValue{}}
	inProcess, process := start(ctx, "orders process", trace.SpanKindConsumer,
		trace.WithLinks(toRemote, toPublish))

	_, settle := start(inProcess, "settle", trace.SpanKindInternal)
	settle.SetAttributes(crowd()...)
	for range 3 {
		settle.AddEvent("retry", trace.WithTimestamp(at(42)))
		settle.AddLink(toPublish)
	}
	for i, span := range []trace.Span{checkout, charge, publish, process, settle} {
		end := at(10*i + i + 1).Add(time.Duration(i+1) * time.Second)
		span.End(trace.WithTimestamp(end))
	}
	must(provider.Shutdown(ctx))
	return inCheckout
}
