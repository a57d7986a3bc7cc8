"""The village simulator: devices that publish real payloads over the real broker (docs/simulator.md).

`fleet` is a village that lives, for the demo; `load` is a steady stream of events, for measuring; `history` is a past
(`history_life`, `history_writing`). What happens is decided in pure, seeded parts (`seasons`, `village`, `faults`,
`bus`, `hotspot`, `kiosk`, `device`); `presence` takes it to the broker, through an `uplink` that `fortune` cuts and
mends.
"""

from gateway.simulator.device import SimulatedDevice
from gateway.simulator.faults import FaultKind, StagedFault
from gateway.simulator.fleet import Fleet
from gateway.simulator.history import Past
from gateway.simulator.history_writing import HistoryRefused, HistoryWriter, Written
from gateway.simulator.load import Load
from gateway.simulator.pace import VILLAGE_ZONE, rhythm_s
from gateway.simulator.uplink import BrokerAddress

__all__ = [
    "VILLAGE_ZONE", "BrokerAddress", "FaultKind", "Fleet", "HistoryRefused", "HistoryWriter", "Load", "Past",
    "SimulatedDevice", "StagedFault", "Written", "rhythm_s",
]  # fmt: skip
