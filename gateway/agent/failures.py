"""What can go wrong with an agent that somebody can do something about."""


class AgentRefused(Exception):
    """The agent cannot start; the message says in one line why and what to do."""


class NotAnEvent(Exception):
    """What was to be reported is no valid event; the message names the field."""


class SpoolBroken(Exception):
    """The event is not on disk: the disk is full or out of order. Trying again later may help."""


class SpoolFull(Exception):
    """The event is not on disk: the spool is full of events that are worth more."""
