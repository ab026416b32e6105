#!/usr/bin/env python3
"""Draws what a terminal showed as an SVG: draw_terminal.py < transcript > docs/terminal.svg

Lines that begin with "$ " are commands and stand out; everything else is output.
"""
import sys
from xml.sax.saxutils import escape

CHARACTER, LINE, MARGIN = 7.8, 18, 16  # pixels, for 13 px monospace


def main():
    lines = [line.rstrip("\n") for line in sys.stdin]
    width = round(max(map(len, lines)) * CHARACTER + 2 * MARGIN)
    height = len(lines) * LINE + 2 * MARGIN
    print(f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
          f'viewBox="0 0 {width} {height}">')
    print(f'<rect width="{width}" height="{height}" rx="8" fill="#16181d"/>')
    print('<g font-family="ui-monospace, Menlo, Consolas, monospace" font-size="13" '
          'fill="#c9d1d9" xml:space="preserve">')
    for i, line in enumerate(lines):
        colour = ' fill="#7ee787"' if line.startswith("$ ") else ""
        print(f'<text x="{MARGIN}" y="{MARGIN + 13 + i * LINE}"{colour}>{escape(line)}</text>')
    print("</g>\n</svg>")


main()
