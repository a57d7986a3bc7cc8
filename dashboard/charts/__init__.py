"""What charts are drawn from: pure functions from values to places in per cent, without a word of any language.

`templates/parts/charts.html` draws them as SVG: places in per cent and sizes in pixels, so that a chart is as wide as
its page and its text as large as all other text. Behind each chart stands the same as a table.
"""
