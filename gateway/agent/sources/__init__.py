"""What an agent measures. A source is one file: it reads the machine and returns facts.

What cannot be read is left out of its fact, never reported as 0; a source with nothing to say returns nothing. To add
one: write its file, name it in `sources_of`, give it a test on a made-up `/proc` or `/sys`, and describe it in
docs/agent.md.
"""

from pathlib import Path

from gateway.agent.options import AgentOptions
from gateway.agent.sources.kiosk import kiosk_health
from gateway.agent.sources.model import Source
from gateway.agent.sources.uplink import uplink
from gateway.agent.sources.vitals import heartbeat
from gateway.agent.sources.wifi import Interface

__all__ = ["Source", "sources_of"]

ROOT = Path("/")


def sources_of(options: AgentOptions, *, root: Path = ROOT) -> list[Source]:
    """Return the sources of a device; `root` is where its /proc and /sys are."""
    every = options.intervals
    found = [
        Source("heartbeat", every.heartbeat_s, heartbeat(options.vitals, uplink(options.uplink), root=root))
    ]
    for wifi in options.wifi:
        interface = Interface(wifi, every_s=every.usage_s, root=root)
        found.append(Source(f"usage {wifi.iface}", every.usage_s, interface.usage, usage=True))
        found.append(Source(f"clients {wifi.iface}", wifi.sample_s, interface.sample, told=False))
    if options.kiosk is not None:
        found.append(Source("health", every.health_s, kiosk_health(options.kiosk, root=root)))
    return found
