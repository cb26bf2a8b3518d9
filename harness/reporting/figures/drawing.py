"""A figure that is done: its SVG for a file and for a page, and what it says in words.

Knows the SVG that matplotlib writes, and takes from it what would leak out of the figure: ids that
another figure has too, styles that would hold for a whole page, colours of one background.
"""

import io
import re
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass

from matplotlib.figure import Figure

from harness.reporting.escape import clean

INK = "#010203"
"""Drawn in this colour, a stroke or text takes the colour of the text around the figure."""

LIGHT_INK, DARK_INK = "#1f2328", "#e6edf3"
ON_DARK = {"#0072B2": "#3c9be0", "#56B4E9": "#f0e442"}
"""What to draw instead on a dark page: there blue is faint, and brighter it is like sky blue."""
FONTS = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"

SVG = "http://www.w3.org/2000/svg"
XLINK = "http://www.w3.org/1999/xlink"

_VARIABLES = {light: f"--on-{light[1:].lower()}" for light in ON_DARK}
DARK_COLOURS = ";".join(f"{_VARIABLES[light]}:{dark}" for light, dark in ON_DARK.items())
"""CSS declarations for a dark page that holds figures inline."""

_REFERENCE = re.compile(r"url\(#([^)]+)\)")
# `font: 10px 'DejaVu Sans', ...`: the layout was made for it, but few readers have it.
_FONT = re.compile(r"font: (?:(\d+) )?([\d.]+px) [^;]+")


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """One figure of a report."""

    name: str
    """Of its file, without the ending; its ids begin with it."""
    title: str
    """What is drawn, in a few words."""
    description: str
    """What it says, with its numbers: the text alternative."""
    inline: str
    """An ``svg`` element to stand in a page; its ink is the colour of the text around it."""

    @property
    def alternative(self) -> str:
        """What is read to those who don't see it."""
        return f"{self.title}. {self.description}"

    @property
    def standalone(self) -> str:
        """An SVG file whose ink follows the reader's preference for light or dark.

        An image takes no colour from the page that links it.
        """
        style = (
            f"<style>#{self.name}{{color:{LIGHT_INK}}}@media (prefers-color-scheme:dark)"
            f"{{#{self.name}{{color:{DARK_INK};{DARK_COLOURS}}}}}</style>"
        )
        head, bracket, rest = self.inline.partition(">")
        return f'<?xml version="1.0" encoding="utf-8"?>\n{head}{bracket}{style}{rest}\n'


def drawing(name: str, title: str, description: str, figure: Figure) -> Drawing:
    """Finish a figure; the same figure gives the same bytes.

    Args:
        name: letters and underscores, unlike that of any other figure of a report.
        title: in a few words.
        description: what the figure says, with its numbers.
        figure: drawn under ``canvas.SETTINGS``.
    """
    title, description = clean(title), clean(description)
    written = io.StringIO()
    figure.savefig(
        written, format="svg", transparent=True, metadata={"Date": None, "Creator": None}
    )
    root = ElementTree.fromstring(written.getvalue())
    for element in root.iter():
        _contain(element, name)
    _strip(root)
    _label(root, name, title, description)
    ElementTree.register_namespace("", SVG)
    ElementTree.register_namespace("xlink", XLINK)
    svg = ElementTree.tostring(root, encoding="unicode")
    return Drawing(name=name, title=title, description=description, inline=svg)


def _contain(element: ElementTree.Element, name: str) -> None:
    """Make an element's ids its figure's own and its colours the reader's."""
    link = f"{{{XLINK}}}href"
    if "id" in element.attrib:
        element.set("id", f"{name}-{element.get('id')}")
    if link in element.attrib:
        element.set(link, element.attrib[link].replace("#", f"#{name}-", 1))
    for key, value in element.attrib.items():
        value = _REFERENCE.sub(rf"url(#{name}-\1)", value)
        element.set(key, _themed(value) if key == "style" else value)


def _themed(style: str) -> str:
    style = _FONT.sub(_sized, style.replace(INK, "currentColor"))
    for light, variable in _VARIABLES.items():
        style = re.sub(f"(?i){light}", f"var({variable}, {light})", style)
    return style


def _sized(font: re.Match[str]) -> str:
    weight = f"font-weight: {font[1]}; " if font[1] else ""
    return f"{weight}font-size: {font[2]}"


def _strip(root: ElementTree.Element) -> None:
    """Remove who wrote it, and the style that would hold for every element of a page."""
    for tag in ("metadata", "defs"):
        for child in root.findall(f"{{{SVG}}}{tag}"):
            if tag == "metadata" or child.find(f"{{{SVG}}}style") is not None:
                root.remove(child)
    root.set("stroke-linejoin", "round")
    root.set("stroke-linecap", "butt")
    root.set("font-family", FONTS)


def _label(root: ElementTree.Element, name: str, title: str, description: str) -> None:
    """Give it a name and a text alternative that a screen reader reads instead of its parts."""
    root.set("id", name)
    root.set("role", "img")
    root.set("fill", "currentColor")
    for size in ("width", "height"):  # pt to px, at 96 to 72
        root.set(size, f"{float(root.get(size, '0').removesuffix('pt')) * 4 / 3:.0f}")
    for place, (tag, text) in enumerate((("title", title), ("desc", description))):
        element = ElementTree.Element(f"{{{SVG}}}{tag}", {"id": f"{name}-{tag}"})
        element.text = text
        root.insert(place, element)
