"""The fixed corpus of hostile payloads, with the reason that each is refused for (quality check Q7).

Names that begin with "one" are single events whose fault is their own: in a batch they leave their neighbours alone.
"""

from services.events.reasons import Reason

_BEAT = '{"data":{"uptime_s":1,"load1":%s}}'


def _beat(load: str) -> bytes:
    return (_BEAT % load).encode()


_MANY = ",".join(f'"k{number}":1' for number in range(200_000))
_SOME = ",".join(f'"k{number}":1' for number in range(20_000))

CORPUS: list[tuple[str, bytes, Reason]] = [
    ("one scalar", b"7", Reason.NOT_AN_EVENT),
    ("one null", b"null", Reason.NOT_AN_EVENT),
    ("one string", b'"event"', Reason.NOT_AN_EVENT),
    ("one without data", b'{"id":"a"}', Reason.NOT_AN_EVENT),
    ("one bare data", b'{"uptime_s":1}', Reason.NOT_AN_EVENT),
    ("one empty object", b"{}", Reason.NOT_AN_EVENT),
    ("one escaped NUL", b'{"data":{"x":"\\u0000"}}', Reason.NUL),
    ("one escaped NUL in a key", b'{"data":{"\\u0000":1}}', Reason.NUL),
    ("one escaped NUL in the id", b'{"id":"\\u0000","data":{}}', Reason.NUL),
    ("one lone high surrogate", b'{"data":{"x":"\\ud800"}}', Reason.BAD_UNICODE),
    ("one lone low surrogate", b'{"data":{"x":"\\udc00a"}}', Reason.BAD_UNICODE),
    ("one NaN", _beat("NaN"), Reason.NOT_FINITE),
    ("one Infinity", _beat("Infinity"), Reason.NOT_FINITE),
    ("one minus Infinity", _beat("-Infinity"), Reason.NOT_FINITE),
    ("one NaN where nobody looks", b'{"specversion":"1.0","x":NaN,"data":{}}', Reason.NOT_FINITE),
    ("one 4,301-digit int", _beat("1" * 4_301), Reason.NUMBER_TOO_LONG),
    ("one 15,000-digit int", _beat("-" + "9" * 15_000), Reason.NUMBER_TOO_LONG),
    ("one duplicate key", b'{"data":{"uptime_s":1,"uptime_s":2}}', Reason.DUPLICATE_KEY),
    ("one duplicate data", b'{"data":{},"data":{"uptime_s":1}}', Reason.DUPLICATE_KEY),
    ("one duplicate id", b'{"id":"a","id":"b","data":{}}', Reason.DUPLICATE_KEY),
    ("one duplicate key by escape", b'{"data":{"a":1,"\\u0061":2}}', Reason.DUPLICATE_KEY),
    ("one duplicate key after a blank", b'{"id":"a","data":{"a":1,"a" :2}}', Reason.DUPLICATE_KEY),
    ("one depth 20", b'{"data":{"x":' + b"[" * 20 + b"]" * 20 + b"}}", Reason.TOO_DEEP),
    ("one depth 300", b'{"data":' + b'{"x":' * 300 + b"1" + b"}" * 300 + b"}", Reason.TOO_DEEP),
    ("one of 20 KiB", b'{"data":{"x":"' + b"y" * 20_480 + b'"}}', Reason.TOO_LARGE),
    (
        "one of 20,000 keys",
        b'{"data":{' + _SOME[:200_000].rpartition(",")[0].encode() + b"}}",
        Reason.TOO_LARGE,
    ),
    ("200,000 keys", b'{"data":{' + _MANY.encode() + b"}}", Reason.MESSAGE_TOO_LARGE),
    ("1 MB", b'{"data":{"x":"' + b"y" * 1_000_000 + b'"}}', Reason.MESSAGE_TOO_LARGE),
    ("depth 100,000", b"[" * 100_000 + b"]" * 100_000, Reason.TOO_DEEP),
    ("depth 40,000 of objects", b'{"a":' * 40_000 + b"1" + b"}" * 40_000, Reason.TOO_DEEP),
    ("depth 100,000, open", b"[" * 100_000, Reason.TOO_DEEP),
    ("depth 1,500 after a 4,301-digit int", b"[" + b"1" * 4_301 + b"," + b"[" * 1_500, Reason.TOO_DEEP),
    ("empty", b"", Reason.EMPTY),
    ("blank", b" \n\t", Reason.EMPTY),
    ("empty batch", b" [ ] ", Reason.EMPTY),
    ("raw NUL at the end", b'{"data":{"uptime_s":1}}\0', Reason.NUL),
    ("raw NUL inside", b'{"data":{"x":"\0"}}', Reason.NUL),
    ("BOM", b'\xef\xbb\xbf{"data":{}}', Reason.BOM),
    ("UTF-16 with BOM", '{"data":{}}'.encode("utf-16"), Reason.NOT_UTF8),
    ("UTF-16 little", '{"data":{}}'.encode("utf-16-le"), Reason.NOT_UTF8),
    ("UTF-16 big", '{"data":{}}'.encode("utf-16-be"), Reason.NOT_UTF8),
    ("UTF-32", '{"data":{}}'.encode("utf-32"), Reason.NOT_UTF8),
    ("Latin-1", '{"data":{"x":"Älmhult"}}'.encode("latin-1"), Reason.NOT_UTF8),
    ("surrogates as bytes", b'{"data":{"x":"\xed\xa0\x80"}}', Reason.NOT_UTF8),
    ("overlong", b'{"data":{"x":"\xc0\x80"}}', Reason.NOT_UTF8),
    ("text", b"hello", Reason.NOT_JSON),
    ("half", b'{"data":{"uptime_s":1', Reason.NOT_JSON),
    ("half a batch", b'[{"data":{}},', Reason.NOT_JSON),
    ("batch without comma", b'[{"data":{}} {"data":{}}]', Reason.NOT_JSON),
    ("two documents", b'{"data":{}}{"data":{}}', Reason.NOT_JSON),
    ("single quotes", b"{'data':{}}", Reason.NOT_JSON),
    ("trailing comma", b'{"data":{},}', Reason.NOT_JSON),
    ("trailing comma in a batch", b'[{"data":{}},]', Reason.NOT_JSON),
    ("raw control character", b'{"data":{"x":"\x07"}}', Reason.NOT_JSON),
    ("half, after a 4,301-digit int", b'{"data":{"x":' + b"1" * 4_301 + b" 2}}", Reason.NOT_JSON),
    ("hexadecimal", _beat("0x1F"), Reason.NOT_JSON),
    ("leading zero", _beat("01"), Reason.NOT_JSON),
    ("nan as C prints it", _beat("nan"), Reason.NOT_JSON),
]
