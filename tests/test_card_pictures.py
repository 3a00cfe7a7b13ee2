"""A card's picture looks alike whoever draws it: Chromium, or resvg, which makes the PNG."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

import method_records
import records
from saliency_report.card.raster import png
from saliency_report.card.sections import sections
from saliency_report.card.svg import PALETTE, picture

pytest_plugins = ["browsing"]

REPORTS = (records.realistic(), method_records.report(method_records.review("integrated_gradients")))
PICTURES = {
    **{
        of.name: picture(of)[0] for of in sections(REPORTS[0], ["film-review", "cat", "paris", "hebrew", "scripts"], "")
    },
    "signed": picture(sections(REPORTS[1], [REPORTS[1].examples[0].id], "", "integrated_gradients")[0])[0],
}
# The largest difference of grey, of 255, between squares of 16 × 16 points of the picture. The two draw letters a
# little differently: 4 in Latin and Hebrew letters, 8 where an emoji fills a square. A word's wrong colour is 30 to 58.
BOUND = 12
# Of a channel of one point in the ground of a word, which has no letter there.
EXACT = 2

LOOK = """async ([one, other, places]) => {
  const images = [new Image(), new Image()];
  [images[0].src, images[1].src] = [one, other];
  await Promise.all(images.map((image) => image.decode()));
  const [width, height, block] = [images[1].naturalWidth, images[1].naturalHeight, 32];
  const columns = Math.ceil(width / block);
  const [a, b] = images.map((image) => {
    const canvas = document.createElement("canvas");
    Object.assign(canvas, { width, height });
    const pen = canvas.getContext("2d");
    pen.fillStyle = "#fff";
    pen.fillRect(0, 0, width, height);
    pen.drawImage(image, 0, 0, width, height);
    const { data } = pen.getImageData(0, 0, width, height);
    const sums = new Map();
    for (let y = 0; y < height; y += 1) {
      for (let x = 0; x < width; x += 1) {
        const [at, square] = [4 * (y * width + x), Math.floor(y / block) * columns + Math.floor(x / block)];
        const [sum, count] = sums.get(square) ?? [0, 0];
        sums.set(square, [sum + 0.299 * data[at] + 0.587 * data[at + 1] + 0.114 * data[at + 2], count + 1]);
      }
    }
    const points = places.map(([x, y]) => [...pen.getImageData(Math.round(2 * x), Math.round(2 * y), 1, 1).data]);
    return { means: [...sums.values()].map(([sum, count]) => sum / count), points };
  });
  const difference = Math.max(...a.means.map((mean, square) => Math.abs(mean - b.means[square])));
  const sizes = images.map((image) => [image.naturalWidth, image.naturalHeight]);
  return { sizes, difference, points: [a.points, b.points] };
}"""
GROUND = re.compile(
    r'<rect x="([\d.]+)" y="([\d.]+)" width="([\d.]+)" height="[\d.]+" rx="2" class="f-(\w+)" fill="(#\w+)"'
)


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context()
    yield context.new_page()
    context.close()


def uri(kind: str, data: bytes) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


def look(page: Page, svg: str, drawn: bytes) -> dict[str, Any]:
    """What Chromium makes of an SVG beside a PNG; the points are of the upper edges of the grounds."""
    places = [(float(x) + float(width) / 2, float(y) + 0.8) for x, y, width, _, _ in GROUND.findall(svg)]
    found: dict[str, Any] = page.evaluate(LOOK, [uri("svg+xml", svg.encode()), uri("png", drawn), places])
    return found


def channels(colour: str) -> list[int]:
    return [int(colour[place : place + 2], 16) for place in (1, 3, 5)]


@pytest.mark.parametrize("name", PICTURES)
def test_two_renderers_agree(name: str, page: Page) -> None:
    svg = PICTURES[name]
    found = look(page, svg, png(svg))
    (width, height), twice = found["sizes"]
    assert twice == [2 * width, 2 * height]
    assert found["difference"] < BOUND
    fills = [channels(fill) for *_, fill in GROUND.findall(svg)]
    assert fills
    for points in found["points"]:
        for point, fill in zip(points, fills, strict=True):
            assert max(abs(one - other) for one, other in zip(point, fill, strict=False)) <= EXACT


@pytest.mark.parametrize(
    "name", sorted({*PICTURES} - {"hebrew", "scripts"})
)  # their strongest word is a comma, an emoji
def test_a_wrong_colour_of_one_word_is_noticed(name: str, page: Page) -> None:
    svg = PICTURES[name]
    strongest = next(found for found in GROUND.finditer(svg) if found[4] in ("s8", "p8", "n8"))
    wrong = strongest[0].replace(strongest[5], PALETTE[f"{strongest[4][0]}1"][0])
    found = look(page, svg, png(svg.replace(strongest[0], wrong)))
    assert found["difference"] > 2 * BOUND


@pytest.mark.parametrize(("scheme", "place"), [("light", 0), ("dark", 1)])
def test_an_image_follows_the_reader_s_colours(scheme: Any, place: int, browser: Browser, page: Page) -> None:
    svg = PICTURES["film-review"]
    context = browser.new_context(color_scheme=scheme, viewport={"width": 800, "height": 300})
    shown = context.new_page()
    shown.set_content(f'<body style="margin:0"><img src="{uri("svg+xml", svg.encode())}">')
    taken = shown.screenshot()
    context.close()
    grounds = GROUND.findall(svg)
    places = [((float(x) + float(width) / 2) / 2, (float(y) + 0.8) / 2) for x, y, width, _, _ in grounds]
    points = page.evaluate(LOOK, [uri("png", taken), uri("png", taken), [*places, (5, 5)]])["points"][0]
    for point, name in zip(points, [*(name for *_, name, _ in grounds), "paper"], strict=True):
        assert max(abs(a - b) for a, b in zip(point, channels(PALETTE[name][place]), strict=False)) <= EXACT
