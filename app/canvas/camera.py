"""Which part of the image the view shows: zoom and centre, as pure arithmetic."""

from __future__ import annotations

from dataclasses import dataclass, replace

MIN_ZOOM = 0.02
MAX_ZOOM = 64.0
BOX_SHARE = 0.6
"""How much of the view a box fills after "zoom to box"."""
BOX_MAX_ZOOM = 8.0


@dataclass(frozen=True, kw_only=True)
class Camera:
    """``zoom`` logical screen pixels per image pixel; ``x``, ``y`` the image point in the middle of the view.

    ``fitted`` says that the user has asked for nothing but the whole image, which then also
    holds when the view changes its size.
    """

    zoom: float = 1.0
    x: float = 0.0
    y: float = 0.0
    fitted: bool = True

    def zoomed(self, factor: float, *, at: tuple[float, float]) -> Camera:
        """Nearer by ``factor`` while the image point ``at`` stays where it is on the screen."""
        zoom = limited_zoom(self.zoom * factor)
        ratio = self.zoom / zoom
        x, y = at
        return Camera(zoom=zoom, x=x + (self.x - x) * ratio, y=y + (self.y - y) * ratio, fitted=False)

    def panned(self, dx: float, dy: float) -> Camera:
        """The image moved by that many screen pixels."""
        return replace(self, x=self.x - dx / self.zoom, y=self.y - dy / self.zoom, fitted=False)

    def shows_all(self, image: tuple[float, float], view: tuple[float, float]) -> bool:
        """Whether all of an image is within the view. Sizes are (width, height)."""
        half_x, half_y = view[0] / self.zoom / 2, view[1] / self.zoom / 2
        across = self.x - half_x <= 0 and self.x + half_x >= image[0]
        return across and self.y - half_y <= 0 and self.y + half_y >= image[1]

    def kept_over(self, width: float, height: float) -> Camera:
        """The nearest camera whose centre lies in an image of that size, so that it cannot get lost."""
        return replace(self, x=min(max(self.x, 0.0), width), y=min(max(self.y, 0.0), height))


def limited_zoom(zoom: float) -> float:
    return min(max(zoom, MIN_ZOOM), MAX_ZOOM)


def fit(image: tuple[float, float], view: tuple[float, float], *, margin: float) -> Camera:
    """The whole image in the middle of the view. Sizes are (width, height)."""
    width, height = max(image[0], 1.0), max(image[1], 1.0)
    room = (max(view[0] - 2 * margin, 1.0), max(view[1] - 2 * margin, 1.0))
    zoom = limited_zoom(min(room[0] / width, room[1] / height))
    return Camera(zoom=zoom, x=image[0] / 2, y=image[1] / 2, fitted=True)


def show_box(xyxy: tuple[float, float, float, float], view: tuple[float, float]) -> Camera:
    """The box in the middle with some of its surroundings."""
    x1, y1, x2, y2 = xyxy
    zoom = min(
        BOX_SHARE * view[0] / max(x2 - x1, 1e-6), BOX_SHARE * view[1] / max(y2 - y1, 1e-6), BOX_MAX_ZOOM
    )
    return Camera(zoom=limited_zoom(zoom), x=(x1 + x2) / 2, y=(y1 + y2) / 2, fitted=False)
