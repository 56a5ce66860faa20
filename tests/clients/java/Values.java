import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.api.common.AttributesBuilder;
import io.opentelemetry.api.common.KeyValue;
import io.opentelemetry.api.common.Value;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Attributes and bodies of every type. */
final class Values {
  static final int ATTRIBUTE_LIMIT = 20;

  static final Attributes SIMPLE =
      Attributes.builder()
          .put("string", "Grüße 世界 ☕")
          .put("string.empty", "")
          .put("bool", true)
          .put("bool.false", false)
          .put("int", -42)
          .put("int.zero", 0)
          .put("int.large", (1L << 53) - 1)
          .put("double", 0.1)
          .put("strings", "a", "")
          .put("bools", true, false)
          .put("ints", 1, -2, 0)
          .put("doubles", 0.5, -1.25)
          .put(AttributeKey.stringArrayKey("strings.empty"), List.of())
          .build();

  static final Map<String, Value<?>> COMPLEX =
      Map.of(
          "bytes", Value.of(new byte[] {0x00, (byte) 0xff, (byte) 0x80}),
          "map",
              Value.of(
                  KeyValue.of(
                      "inner",
                      Value.of(
                          KeyValue.of(
                              "list", Value.of(Value.of(1), Value.of("two"), Value.of(false)))))),
          "mixed", Value.of(Value.of("one"), Value.of(2), Value.of(0.5), Value.of(true)));

  static final Attributes VALUES = values();

  private static Attributes values() {
    AttributesBuilder all = SIMPLE.toBuilder();
    COMPLEX.forEach((key, value) -> all.put(key, value));
    return all.put("int.max", Long.MAX_VALUE)
        .put("int.min", Long.MIN_VALUE)
        .put("double.infinity", Double.POSITIVE_INFINITY)
        .build();
  }

  /** What SIMPLE and COMPLEX hold, as one value. */
  static Value<?> body() {
    var body = new HashMap<>(COMPLEX);
    SIMPLE.forEach((key, value) -> body.put(key.getKey(), value(value)));
    return Value.of(body);
  }

  private static Value<?> value(Object plain) {
    if (plain instanceof String text) return Value.of(text);
    if (plain instanceof Boolean truth) return Value.of(truth);
    if (plain instanceof Long number) return Value.of(number);
    if (plain instanceof Double number) return Value.of(number);
    List<Value<?>> items = new ArrayList<>();
    for (Object item : (List<?>) plain) items.add(value(item));
    return Value.of(items);
  }

  /** More attributes than the limit, of which the first are kept. */
  static Attributes crowd() {
    AttributesBuilder all = Attributes.builder();
    for (int i = 0; i < ATTRIBUTE_LIMIT + 3; i++) all.put(String.format("key.%02d", i), i);
    return all.build();
  }

  static long at(long nanoseconds) {
    return 1_700_000_000_123_456_789L + nanoseconds;
  }
}
