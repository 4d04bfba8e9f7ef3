"""The catalogue is what the sources say, complete in Chinese; and each check of that is shown to bite."""

import ast
import re
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog

from gateway.words import (
    findings_case,
    findings_checks,
    findings_container,
    findings_routing,
)
from gateway.words.errors import ERRORS, PARTS
from gateway.words.findings import FINDINGS
from tests.support import catalogue, sources


def modules(source: str, place: str = "gateway/x.py") -> dict[str, ast.Module]:
    return {place: ast.parse(source)}


def test_the_catalogue_is_what_the_sources_say() -> None:
    assert list(catalogue.stale()) == []


def test_every_text_is_translated() -> None:
    assert list(catalogue.complaints(catalogue.read(catalogue.PO))) == []


def test_every_code_in_the_sources_is_explained() -> None:
    assert list(catalogue.unexplained()) == []


def test_compiled_catalogue_is_its_po() -> None:
    compiled = catalogue.pairs(catalogue.MO.read_bytes())
    assert compiled == catalogue.pairs(catalogue.compiled(catalogue.read(catalogue.PO)))
    assert len(compiled) > 500


def test_nothing_is_explained_that_no_source_says() -> None:
    said = {
        node.value
        for place, tree in sources.trees().items()
        if not place.startswith("gateway/words/")
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
    }
    assert set(ERRORS) - said == set()


def test_every_defect_of_the_catalogue_page_is_explained() -> None:
    page = sources.ROOT / "docs" / "defects.md"
    named = set(re.findall(r"^\| `([A-Z0-9-]+)`", page.read_text(encoding="utf-8"), re.MULTILINE))
    assert named == set(FINDINGS)


def test_codes_have_the_form_that_tells_errors_from_defects() -> None:
    assert [slug for slug in ERRORS if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", slug)] == []
    assert [code for code in FINDINGS if not re.fullmatch(r"[A-Z][A-Z0-9]*(-[A-Z0-9]+)*", code)] == []


def test_no_code_is_explained_twice() -> None:
    assert sum(map(len, PARTS)) == len(ERRORS)
    found = (findings_case.TABLE, findings_checks.TABLE, findings_container.TABLE, findings_routing.TABLE)
    assert sum(map(len, found)) == len(FINDINGS)


def catalog_of(original: str, translation: str, *flags: str) -> Catalog:
    catalog = Catalog(locale="zh_CN")
    catalog.add(original, translation, flags=flags)
    return catalog


@pytest.mark.parametrize(
    ("catalog", "complaint"),
    [
        (catalog_of("File {name}", ""), "untranslated"),
        (catalog_of("File {name}", "文件 {name}", "fuzzy"), "fuzzy"),
        (catalog_of("File {name}", "文件"), "other fields"),
        (catalog_of("File {name}", "文件 {nome}"), "other fields"),
    ],
)
def test_a_bad_translation_is_found(catalog: Catalog, complaint: str) -> None:
    assert [line.split(":")[0] for line in catalogue.complaints(catalog)] == [complaint]


def test_a_good_translation_is_left_alone() -> None:
    assert list(catalogue.complaints(catalog_of("File {name}", "文件 {name}"))) == []


def test_merging_keeps_translations_and_drops_what_is_gone() -> None:
    old = catalog_of("kept", "留")
    old.add("gone", "去")
    merged = catalogue.merge(catalog_of("kept", ""), old)
    assert [(m.id, m.string) for m in merged if m.id] == [("kept", "留")]


@pytest.mark.parametrize(
    ("source", "texts"),
    [
        ("words.text('Sent {n}', n=1)", ["Sent {n}"]),
        ("self._words.text('Sent')", ["Sent"]),
        ("words.text('a' if x else 'b')", ["a", "b"]),
        ("HELP = mark('Help')", ["Help"]),
        ("Template('w', why='y', do='d')", ["w", "y", "d"]),
        ("TEMPLATES = MappingProxyType({'code': ('w', 'd'), 'other': 'x'})", ["w", "d", "x"]),
        ("connection.execute(text('SELECT 1'))", []),
        ("page.text('not ours')", []),
        ("words.text(variable)", []),
    ],
)
def test_texts_are_found_where_they_are_spoken(source: str, texts: list[str]) -> None:
    assert [used.text for used in sources.texts(modules(source))] == texts


@pytest.mark.parametrize(
    "source",
    [
        "raise TransientError('some-slug', 'detail')",
        "raise errors.SecurityError(code='some-slug')",
        "def f(code): raise ConfigError(code)\nf('some-slug')",
        "def f(x, *, slug): return PermanentError(slug, x)\ndef g(s): return f(1, slug=s)\ng('some-slug')",
        "class C:\n  def no(self, code): raise PermanentError(code)\n  def f(self): self.no('some-slug')",
        "class Refused(PermanentError): ...\nraise Refused('some-slug')",
        "raise TransientError('some-slug' if x else 'some-slug')",
        "CODES = {'some-slug': 1}",
        "GONE = 'some-slug'\nraise PermanentError(GONE)",
        "ledger.hold(transfer, 'some-slug', actor, why)",
    ],
)
def test_slugs_are_found_however_they_reach_an_error(source: str) -> None:
    assert {used.text for used in sources.error_codes(modules(source))} == {"some-slug"}


@pytest.mark.parametrize(
    "source",
    [
        "Finding('ZIP-ODD', Verdict.WARN)",
        "def add(self, code): self.found.append(Finding(code, v))\nself.add('ZIP-ODD')",
        "raise DamageError('ZIP-ODD', 'UTF-8')",
    ],
)
def test_defect_codes_are_found_in_checks(source: str) -> None:
    assert {used.text for used in sources.finding_codes(modules(source, "packers/x.py"))} == {"ZIP-ODD"}


def test_a_code_without_words_is_named_with_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    planted = modules("\nraise TransientError('never-heard-of')\n")
    monkeypatch.setattr(sources, "trees", lambda root=Path(): planted)
    assert list(catalogue.unexplained()) == ["gateway/x.py:2: no words for never-heard-of"]
