"""Links from the overview into the page: to an example, and to the view of those that share something."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import quote

from saliency_report.page.overview import model_name
from saliency_report.page.text import label, visible
from saliency_report.record import Report


@dataclass(frozen=True)
class Place:
    """Where an example stands on the page, and the name under which it is linked."""

    number: int
    name: str

    @property
    def href(self) -> str:
        """The fragment of its card."""
        return f"#example-{self.number}"


def place(number: int, id_: str) -> Place:
    """The place of the example that is number `number`; a long id is cut, since a table holds several."""
    return Place(number, label(id_, 20))


def filtered(**state: str) -> str:
    """The fragment that shows only the examples with all of these: #label=NEGATIVE&q=bad."""
    # As the catalogue has it: control characters as pictures, and no lone surrogate, which has no UTF-8.
    pairs: Iterable[str] = (f"{name}={quote(visible(value), safe='')}" for name, value in state.items())
    return f"#{'&'.join(pairs)}"


def of_model(report: Report, index: int, several: bool) -> dict[str, str]:
    """What a link adds to show one model's examples alone; nothing where there are not `several`."""
    return {"model": model_name(report, index)} if several else {}
