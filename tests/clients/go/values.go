package main

import (
	"fmt"
	"math"
	"time"

	"go.opentelemetry.io/otel/attribute"
)

var simple = []attribute.KeyValue{
	attribute.String("string", "Grüße 世界 ☕"),
	attribute.String("string.empty", ""),
	attribute.Bool("bool", true),
	attribute.Bool("bool.false", false),
	attribute.Int("int", -42),
	attribute.Int("int.zero", 0),
	attribute.Int("int.large", 1<<53-1),
	attribute.Float64("double", 0.1),
	attribute.StringSlice("strings", []string{"a", ""}),
	attribute.BoolSlice("bools", []bool{true, false}),
	attribute.IntSlice("ints", []int{1, -2, 0}),
	attribute.Float64Slice("doubles", []float64{0.5, -1.25}),
	attribute.StringSlice("strings.empty", nil),
}

var complicated = []attribute.KeyValue{
	attribute.ByteSlice("bytes", []byte{0x00, 0xff, 0x80}),
	attribute.Map("map", attribute.Map("inner", attribute.Slice("list",
		attribute.IntValue(1), attribute.StringValue("two"), attribute.BoolValue(false)))),
	attribute.Slice("mixed", attribute.StringValue("one"), attribute.IntValue(2),
		attribute.Float64Value(0.5), attribute.BoolValue(true)),
}

var values = concat(simple, complicated, []attribute.KeyValue{
	attribute.Int64("int.max", math.MaxInt64),
	attribute.Int64("int.min", math.MinInt64),
	attribute.Float64("double.infinity", math.Inf(1)),
})

// More attributes than the limit, of which the first are kept.
func crowd() []attribute.KeyValue {
	var all []attribute.KeyValue
	for i := range attributeLimit + 3 {
		all = append(all, attribute.Int(fmt.Sprintf("key.%02d", i), i))
	}
	return all
}

func concat(parts ...[]attribute.KeyValue) []attribute.KeyValue {
	var all []attribute.KeyValue
	for _, part := range parts {
		all = append(all, part...)
	}
	return all
}

func at(nanoseconds int) time.Time {
	return time.Unix(1_700_000_000, int64(123_456_789+nanoseconds))
}
