"""The pages, in one explicit list.

To add a page:

1. `dashboard/pages/<name>.py` with `routes = Routes()` and its handlers. Each route says who may come in:
   `access=PUBLIC`, or a permission of `services/tenants/access.py`. Public pages read the database as
   `Role.READ` with `Public()`, staff pages as `Role.WEB` with `tenants(request)`.
2. Its template in `dashboard/templates/`, in Swedish; each sentence in `_("…")` or `{% trans %}`, and its
   translation in `dashboard/locale/en.po`.
3. One import and one line here, one line in `docs/http.md`, and `tests/dashboard/pages/test_<name>.py`.
"""

from dashboard.pages import (
    comparison,
    demo_desk,
    design,
    device,
    explain,
    feeds,
    health,
    live,
    points_geojson,
    problems,
    public_measured,
    public_point,
    public_sign,
    public_start,
    public_status,
    sign_in,
    staff,
    staff_goals,
    staff_point,
    staff_reports,
    system,
)
from dashboard.web.routes import Routes

PAGES: tuple[Routes, ...] = (
    public_start.routes,
    public_point.routes,
    public_status.routes,
    public_measured.routes,
    public_sign.routes,
    feeds.routes,
    points_geojson.routes,
    sign_in.routes,
    staff.routes,
    staff_goals.routes,
    staff_point.routes,
    staff_reports.routes,
    explain.routes,
    comparison.routes,
    device.routes,
    problems.routes,
    system.routes,
    design.routes,
    live.routes,
    health.routes,
)

# Where a demo is what runs, and nowhere else.
DEMO_PAGES: tuple[Routes, ...] = (demo_desk.routes,)
