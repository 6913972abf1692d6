"""The message catalogue: collects every translatable text, and keeps the Chinese catalogue in step.

    python -m tests.messages          update and compile monitor/locale/zh_Hans; new texts come in untranslated
    python -m tests.messages --check  exit 1 and say what is missing

Needs no gettext programs: Babel reads Python, Django's own `templatize` turns templates into what Babel reads.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.utils.translation.template import templatize

ROOT = Path(__file__).resolve().parent.parent
CATALOGUE = ROOT / "monitor" / "locale" / "zh_Hans" / "LC_MESSAGES" / "django.po"
KEYWORDS = {
    "_": None,
    "gettext": None,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext": (1, 2),
    "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
}


def collect() -> Catalog:
    """All translatable texts of the product, without places (line numbers would churn the file)."""
    found = Catalog(locale="zh_Hans", project="Viewkeeper", charset="utf-8", fuzzy=False)
    for source in _sources():
        file = io.BytesIO(source.encode())
        for _line, message, comments, context in extract("python", file, KEYWORDS, options={"encoding": "utf-8"}):
            found.add(message, context=context, auto_comments=comments, flags=_flags(message))
    return found


def _flags(message: str | tuple[str, ...]) -> set[str]:
    text = message if isinstance(message, str) else "".join(message)
    return {"python-format"} if "%(" in text else set()


def _sources() -> Iterator[str]:
    for package in ("devices", "monitor"):
        for path in sorted((ROOT / package).rglob("*.py")):
            if "migrations" not in path.parts:
                yield path.read_text(encoding="utf-8")
    for path in sorted((ROOT / "templates").rglob("*")):
        if path.suffix in {".html", ".txt"}:
            yield _flush_left(templatize(path.read_text(encoding="utf-8"), origin=str(path)))


def _flush_left(source: str) -> str:
    """A template as `templatize` leaves it keeps its indents, which Python's tokeniser would refuse."""
    return "\n".join(line.lstrip() for line in source.splitlines())


def kept() -> Catalog:
    """The catalogue as it is committed."""
    if not CATALOGUE.exists():
        return Catalog(locale="zh_Hans")
    with CATALOGUE.open("rb") as file:
        return read_po(file, locale="zh_Hans")


def untranslated(catalogue: Catalog) -> list[Message]:
    """Messages without a translation, or with a doubtful one."""
    return [item for item in catalogue if item.id and (item.fuzzy or not _whole(item))]


def _whole(item: Message) -> bool:
    return all(item.string) if isinstance(item.string, (tuple, list)) else bool(item.string)


def missing(catalogue: Catalog) -> list[str]:
    """Texts of the product that the catalogue does not know."""
    return sorted(str(item.id) for item in collect() if item.id and catalogue.get(item.id, item.context) is None)


def update() -> Catalog:
    """Bring the catalogue in step with the product, and compile it."""
    catalogue = kept()
    catalogue.update(collect(), no_fuzzy_matching=True, update_creation_date=False)
    catalogue.obsolete.clear()
    catalogue.header_comment, catalogue.fuzzy = "# Viewkeeper in Simplified Chinese.", False
    catalogue.project = catalogue.last_translator = catalogue.language_team = "Viewkeeper"
    catalogue.version, catalogue.msgid_bugs_address, catalogue.revision_date = "1", "", catalogue.creation_date
    CATALOGUE.parent.mkdir(parents=True, exist_ok=True)
    with CATALOGUE.open("wb") as file:
        write_po(file, catalogue, width=110, sort_output=True, no_location=True, omit_header=False)
    with CATALOGUE.with_suffix(".mo").open("wb") as file:
        write_mo(file, catalogue)
    return catalogue


def main() -> int:
    """Update, or only check; say what is still to be translated."""
    check = "--check" in sys.argv
    catalogue = kept() if check else update()
    absent, empty = missing(catalogue), untranslated(catalogue)
    for text in absent:
        print(f"not in the catalogue: {text!r}")
    for item in empty:
        print(f"not translated: {item.id!r}")
    print(f"{len(catalogue)} texts, {len(absent)} missing, {len(empty)} untranslated")
    return 1 if absent or empty else 0


if __name__ == "__main__":
    sys.exit(main())
