import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.api.metrics.DoubleHistogram;
import io.opentelemetry.api.metrics.LongCounter;
import io.opentelemetry.api.metrics.LongHistogram;
import io.opentelemetry.api.metrics.LongUpDownCounter;
import io.opentelemetry.api.metrics.Meter;
import io.opentelemetry.context.Context;
import java.util.List;

/** The metrics; those within the first span leave exemplars. */
final class Metrics {
  static void send(Context inCheckout, Meter meter) {
    Attributes with = Attributes.builder().put("payment", "card").put("attempt", 2).build();
    LongCounter orders =
        meter.counterBuilder("orders").setDescription("Orders placed").setUnit("{order}").build();
    orders.add(2, with, Context.root());
    orders.add(3, with, inCheckout);
    meter.counterBuilder("revenue").ofDoubles().setUnit("EUR").build().add(12.75, with);
    LongUpDownCounter queue = meter.upDownCounterBuilder("queue.length").build();
    queue.add(2, with);
    queue.add(-5, with);
    meter.gaugeBuilder("temperature").setUnit("Cel").build().set(-3.5, with);
    DoubleHistogram latency =
        meter
            .histogramBuilder("latency")
            .setDescription("Time to charge")
            .setUnit("ms")
            .setExplicitBucketBoundariesAdvice(List.of(1.0, 10.0, 100.0))
            .build();
    for (double value : new double[] {0.5, 5.5, 50.5, 500.5}) {
      latency.record(value, with, inCheckout);
    }
    LongHistogram size = meter.histogramBuilder("size").ofLongs().setUnit("By").build();
    for (long value : new long[] {0, 1, 2, 4}) {
      size.record(value, with);
    }
  }
}
