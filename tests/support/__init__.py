"""What tests share."""

from tests.support.waiting import eventually

__all__ = ["eventually"]
