"""What every chart in these tests is about."""

from dashboard.charts.table import About, Key, Table

ABOUT = About("c", "Title", "What it says", (Key("whole", "key"),), Table(("a",), ()), "As a table")
