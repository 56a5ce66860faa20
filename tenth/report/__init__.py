"""A snapshot as a page: what a report shows, and its file."""
