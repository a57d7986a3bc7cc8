"""Reading a form that a page of ours has sent, and refusing whatever else comes."""

from aiohttp import web


async def read_form(request: web.Request) -> dict[str, str]:
    """The fields of a form, the first of each name; files and odd encodings are refused (400, 415)."""
    if (
        request.content_type != "application/x-www-form-urlencoded"
        or (request.charset or "utf-8").lower() != "utf-8"
    ):
        raise web.HTTPUnsupportedMediaType
    try:
        form = await request.post()
    except ValueError:  # UnicodeDecodeError is one; too many fields are another
        raise web.HTTPBadRequest from None
    fields: dict[str, str] = {}
    for name, value in form.items():
        if isinstance(value, str):
            fields.setdefault(name, value)
    return fields
