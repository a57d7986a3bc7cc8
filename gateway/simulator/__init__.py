"""The village simulator: devices that publish real payloads over the real broker (docs/simulator.md).

`fleet` is a village that lives, for the demo; `load` is a steady stream of events, for measuring. What happens is
decided in pure, seeded parts (`seasons`, `village`, `faults`, `bus`, `hotspot`, `kiosk`, `device`); `presence` takes
it to the broker, through an `uplink` that `fortune` cuts and mends.
"""

from gateway.simulator.device import SimulatedDevice
from gateway.simulator.faults import FaultKind, StagedFault
from gateway.simulator.fleet import Fleet
from gateway.simulator.load import Load
from gateway.simulator.pace import rhythm_s
from gateway.simulator.uplink import BrokerAddress

__all__ = ["BrokerAddress", "FaultKind", "Fleet", "Load", "SimulatedDevice", "StagedFault", "rhythm_s"]
