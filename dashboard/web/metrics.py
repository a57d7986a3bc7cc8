"""What the web face counts; no label names a person, a municipality or a device."""

from prometheus_client import Counter, Gauge, Histogram

REQUESTS = Counter(
    "bypunkt_http_requests_total", "Answers by route and status", ["method", "route", "status"]
)
SECONDS = Histogram(
    "bypunkt_http_request_seconds",
    "Time to answer, streams left out",
    ["route"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
)
STREAMS = Gauge("bypunkt_live_streams", "Open live streams", ["kind"])
EVICTED = Counter(
    "bypunkt_live_evicted_total", "Live streams ended because their reader was too slow", ["kind"]
)
