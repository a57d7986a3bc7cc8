"""The measured layer: whether each device is up, degraded, down, or out of our sight."""
