"""What docs/benchmarks.md says beside its figures."""

INTRODUCTION = """
# Benchmarks

This page is written by `make bench ARGS="--report"` from `docs/benchmarks/*.json`. To measure anew:

```console
make bench                                  # all of it, about 20 minutes; prints tables, keeps nothing
make bench ARGS="--quick"                   # four minutes, to see that it works
make bench ARGS="--only speed --only country"
make bench ARGS="--keep" && make bench ARGS="--report"   # this page
```

Driver, broker, PostgreSQL (safe settings: `fsync` and `synchronous_commit` on), gateway and worker run on the same
machine, each as a process of its own, and share its cores. Wall time is noisy: trust ratios within one run, and CPU.

The driver (`benchmarks/driver.py`) sends prebuilt packets on raw sockets with QoS 1: 80 % usage, 15 % heartbeats and
births, 5 % repeated, 0.1 % malformed. A tenth of the devices gets receipts. After every run what was sent is held
against the tables: new = stored, malformed = dead letters, repeated = nothing. One that does not add up fails.
All devices and municipalities in it are synthetic.
"""
SECTIONS = {
    "speed": (
        "Durable events a second",
        """
        The same driver, broker and PostgreSQL, one after the other. *Durable* is committed and taken in by
        both readings, all of it: validation, registry, dedupe, dead letters, receipts for a tenth of the
        devices. The time runs until the last reading has read the last event. CPU is of all events that
        came.
        """,
    ),
    "country": (
        "W3: all of Sweden",
        """
        290 municipalities with 1,000 devices each, every 20 s, one event a message. The fleet grows to that in
        six steps of 21 s before (two fifths of it first), so that not all devices are new or late at once; then
        the rate is held. The driver keeps to the clock, whatever the broker does (open loop). A reading's lag is
        how long ago the log was where the slowest reading is.
        """,
    ),
    "latency": (
        "From publish to commit, receipt and event stream",
        """
        *Publish* is the moment at which the driver hands a packet to its socket. *Commit* is PostgreSQL's
        own commit timestamp of every event, taken just before the write-ahead log is flushed. *Receipt* is
        what a device with a spool sees: commit, flush and the way back. *Stream* is the frame at a signed-in
        reader of one municipality. The log keeps whole milliseconds, which may add one.
        """,
    ),
    "size": (
        "Memory, and bytes on disk",
        """
        Single events and batches of 20 in turn. Memory is what the process holds (resident set). Bytes on
        disk are what the tables have grown by; a page that is half full counts whole.
        """,
    ),
    "growth": (
        "Growth",
        """
        Rows are filled in by SQL, over thirty days and all devices, as if the readings had read them; then
        come events as ever. Devices have had their first event before the clock starts. The commit columns
        are at a calm, constant rate.
        """,
    ),
    "outage": (
        "W5: the gateway is off, and catches up",
        """
        The broker keeps what comes; caught up is when the log is half a second behind what was sent, or
        less, and the readings half a second behind the log.
        """,
    ),
    "history": (
        "A year of days of 1,000 points",
        """
        Days, months and earlier versions are filled in by SQL as the counter stores them: one municipality with
        1,000 points. Each question is asked on one connection in a transaction of its own, and the time runs until
        its answer is a value in the program. *Overview* is every point's figures over so many days, *point* all days
        of one with their earlier versions, *report* the months of all points.
        """,
    ),
    "halves": (
        "Two gateways of half a core",
        """
        A gateway that has used more than half of the time is stopped with SIGSTOP until it has not, every
        10 ms. The worker is held to a twentieth, since storing is what is measured; broker and PostgreSQL are
        not held.
        """,
    ),
}

CLOSING = """
## What is not reached on two cores, and why

- **Latency at W3.** Asked for were 50 ms to the commit and 100 ms to the stream in 99 of 100 cases. At W3 both cores
  are full: broker, PostgreSQL, gateway, worker, web face and driver share them, so an event waits for its turn, mostly
  in the gateway. At a tenth of the capacity the figures are met. Tried: 4 lanes instead of 16, which changes nothing,
  and larger turns under load, which are what keeps up at all. Next would be to judge an envelope in one go in the
  validator's compiled code, and a turn of a lane in one round trip instead of three.
- **W5.** The log catches up with about the room that W3 leaves, 5,000 events a second. The readings take longer: what
  was sent more than a minute ago is history, and each device with history is judged from its last anchor on, by itself.
  Next would be to fill such a stretch for a whole lane in one statement, as is done for what is late and for our own
  blind time.
- **25,000 single events a second.** Of an event's cost the gateway's judging and PostgreSQL's two indexes are the
  largest parts. Batches of 20 pay for neither topic nor turn, and are nearly twice as quick.
"""
