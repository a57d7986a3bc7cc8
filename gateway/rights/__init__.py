"""Accounts and rights at the broker: who may publish and read what, and a broker that is kept equal to the registry.

`rules` says what is allowed, `accounts` writes the broker's store anew, `plan` compares what the broker has with what
it should have, `control` speaks with Mosquitto's dynamic security, `keeper` is the job that goes on.
"""

from gateway.rights.accounts import LANE_USERNAME, READER_USERNAME, RIGHTS_USERNAME, broker_store

__all__ = ["LANE_USERNAME", "READER_USERNAME", "RIGHTS_USERNAME", "broker_store"]
