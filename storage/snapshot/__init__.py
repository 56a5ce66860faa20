"""Snapshots: a range of the archive in one file, see `storage/SNAPSHOT.md`."""
