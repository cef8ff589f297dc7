"""The command ``progress-bridge status``: what waits in the outbox, and why."""

from __future__ import annotations

from contextlib import closing
from dataclasses import asdict
from typing import Any, Final

import click

from bridge.cli.context import Context, json_option, pass_context
from bridge.cli.errors import DEAD_LETTERS, MEND, TRY_LATER
from bridge.cli.output import example, print_json
from bridge.config import Settings
from bridge.delivery.status import Overview, State, Worker, duration, overview

_EXIT_CODES: Final = {State.PAUSED: MEND, State.STOPPED: MEND, State.RETRYING: TRY_LATER}


@click.command(epilog=example("--config bridge.yaml status"))
@json_option
@pass_context
def status(context: Context, as_json: bool) -> None:
    """Tell what waits in the outbox, why it has not arrived, and who is not erased yet.

    Exit code 0 when nothing waits or it is being delivered; 1 when somebody has to mend something
    or no deliverer is running; 3 when the store or the outbox is not available now; 4 when it
    would be 0, but for dead letters.
    """
    settings = context.settings()
    with closing(context.outbox()) as outbox:
        found = overview(outbox)
    if as_json:
        print_json(_as_json(settings, found))
    else:
        _print_overview(settings, found)
    raise SystemExit(_exit_code(found))


def _exit_code(found: Overview) -> int:
    """Return what delivery deserves, and where that is well what the dead letters do."""
    return _EXIT_CODES.get(found.state) or (DEAD_LETTERS if found.counts.dead else 0)


def _print_overview(settings: Settings, found: Overview) -> None:
    counts = found.counts
    assert settings.outbox  # noqa: S101 -- context.outbox() has seen to it
    click.echo(f"Outbox: {settings.outbox.shown_url}")
    click.echo(f"Store:  {settings.store.shown_url}")
    oldest = "–" if counts.oldest is None else f"{duration(counts.oldest)} ago"
    for name, value, meaning in (
        ("Waiting", f"{counts.waiting:,}", "accepted, to be delivered"),
        ("Leased", f"{counts.leased:,}", "in the hands of a deliverer"),
        ("Dead letters", f"{counts.dead:,}", _about_dead_letters(counts.dead)),
        ("Oldest", oldest, "accepted, of those waiting or leased"),
        ("Erasures", f"{counts.erasures:,}", _about_erasures(counts.oldest_erasure)),
        ("Rate", f"{found.rate:g} a second", "delivered in the last minute"),
    ):
        click.echo(f"  {name:<13} {value:<18} {meaning}".rstrip())
    alive = [worker for worker in found.workers if worker.alive]
    for worker in alive or found.workers[:1]:
        click.echo(f"Deliverer {worker.name}: {_activity(worker)}")
    if found.last_error:
        seconds, worker = found.last_error
        click.echo(f"Last error {duration(seconds)} ago: {worker.report.last_error}")
    click.echo(click.style(f"{found.state.upper()}: {found.why}", bold=True))
    if found.remedy:
        click.echo(f"  → {found.remedy}")
    if found.counts.dead:
        click.echo(click.style(f"DEAD LETTERS: {_dead_letters(found.counts.dead)}", bold=True))
        click.echo(f"  → {_DECIDE}")


_DECIDE: Final = (
    "`progress-bridge dead list` tells why; mend it and `dead replay`, or forget them: `dead drop`"
)


def _dead_letters(count: int) -> str:
    if count == 1:
        return "1 completion is not recorded, and is not tried again"
    return f"{count:,} completions are not recorded, and are not tried again"


def _about_dead_letters(count: int) -> str:
    return "refused by the store; `progress-bridge dead list` tells why" if count else ""


def _about_erasures(oldest: float | None) -> str:
    since = "" if oldest is None else f": the first {duration(oldest)} ago"
    return f"of learners, asked for and not done{since}"


def _activity(worker: Worker) -> str:
    report = worker.report
    if report.state is State.STOPPED:
        return f"stopped {duration(worker.age)} ago"
    if not worker.alive:
        return f"not heard of for {duration(worker.age)}; was it killed?"
    if report.state is State.DELIVERING:
        return f"delivering, {report.rate:g} a second"
    return f"{report.state} for {duration(report.seconds + worker.age)}: {report.why}"


def _as_json(settings: Settings, found: Overview) -> dict[str, Any]:
    error = found.last_error
    return {
        "outbox": settings.outbox and settings.outbox.shown_url,
        "store": settings.store.shown_url,
        "ok": _exit_code(found) == 0,
        "state": found.state,
        "why": found.why,
        "remedy": found.remedy,
        "waiting": found.counts.waiting,
        "leased": found.counts.leased,
        "dead": found.counts.dead,
        "oldest_seconds": found.counts.oldest,
        "erasures": found.counts.erasures,
        "oldest_erasure_seconds": found.counts.oldest_erasure,
        "rate": found.rate,
        "last_error": error
        and {
            "message": error[1].report.last_error,
            "seconds_ago": round(error[0], 1),
            "deliverer": error[1].name,
        },
        "deliverers": [
            {"name": worker.name, "alive": worker.alive, "seconds_ago": round(worker.age, 1)}
            | asdict(worker.report)
            for worker in found.workers
        ],
    }
