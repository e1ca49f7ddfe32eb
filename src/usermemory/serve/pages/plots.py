"""Small plots, drawn on the server: bars by day, as SVG that a strict policy allows."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

_WIDTH, _HEIGHT, _FOOT, _HEAD = 360, 110, 16, 14


def bars(
    title: str,
    days: Sequence[str],
    series: Sequence[tuple[str, Sequence[float]]],
    digits: int = 0,
    *,
    bad: bool = False,
    within: bool = False,
) -> Markup:
    """Bars by day; of two series the second stands on the first, in another colour.

    Args:
        title: What is plotted, for people who cannot see it.
        days: Their dates, the oldest first.
        series: Name and value of each day.
        digits: After the point.
        bad: Whether the second is what should not be.
        within: Whether each value of the first is a part of the second's, which stands behind it.
    """
    summed = max if within else sum
    totals = [summed([values[at] for _, values in series]) for at in range(len(days))]
    top = max(totals, default=0.0) or 1.0
    high = _HEIGHT - _FOOT - _HEAD
    step = _WIDTH / max(1, len(days))
    drawn: list[Markup] = []
    for at, day in enumerate(days):
        base = float(_HEIGHT - _FOOT)
        for number, (name, values) in sorted(enumerate(series), reverse=within):
            tall = values[at] / top * high
            base = float(_HEIGHT - _FOOT) - tall if within else base - tall
            if values[at]:
                drawn.append(
                    Markup(
                        '<rect class="bar{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}">'
                        "<title>{}: {} {}</title></rect>"
                    ).format(
                        (" bad" if bad else " more") if number else "",
                        at * step + 1,
                        base,
                        max(1.0, step - 2),
                        max(1.0, tall),
                        day,
                        f"{values[at]:,.{digits}f}",
                        name,
                    )
                )
    highest = f"{max(totals, default=0.0):,.{digits}f}"
    told = Markup('<text x="0" y="10">{}</text>').format(highest)
    if days:
        told += Markup('<text x="0" y="{}">{}</text>').format(_HEIGHT - 2, days[0])
        told += Markup('<text x="{}" y="{}" text-anchor="end">{}</text>').format(
            _WIDTH, _HEIGHT - 2, days[-1]
        )
    spoken = "; ".join(f"{name}: {summed(values or [0]):,.{digits}f}" for name, values in series)
    return Markup(
        '<svg class="plot" viewBox="0 0 {w} {h}" role="img" aria-label="{title}. {spoken}">'
        '<line class="axis" x1="0" x2="{w}" y1="{y}" y2="{y}"/>{told}{bars}</svg>'
    ).format(
        w=_WIDTH,
        h=_HEIGHT,
        y=_HEIGHT - _FOOT,
        title=title,
        spoken=spoken,
        told=told,
        bars=Markup("").join(drawn),
    )
