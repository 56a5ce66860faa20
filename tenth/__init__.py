"""Tenth: OpenTelemetry at a tenth of a second."""
