"""A small shop of three services, instrumented with the real OpenTelemetry SDK."""
