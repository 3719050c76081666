"""Draws how cost grows, as SVG: no library, light and dark, readable in a README."""

WIDTH, HEIGHT, MARGIN, GAP = 360, 220, 48, 40
STYLE = """<style>
text { font: 11px system-ui, sans-serif; fill: #333 } .title { font-weight: 600; font-size: 12px }
.axis { stroke: #999; fill: none } .line { stroke: #2563eb; stroke-width: 2; fill: none } .dot { fill: #2563eb }
@media (prefers-color-scheme: dark) { text { fill: #ddd } .axis { stroke: #777 } .line { stroke: #7aa2ff } .dot { fill: #7aa2ff } }
</style>"""


def growth(rows):
    routes = [row for row in rows if row["what"].endswith("routes")]
    busy = [row for row in rows if row["what"].endswith("connections")]
    panels = [
        panel("CPU for a request by routes, µs", routes, "µs CPU a request"),
        panel("Memory by routes, MiB", routes, "RssAnon, MiB"),
        panel("CPU for a request by connections, µs", busy, "µs CPU a request"),
    ]
    width = len(panels) * (WIDTH + GAP)
    drawn = "".join(f'<g transform="translate({number * (WIDTH + GAP)} 0)">{drawing}</g>' for number, drawing in enumerate(panels))
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {HEIGHT}" role="img">{STYLE}{drawn}</svg>\n'


def panel(title, rows, column):
    values = [float(row[column]) for row in rows]
    top = max(values) * 1.2
    left, right, bottom = MARGIN, WIDTH - 16, HEIGHT - 32
    places = [left + (right - left) * number / (len(values) - 1) for number in range(len(values))]
    heights = [bottom - (bottom - 36) * value / top for value in values]
    points = " ".join(f"{x:.0f},{y:.0f}" for x, y in zip(places, heights))
    marks = "".join(
        f'<circle class="dot" cx="{x:.0f}" cy="{y:.0f}" r="3"/><text x="{x:.0f}" y="{y - 8:.0f}" text-anchor="middle">{value:g}</text>'
        f'<text x="{x:.0f}" y="{bottom + 16}" text-anchor="middle">{row["what"].split()[0]}</text>'
        for x, y, value, row in zip(places, heights, values, rows)
    )
    return (
        f'<text class="title" x="{left}" y="18">{title}</text><path class="axis" d="M{left} 36V{bottom}H{right}"/>'
        f'<polyline class="line" points="{points}"/>{marks}'
    )
