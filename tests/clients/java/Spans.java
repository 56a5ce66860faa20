import static java.util.concurrent.TimeUnit.NANOSECONDS;

import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanBuilder;
import io.opentelemetry.api.trace.SpanContext;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.api.trace.TraceFlags;
import io.opentelemetry.api.trace.TraceState;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.context.Context;
import io.opentelemetry.sdk.trace.IdGenerator;
import java.util.List;

/** The spans. */
final class Spans {
  private static final SpanContext REMOTE =
      SpanContext.createFromRemoteParent(
          "0af7651916cd43dd8448eb211c80319c",
          "b7ad6b7169203331",
          TraceFlags.getSampled(),
          TraceState.builder().put("other", "b2").put("vendor", "a1").build());

  /** Returns a context within the first span. */
  static Context send(Tracer tracer) {
    Span checkout =
        start(tracer, 1, "POST /checkout", SpanKind.SERVER, Context.root().with(Span.wrap(REMOTE)))
            .setAllAttributes(Values.VALUES)
            .startSpan();
    checkout.addEvent("retry", Values.at(1), NANOSECONDS);
    checkout.addEvent("failed", Values.SIMPLE, Values.at(2), NANOSECONDS);
    checkout.setStatus(StatusCode.ERROR, "card refused");
    Context inCheckout = Context.root().with(checkout);

    Span charge = start(tracer, 2, "charge", SpanKind.CLIENT, inCheckout).startSpan();
    charge.setStatus(StatusCode.OK);
    Span publish = start(tracer, 3, "orders publish", SpanKind.PRODUCER, inCheckout).startSpan();
    Span process =
        start(tracer, 4, "orders process", SpanKind.CONSUMER, Context.root())
            .addLink(REMOTE, Values.SIMPLE)
            .addLink(publish.getSpanContext())
            .startSpan();
    Span settle =
        start(tracer, 5, "settle", SpanKind.INTERNAL, Context.root().with(process)).startSpan();
    settle.setAllAttributes(Values.crowd());
    for (int i = 0; i < 3; i++) {
      settle.addEvent("retry", Values.at(42), NANOSECONDS);
      settle.addLink(publish.getSpanContext());
    }
    int number = 0;
    for (Span span : List.of(checkout, charge, publish, process, settle)) {
      long end = Values.at(10 * number) + ++number * 1_000_000_001L;
      span.end(end, NANOSECONDS);
    }
    return inCheckout;
  }

  private static SpanBuilder start(
      Tracer tracer, int number, String name, SpanKind kind, Context parent) {
    return tracer
        .spanBuilder(name)
        .setSpanKind(kind)
        .setParent(parent)
        .setStartTimestamp(Values.at(10 * (number - 1)), NANOSECONDS);
  }

  /** Numbers spans in the order in which they start. */
  static final class Numbered implements IdGenerator {
    private long spans;

    @Override
    public String generateSpanId() {
      return String.format("%016x", ++spans);
    }

    @Override
    public String generateTraceId() {
      return "4bf92f3577b34da6a3ce929d0e0e4736";
    }
  }
}
