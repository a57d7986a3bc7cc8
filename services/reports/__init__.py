"""Reports of months and years: what was known when they were made, with a hash and a version (docs/reports.md)."""
