"""What can go wrong with a backup."""


class BackupError(Exception):
    """It was not made, or not restored; the message says why and what to do, in one line."""
