"""Use as bars and sums: SI units, the reader's numbers, and nothing reported is not nothing."""

from dashboard.usage_charts import Use, UseStep, usage_view, volume_words

GB = 10**9


def test_sums_say_only_what_is_counted_there() -> None:
    use = Use(down_bytes=12_500_000_000, up_bytes=800_000_000, clients_max=14)
    view = usage_view([UseStep("mo", "Monday", use)], use, "Title", "en")
    assert [(figure.number, figure.unit, figure.words) for figure in view.figures] == [
        ("12.5", "GB", "received"),
        ("800.0", "MB", "sent"),
        ("14", "", "connected at most"),
    ]
    all_of_it = Use(1, 2, 3, sessions=4, visitors=0, kiosk_sessions=5, kiosk_views=1_000)
    words = [figure.words for figure in usage_view([], all_of_it, "", "en").figures]
    assert words[3:] == ["Wi-Fi sessions", "visitor-days, roughly", "screen visits", "pages shown"]


def test_chart_and_table_say_the_same() -> None:
    steps = [UseStep("mo", "Monday", Use(3 * GB, GB, 9, 8, 7, 6, 5)), UseStep("tu", "Tuesday", None)]
    view = usage_view(steps, Use(), "Data by the day", "sv")
    assert view.bars.about.says == "Mest 4,0 GB, Monday."
    assert view.bars.about.table.rows == (
        ("Monday", "3,0 GB", "1,0 GB", "9", "8", "7", "6", "5"),
        ("Tuesday", "–", "–", "–", "–", "–", "–", "–"),
    )
    assert [bar.height for bar in view.bars.bars] == [75, 25]
    assert len(view.bars.unknown) == 1
    assert [key.look for key in view.bars.about.keys] == ["received", "sent", "unknown"]


def test_visitors_nobody_counted_are_no_nought() -> None:
    view = usage_view([UseStep("mo", "Monday", Use(down_bytes=1))], Use(), "", "sv")
    assert view.bars.about.table.rows[0][5] == "–"
    assert [key.look for key in view.bars.about.keys] == ["received", "sent"]


def test_nothing_reported_says_so() -> None:
    assert usage_view([UseStep("mo", "Monday", None)], Use(), "", "en").bars.about.says == "Nothing reported"


def test_volume_has_one_decimal_but_bytes() -> None:
    assert [volume_words(amount, "sv") for amount in (0, 999, 1_000, 12_345_678)] == [
        "0 B",
        "999 B",
        "1,0 kB",
        "12,3 MB",
    ]
