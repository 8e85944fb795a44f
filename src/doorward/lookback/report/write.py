"""Writes the reports of an audit, into its folder or, masked and checked, into a folder for publication."""

import re
import shutil
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from doorward.errors import ConfigError, VerificationError
from doorward.lookback.folder import AuditFolder
from doorward.lookback.report.agrees import require_agreement
from doorward.lookback.report.charts import draw_all
from doorward.lookback.report.content import Exhibits, Options, Report
from doorward.lookback.report.gather import Gathering
from doorward.lookback.report.html import render_page
from doorward.lookback.report.masking import mask_patterns
from doorward.lookback.report.numbers import Numbers
from doorward.lookback.report.pdf import render_pdf
from doorward.lookback.report.publication import Publication, vocabulary, withheld_numbers
from doorward.lookback.report.rows import OWN_SENTENCES
from doorward.lookback.report.scope import CAUTION
from doorward.lookback.report.second_pass import check_publication, check_wordings
from doorward.lookback.report.source import Source
from doorward.lookback.report.tables import save_csv, save_findings, save_json
from doorward.lookback.report.words import ALL_WORDS

if TYPE_CHECKING:
    import duckdb

_SLUG: Final = re.compile(r"[^a-z0-9]+")
MAX_SLUG: Final = 60


@dataclass(frozen=True, slots=True)
class Written:
    """What was written.

    Args:
        files: Below the root, sorted.
        withheld: How many numbers a publication withholds; nought for the office's own report.
    """

    root: Path
    files: tuple[str, ...]
    numbers: int
    withheld: int = 0


def write_report(
    connection: "duckdb.DuckDBPyConnection", folder: AuditFolder, options: Options | None = None,
    comparison: dict[str, Any] | None = None,
) -> Written:  # fmt: skip
    """Write the reports of an audit into its own folder, over those that stand there.

    Args:
        connection: An engine that is open.
        folder: A finished audit.
        options: `publish_on` has no effect here.
        comparison: What `doorward audit diff` found, for a section of its own: `lines`.

    Raises:
        ConfigError: No finished audit or tables that disagree, an agency that it does not have, a library that is
            missing.
    """
    options = options or Options()
    source = Source(connection, folder)
    require_agreement(source)
    numbers = Numbers(source.atoms())
    gathering = Gathering(source, numbers, options.marks)

    def edit(report: Report) -> Report:
        return replace(_mask_exhibits(report, options.kinds), comparison=comparison)

    _write_pages(folder.root, gathering, _chosen(source, options), options, edit)
    save_findings(source, folder.root / "findings.csv")
    save_csv(folder.root / "numbers.csv", ("number", "value", "sql"), numbers.rows())
    return Written(folder.root, _files(folder.root), len(numbers.asked))


def publish_report(
    connection: "duckdb.DuckDBPyConnection", folder: AuditFolder, target: Path, options: Options
) -> Written:
    """Write what may be published into a new folder; it appears when the second pass found nothing.

    Args:
        connection: An engine that is open.
        folder: A finished audit.
        target: Must not exist, or be empty.
        options: With `publish_on`.

    Raises:
        ConfigError: The target is not empty, or as `write_report`.
        VerificationError: The second pass found something; nothing is left.
    """
    if options.publish_on is None:
        raise ConfigError(
            "a publication needs the day on which it appears", hint="give --published-on 2026-03-31"
        )
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise ConfigError(f"`{target.name}` is not empty: a publication goes into a folder of its own")
    source = Source(connection, folder)
    require_agreement(source)
    publication = Publication(source, options)
    owners = _chosen(source, options)
    numbers = Numbers(source.atoms(publication.until.isoformat()), publication.until.isoformat())
    for owner in ("", *owners):
        Gathering(source, numbers, options.marks, "month").report(owner)
    withheld = withheld_numbers(numbers, options.threshold)
    numbers = Numbers(numbers.atoms, numbers.until, withheld=withheld, asked=dict(numbers.asked))
    gathering = Gathering(source, numbers, options.marks, "month")
    publication.hide(numbers)
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=".publication-", dir=target.parent))
    try:
        wordings: list[str] = []

        def edit(report: Report) -> Report:
            edited = publication.edit(report)
            groups = [*(edited.overview.exhibits if edited.overview else ())]
            groups += [group for rules in edited.rules for group in rules.exhibits]
            wordings.extend(wording for group in groups for wording in group.wordings)
            return edited

        _write_pages(draft, gathering, owners, options, edit)
        rows = [row for row in numbers.rows() if row[1] and numbers.asked[row[0]].where]
        save_csv(draft / "numbers.csv", ("number", "value", "sql"), rows)
        _pass_again(source, draft, publication, wordings)
        if target.exists():
            target.rmdir()
        draft.chmod(0o755)
        draft.rename(target)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return Written(target, _files(target), len(rows), len(withheld))


def _pass_again(source: Source, draft: Path, publication: Publication, wordings: Iterable[str]) -> None:
    names = [
        str(name) for (name,) in source.ask("SELECT DISTINCT agency FROM read_parquet(?)", str(source.folder.counts))
        if name is not None
    ]  # fmt: skip
    ordinary = vocabulary(
        source.manifest, [*source.owners, *names, *source.agency_names().values(), *_public(source.manifest)]
    )
    leaks = check_wordings(wordings, publication.words)
    leaks += check_publication(source, draft, taken=publication.taken, ordinary=ordinary)
    if leaks:
        said = ", ".join(f"{leak.kind} in {leak.file}" for leak in leaks[:5])
        raise VerificationError(
            f"the second pass found what must not be published, and nothing was: {said}",
        )


def _public(manifest: Any) -> Iterable[str]:  # noqa: ANN401  # the manifest
    for rules in manifest.get("rules", ()):
        yield from (str(rules.get("title", "")), str(rules.get("name", "")))
        for id_, clause in rules.get("clauses", {}).items():
            yield from (str(id_), str(clause.get("cite", "")))
    here = Path(__file__).parent
    for kind in ("*.jinja", "*.css"):  # what a report says for itself is no person's
        yield from (file.read_text(encoding="utf-8") for file in sorted(here.glob(kind)))
    yield from (*CAUTION, *OWN_SENTENCES, *ALL_WORDS)


def _chosen(source: Source, options: Options) -> tuple[str, ...]:
    for name in options.agencies:
        if name not in source.owners:
            raise ConfigError(
                f"the audit has no agency `{name[:80]}`", hint=f"one of {', '.join(source.owners[:8])}"
            )
    return options.agencies or source.owners


def _write_pages(
    root: Path,
    gathering: Gathering,
    owners: tuple[str, ...],
    options: Options,
    edit: Callable[[Report], Report],
) -> None:
    slugs = make_slugs(gathering.source.owners)
    (root / "agencies").mkdir(parents=True, exist_ok=True)
    hrefs = {owner: f"agencies/{slugs[owner]}.html" for owner in owners}
    report = edit(replace(gathering, hrefs=hrefs).report())
    _write_one(root / "report", replace(report, links=tuple((hrefs[o], o) for o in owners)), options)
    # Of one agency there is little to point at: its pages carry no program, which is many times as long as they are.
    still = replace(options, interactive=False)
    for owner in owners:
        report = replace(edit(gathering.report(owner)), links=(("../report.html", "All agencies"),))
        _write_one(root / f"agencies/{slugs[owner]}", report, still)


def _write_one(stem: Path, report: Report, options: Options) -> None:
    charts = draw_all(report)
    save_json(stem.with_name(f"{stem.name}.json"), report)
    _save(stem.with_name(f"{stem.name}.html"), render_page(report, charts, interactive=options.interactive))
    if options.pdf:
        stem.with_name(f"{stem.name}.pdf").write_bytes(render_pdf(report, charts))


def _save(file: Path, text: str) -> None:
    file.write_text(text, encoding="utf-8", errors="strict", newline="\n")


def make_slugs(owners: Iterable[str]) -> dict[str, str]:
    """Return a file name for each owner: ASCII, no two the same on any file system."""
    found: dict[str, str] = {}
    for owner in owners:
        slug = wanted = _SLUG.sub("-", owner.lower()).strip("-")[:MAX_SLUG].strip("-") or "agency"
        number = 1
        while slug in found.values():
            number += 1
            slug = f"{wanted}-{number}"
        found[owner] = slug
    return found


def _mask_exhibits(report: Report, kinds: tuple[str, ...]) -> Report:
    if not kinds:
        return report
    rules = tuple(
        replace(one, exhibits=tuple(_masked(group, kinds) for group in one.exhibits)) for one in report.rules
    )
    overview = report.overview
    if overview is not None:
        overview = replace(overview, exhibits=tuple(_masked(group, kinds) for group in overview.exhibits))
    return replace(report, rules=rules, overview=overview)


def _masked(group: Exhibits, kinds: tuple[str, ...]) -> Exhibits:
    def mask(text: str) -> str:
        return mask_patterns(text, kinds)[0]

    often = group.often
    if often is not None:
        often = replace(often, rows=tuple(replace(row, head=mask(row.head)) for row in often.rows))
    return replace(
        group,
        shown=tuple(replace(x, reason=mask(x.reason), offense=mask(x.offense)) for x in group.shown),
        often=often,
    )


def _files(root: Path) -> tuple[str, ...]:
    wanted = {".html", ".json", ".pdf", ".csv"}
    return tuple(sorted(
        path.relative_to(root).as_posix() for path in root.rglob("*")
        if path.suffix in wanted and "data" not in path.relative_to(root).parts
    ))  # fmt: skip
