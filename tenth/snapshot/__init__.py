"""The commands of `tenth snapshot`."""
