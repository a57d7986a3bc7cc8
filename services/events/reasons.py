"""Why an event is refused: one word a cause, the same in receipts, dead letters, metrics and the docs."""

from enum import StrEnum


class Reason(StrEnum):
    """The cause of a refusal; values are a contract with device makers: extend, never rename."""

    # The message as such.
    BAD_TOPIC = "bad_topic"
    RETAINED = "retained"
    MESSAGE_TOO_LARGE = "message_too_large"
    TOO_MANY_EVENTS = "too_many_events"
    EMPTY = "empty"
    BOM = "bom"
    NOT_UTF8 = "not_utf8"
    NUL = "nul"
    NOT_JSON = "not_json"
    NOT_DECODABLE = "not_decodable"
    # One event in it.
    TOO_LARGE = "too_large"
    TOO_DEEP = "too_deep"
    BAD_UNICODE = "bad_unicode"
    NOT_FINITE = "not_finite"
    NUMBER_TOO_LONG = "number_too_long"
    DUPLICATE_KEY = "duplicate_key"
    NOT_AN_EVENT = "not_an_event"
    BAD_HEADER = "bad_header"
    BAD_TIME = "bad_time"
    UNKNOWN_FIELD = "unknown_field"
    UNKNOWN_TYPE = "unknown_type"
    INVALID_DATA = "invalid_data"
    # Who says it, and when.
    UNKNOWN_DEVICE = "unknown_device"
    DEVICE_SUSPENDED = "device_suspended"
    DEVICE_RETIRED = "device_retired"
    WRONG_MUNICIPALITY = "wrong_municipality"
    WRONG_DEVICE = "wrong_device"
    TYPE_MISMATCH = "type_mismatch"
    TOO_OLD = "too_old"
    # The database would not have it.
    STORAGE = "storage"
