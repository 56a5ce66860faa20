"""Tenth: OpenTelemetry at a tenth of a second."""

__version__ = "0.1.0"
