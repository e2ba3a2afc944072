"""docs/training.md lists the settings of a training as they are declared.

python -m tests.test_training_settings     writes the table again
"""

from __future__ import annotations

from pathlib import Path

from detcore.jobs.settings.sections import GROUPS
from detcore.options import Option

PAGE = Path(__file__).resolve().parents[1] / "docs" / "training.md"
_BEGIN = "<!-- settings -->\n"


def _row(item: Option) -> str:
    default = "auto" if item.default is None else str(item.default).lower() or "empty"
    allowed = item.allowed + (", or auto" if item.auto else "")
    return f"| `--{item.name.replace('_', '-')}` | {item.label} | {allowed} | {default} | {item.help} |"


def settings_text() -> str:
    """All groups with a table each, as Markdown."""
    head = "| setting | in the window | values | default | what it does |\n|---|---|---|---|---|\n"
    tables = [
        f"## {title}\n\n{head}" + "\n".join(_row(item) for item in items) for title, items in GROUPS.items()
    ]
    return "\n\n".join(tables) + "\n"


def test_the_page_lists_every_setting_as_it_is_declared() -> None:
    _, _, listed = PAGE.read_text(encoding="utf-8").partition(_BEGIN)
    assert listed.strip() == settings_text().strip(), "python -m tests.test_training_settings"


def test_every_setting_has_a_label_and_says_what_it_does() -> None:
    unsaid = [item.name for items in GROUPS.values() for item in items if not (item.label and item.help)]
    assert not [name for name in unsaid if not name.startswith(("flip_", "colour_"))]


if __name__ == "__main__":
    before, _, _ = PAGE.read_text(encoding="utf-8").partition(_BEGIN)
    PAGE.write_text(before + _BEGIN + "\n" + settings_text(), encoding="utf-8")
