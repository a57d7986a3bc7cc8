"""The reference agent: a small program for kiosks and Linux hotspots that loses nothing (docs/agent.md).

`Agent` is all of it: what `sources` measure goes into the `spool`, and the `courier` sends it until it is receipted.
"""

from gateway.agent.agent import Agent
from gateway.agent.clocks import Clocks
from gateway.agent.failures import AgentRefused, NotAnEvent, SpoolBroken, SpoolFull
from gateway.agent.options import AgentOptions, read_options
from gateway.agent.sources import Source, sources_of

__all__ = [
    "Agent",
    "AgentOptions",
    "AgentRefused",
    "Clocks",
    "NotAnEvent",
    "Source",
    "SpoolBroken",
    "SpoolFull",
    "read_options",
    "sources_of",
]
