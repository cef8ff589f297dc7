"""The command ``progress-bridge check``: whether completions would be recorded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

import click

from bridge.checks import Finding
from bridge.cli.context import Context, json_option, pass_context
from bridge.cli.errors import MEND
from bridge.cli.output import example, print_json


@click.command(epilog=example("--config bridge.yaml check"))
@json_option
@pass_context
def check(context: Context, as_json: bool) -> None:
    """Tell whether completions would be recorded, and if not, what to mend.

    Reads the configuration, reaches the store with the bridge's own rights and looks at every
    table, field, right and constraint. Leaves no row behind. Makes the file and the tables that an
    SQLite store or outbox lacks. Tries Directus with rows that it must refuse, an SQL database with
    rows that are rolled back, and an SQLite outbox with a row that is removed at once. Exit code 0
    only when completions would be recorded; a warning does not change it.
    """
    settings = context.settings()
    with context.bridge() as bridge:
        findings = bridge.check()
    well = not any(finding.fatal and not finding.ok for finding in findings)
    if as_json:
        answer = {
            "store": settings.store.shown_url,
            "outbox": settings.outbox and settings.outbox.shown_url,
            "ok": well,
            "findings": [asdict(finding) for finding in findings],
        }
        print_json(answer)
    else:
        click.echo(f"Store: {settings.store.shown_url}")
        if settings.outbox:
            click.echo(f"Outbox: {settings.outbox.shown_url}")
        _print_findings(findings, well)
    if not well:
        raise SystemExit(MEND)


def _print_findings(findings: Sequence[Finding], well: bool) -> None:
    for finding in findings:
        click.echo(f"{_mark(finding)}  {finding.message}")
        if finding.remedy:
            click.echo(f"      → {finding.remedy}")
    click.echo("Completions are recorded." if well else "Completions are NOT recorded.")


def _mark(finding: Finding) -> str:
    """Return a word in colour, so that nothing is told by colour alone."""
    if finding.ok:
        return click.style("ok  ", fg="green")
    if finding.fatal:
        return click.style("FAIL", fg="red", bold=True)
    return click.style("warn", fg="yellow")
