"""Figures as parts of a page that obeys no ``style`` attribute: their styles become classes.

Knows SVG elements. A drawing's ids are its own already, and its ink is that of the page.
"""

from xml.etree import ElementTree

from markupsafe import Markup

from harness.reporting.figures.drawing import DARK_COLOURS, SVG, XLINK, Drawing

SHAPES = frozenset(
    "svg g path defs clipPath use text tspan rect line circle ellipse polyline polygon title desc "
    "image linearGradient radialGradient stop pattern".split()
)
"""All that a figure may hold: nothing that runs or leads elsewhere."""
ON_DARK = (
    f'@media screen{{:root[data-theme="dark"]{{{DARK_COLOURS}}}}}\n'
    "@media screen and (prefers-color-scheme:dark)"
    f'{{:root:not([data-theme="light"]){{{DARK_COLOURS}}}}}\n'
)
"""On paper everything is drawn as on a light page."""
ADDRESSES = ("href", f"{{{XLINK}}}href")


class StyleClasses:
    """Names for declarations, the same in every figure of a page."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}

    def name(self, declarations: str) -> str:
        """Return the class that stands for what a ``style`` attribute said."""
        return self._names.setdefault(declarations, f"fig-{len(self._names)}")

    @property
    def css(self) -> str:
        """The style sheet of all names given, and the colours that a dark page draws otherwise."""
        return ON_DARK + "".join(f".{name}{{{said}}}\n" for said, name in self._names.items())


def inline_svg(drawing: Drawing, classes: StyleClasses) -> Markup:
    """Make a figure fit to stand in a page.

    Args:
        drawing: what is shown.
        classes: where its styles go.

    Returns:
        One ``svg`` element with its text alternative.
    """
    root = ElementTree.fromstring(drawing.inline)
    for element in root.iter():
        _require_harmless(element, drawing.name)
        style = element.attrib.pop("style", "").strip(" ;")
        if style:
            given = element.get("class")
            element.set("class", " ".join(filter(None, [given, classes.name(style)])))
    ElementTree.register_namespace("", SVG)
    ElementTree.register_namespace("xlink", XLINK)
    return Markup(ElementTree.tostring(root, encoding="unicode"))


def _require_harmless(element: ElementTree.Element, name: str) -> None:
    assert element.tag.removeprefix(f"{{{SVG}}}") in SHAPES, f"{name} holds {element.tag}"
    for key, value in element.attrib.items():
        assert not key.startswith("on"), f"{name} holds {key}"
        if key in ADDRESSES:
            assert value.startswith(("#", "data:image/")), f"{name} links {value}"
