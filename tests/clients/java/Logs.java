import static java.util.concurrent.TimeUnit.NANOSECONDS;

import io.opentelemetry.api.logs.Logger;
import io.opentelemetry.api.logs.Severity;
import io.opentelemetry.context.Context;

/** The logs. */
final class Logs {
  static void send(Context inCheckout, Logger logger) {
    logger
        .logRecordBuilder()
        .setContext(inCheckout)
        .setTimestamp(Values.at(3), NANOSECONDS)
        .setObservedTimestamp(Values.at(4), NANOSECONDS)
        .setSeverity(Severity.ERROR)
        .setSeverityText("ERROR")
        .setBody("card refused: Grüße 世界 ☕")
        .setAllAttributes(Values.VALUES)
        .setEventName("checkout.failed")
        .emit();
    logger
        .logRecordBuilder()
        .setContext(Context.root())
        .setTimestamp(Values.at(5), NANOSECONDS)
        .setObservedTimestamp(Values.at(6), NANOSECONDS)
        .setSeverity(Severity.DEBUG2)
        .setBody(Values.body())
        .emit();
    logger
        .logRecordBuilder()
        .setContext(Context.root())
        .setTimestamp(Values.at(7), NANOSECONDS)
        .setObservedTimestamp(Values.at(8), NANOSECONDS)
        .setSeverity(Severity.INFO)
        .setBody(Values.COMPLEX.get("bytes"))
        .setAllAttributes(Values.crowd())
        .emit();
  }
}
