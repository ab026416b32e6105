"""Bar and line plots as SVG that reads in light and dark pages; no dependencies.

Colours are classes of one style sheet that follows the reader's colour scheme. Series 0 is the
one that the plot is about.
"""
import math
from xml.sax.saxutils import escape

STYLE = """<style>
text { font: 13px system-ui, -apple-system, "Segoe UI", Helvetica, Arial, sans-serif; fill: #1f2328 }
.title { font-weight: 600 } .faint { fill: #59636e; font-size: 12px }
.axis { stroke: #818b98 } .grid { stroke: #818b98; stroke-opacity: .25 }
.guide { stroke: #818b98; stroke-dasharray: 3 4; fill: none }
.f0 { fill: #0969da } .f1 { fill: #54aeff } .f2 { fill: #8250df } .f3 { fill: #bc4c00 }
.f4 { fill: #bf8700 } .f5 { fill: #9a6700 } .f6 { fill: #e16f24 } .f7 { fill: #6e7781 }
.s0 { stroke: #0969da } .s1 { stroke: #8250df } .s2 { stroke: #bc4c00 } .s3 { stroke: #6e7781 }
.c0 { fill: #0969da } .c1 { fill: #8250df } .c2 { fill: #bc4c00 } .c3 { fill: #6e7781 }
.line { fill: none; stroke-width: 2.5; stroke-linejoin: round }
@media (prefers-color-scheme: dark) {
text { fill: #f0f6fc } .faint { fill: #9198a1 }
.f0 { fill: #4493f8 } .f1 { fill: #79c0ff } .f2 { fill: #ab7df8 } .f3 { fill: #f0883e }
.f4 { fill: #d29922 } .f5 { fill: #bb8009 } .f6 { fill: #ffa657 } .f7 { fill: #9198a1 }
.s0 { stroke: #4493f8 } .s1 { stroke: #ab7df8 } .s2 { stroke: #f0883e } .s3 { stroke: #9198a1 }
.c0 { fill: #4493f8 } .c1 { fill: #ab7df8 } .c2 { fill: #f0883e } .c3 { fill: #9198a1 }
}
</style>"""
COLOURS = 8


def text(x, y, what, classes="", anchor="start"):
    return '<text x="%.1f" y="%.1f" class="%s" text-anchor="%s">%s</text>' % (
        x, y, classes, anchor, escape(what))


def segment(x1, y1, x2, y2, classes):
    return '<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" class="%s"/>' % (x1, y1, x2, y2, classes)


def document(width, height, title, parts):
    head = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" ' % (
        width, height, width, height)
    return "\n".join([head + 'role="img">', "<title>%s</title>" % escape(title), STYLE, *parts,
                      "</svg>"]) + "\n"


def bars(title, groups):
    """groups: [(heading, [(name, value, what stands at the bar's end)])]; each group has its own
    scale, from 0 to its largest value. A name keeps its colour in all groups."""
    width, left, right, bar, gap = 760, 220, 130, 17, 5
    names = list(dict.fromkeys(name for _, rows in groups for name, _, _ in rows))
    parts, y = [], 10
    for heading, rows in groups:
        y += 22
        parts.append(text(10, y, heading, "title"))
        y += 10
        largest = max(value for _, value, _ in rows)
        for name, value, label in rows:
            length = max(1.0, (width - left - right) * value / largest)
            parts.append(text(left - 8, y + bar - 4, name, "", "end"))
            parts.append('<rect x="%d" y="%d" width="%.1f" height="%d" rx="2" class="f%d"/>' % (
                left, y, length, bar, names.index(name) % COLOURS))
            parts.append(text(left + length + 7, y + bar - 4, label, "faint"))
            y += bar + gap
        y += 8
    return document(width, y + 4, title, parts)


def number(x):
    return "{:,}".format(int(x)) if x >= 1 and x == int(x) else "%.6g" % x


def decades(low, high):
    """1, 2 and 5 times the powers of ten that lie in [low, high]."""
    exponents = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    ticks = [m * 10.0**e for e in exponents for m in (1, 2, 5)]
    return [t for t in ticks if low <= t <= high]


def panel(origin, size, heading, x_label, series, y_range):
    """One pair of logarithmic axes; series: [(name, [(x, y)])]."""
    (left, top), (width, height) = origin, size
    x_ticks = sorted({x for _, points in series for x, _ in points})
    x_low, x_high = math.log(x_ticks[0] / 1.1), math.log(x_ticks[-1] * 1.1)
    y_low, y_high = (math.log(y) for y in y_range)

    def at(x, y):
        return (left + width * (math.log(x) - x_low) / (x_high - x_low),
                top + height * (y_high - math.log(y)) / (y_high - y_low))

    parts = [text(left, top - 14, heading, "title")]
    for tick in decades(*y_range):
        y = at(x_ticks[0], tick)[1]
        parts += [segment(left, y, left + width, y, "grid"),
                  text(left - 6, y + 4, number(tick), "faint", "end")]
    for tick in x_ticks:
        parts.append(text(at(tick, y_range[0])[0], top + height + 18, number(tick), "faint", "middle"))
    parts += [segment(left, top + height, left + width, top + height, "axis"),
              text(left + width / 2, top + height + 38, x_label, "faint", "middle")]
    for i, (_, points) in enumerate(series):
        x0, y0 = points[-1]  # the guide: in proportion to x, through the last point
        start, end = at(x_ticks[0], y0 * x_ticks[0] / x0), at(x0, y0)
        if start[1] <= top + height:
            parts.append(segment(*start, *end, "guide"))
        path = " ".join("%.1f,%.1f" % at(*point) for point in points)
        parts.append('<polyline points="%s" class="line s%d"/>' % (path, i % 4))
        parts += ['<circle cx="%.1f" cy="%.1f" r="3.5" class="c%d"/>' % (*at(*point), i % 4)
                  for point in points]
    return parts


def lines(title, y_label, panels):
    """panels: [(heading, x_label, [(name, [(x, y)])])], side by side on one scale of y."""
    size, left, top, step = (290, 250), 60, 66, 380
    ys = [y for _, _, series in panels for _, points in series for _, y in points]
    y_range = (min(ys) / 1.6, max(ys) * 1.3)
    parts, x = [], left
    for i, name in enumerate(dict.fromkeys(name for _, _, s in panels for name, _ in s)):
        parts += [segment(x, 18, x + 22, 18, "line s%d" % (i % 4)), text(x + 28, 22, name)]
        x += 50 + 8 * len(name)
    parts += [segment(x, 18, x + 22, 18, "guide"), text(x + 28, 22, "in proportion", "faint")]
    for i, (heading, x_label, series) in enumerate(panels):
        parts += panel((left + i * step, top), size, "%s, %s" % (y_label, heading), x_label, series,
                       y_range)
    return document(left + step * len(panels) - 20, top + size[1] + 50, title, parts)
