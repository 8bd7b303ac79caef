"""`xtransfer serve`: runs Prefect server, worker and deployments on this machine until Ctrl-C."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

import typer
from rich.status import Status

from flows import password
from flows.commands.run import Workers
from flows.prefect_app import LOOPBACK
from flows.prefect_guard import ADDRESS
from flows.prefect_login import link
from flows.prefect_server import SERVED, Place, healthy, password_file, prefect_api
from flows.private import read_json, write_json
from flows.terminal import Console
from xtransfer.base.errors import RequestError, SourceError
from xtransfer.base.settings import current
from xtransfer.store.lease import lease_if_free

if TYPE_CHECKING:
    from flows.serving.service import Service

_PORT, _HOST = 4200, "127.0.0.1"
_WITH_PORT = re.compile(r"(?:\w+://)?([^:/]+|\[.*\]):(\d+)/?")


def command(
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port of the server; 0: any free port.")] = _PORT,
    host: Annotated[str, typer.Option(help="Address to listen on; any but loopback needs your own password.")] = _HOST,
    password_file: Annotated[
        Path | None,
        typer.Option(
            help="File whose first line is user:password, readable only by you. "
            f"Or set {password.SERVER}; passwords are never arguments."
        ),
    ] = None,
    workers: Workers = None,
) -> None:
    """Run Prefect's server, a worker and the deployments until Ctrl-C; a second call says what is running."""
    if (found := _WITH_PORT.fullmatch(host)) is not None:
        raise RequestError(f"--host {host}: give the port apart, --host {found[1]} --port {found[2]}")
    home = current().prepare().home
    console = Console()
    with lease_if_free(home / "prefect" / "serve.lock") as is_ours:
        if not is_ours:
            facts = read_json(home / "prefect" / SERVED)
            _say_running(home, facts, console)
            _demand_as_running(home, facts, Place(host, port, password_file), workers)
            return
        _keep_safe(host, password.require(password_file))
        _serve(home, Place(host, port, password_file), workers, console)


def _demand_as_running(home: Path, facts: Mapping[str, object], place: Place, workers: int | None) -> None:
    """Raise RequestError for options that a server which runs already cannot take on."""
    url = urlsplit(str(facts.get("url", "")))
    kept = read_json(home / "prefect" / ADDRESS).get("password_file")
    ignored = {
        "--port": place.port not in (_PORT, 0, url.port),
        "--host": place.host not in (_HOST, facts.get("host")),
        "--password-file": place.password_file is not None and str(place.password_file.absolute()) != kept,
        "--workers": workers is not None,
    }
    if names := [name for name, is_ignored in ignored.items() if is_ignored]:
        raise RequestError(f"{', '.join(names)}: read only when serve starts; stop the running one first")


def _keep_safe(host: str, has_password: bool) -> None:
    if host not in LOOPBACK and not has_password and not os.environ.get("PREFECT_API_URL"):
        raise RequestError(
            f"--host {host}: whoever reaches the server could run programs as you; set a password with "
            f"--password-file, or keep 127.0.0.1 and connect by `ssh -L 4200:127.0.0.1:4200 THIS-MACHINE`"
        )


def _serve(home: Path, place: Place, workers: int | None, console: Console) -> None:
    state = home / "prefect" / SERVED
    with console.status("starting the Prefect server") as status, prefect_api(home, place=place) as url:
        from flows.serving.service import Service, share_out  # Prefect reads its settings when it is imported

        share_out(workers)
        service = Service(home, url)
        names = _prepared(service, status)
        try:
            service.start()
            write_json(state, _facts(url, place, names))
            status.stop()
            _say_ready(home, url, names, console)
            service.keep()
        finally:
            status.update("ending the worker and its runs")
            status.start()
            service.stop()
            state.unlink(missing_ok=True)
    console.print("Stopped. Finished stages are kept; start a study again to resume it.", soft_wrap=True)


def _prepared(service: Service, status: Status) -> list[str]:
    """Prepare the service and return its deployments; raises SourceError if the server refuses."""
    import httpx

    try:
        return service.prepare(status.update)
    except httpx.HTTPError as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]  # a timeout has no message
        hint = f"if it has a password, set {password.CLIENT}"
        raise SourceError(f"the Prefect server at {service.url} refused a request ({reason}); {hint}") from error


def _facts(url: str, place: Place, names: list[str]) -> dict[str, object]:
    since = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
    return {"url": url, "host": place.host, "pid": os.getpid(), "since": since, "deployments": names}


def _say_ready(home: Path, url: str, names: list[str], console: Console) -> None:
    lines = [
        f"[bold]Prefect UI[/bold]   {url.removesuffix('/api')}",
        *_ways_in(home, url),
        f"deployments  {', '.join(names)}",
        "next         log in, choose a deployment, Run > Custom run, fill in the form",
        "Ctrl-C ends the worker, its runs and the server",
    ]
    console.print("\n".join(lines), highlight=False, soft_wrap=True)


def _ways_in(home: Path, url: str) -> list[str]:
    """How to log in. A link is for a terminal only: other users may read the file that the output went to."""
    address = read_json(home / "prefect" / ADDRESS)
    if address.get("url") != url:  # PREFECT_API_URL names another server
        return []
    if sys.stdout.isatty():
        try:
            return [f"log in       {link(url, password.give(password_file(address)))} (works once, within an hour)"]
        except (RequestError, SourceError):  # the password was in the environment of another process
            pass
    key = f"the line in {address['password_file']}" if address.get("has_key") else "your password, as user:password"
    return [f"log in       with {key}; or run `xtransfer serve` again in a terminal to get a link"]


def _say_running(home: Path, facts: Mapping[str, object], console: Console) -> None:
    """Print what another `xtransfer serve` of this home is running."""
    url, names = facts.get("url"), facts.get("deployments")
    if not isinstance(url, str):
        console.print("xtransfer serve is starting; try again in a minute")
        return
    health = "" if healthy(url) else "; not answering at the moment"
    ways_in = "" if health else "".join(f"{way}\n" for way in _ways_in(home, url))
    console.print(
        f"xtransfer serve has run since {facts['since']}: {url.removesuffix('/api')}{health}\n"
        f"{ways_in}deployments  {', '.join(map(str, names if isinstance(names, list) else []))}\n"
        f"to stop it: Ctrl-C where it was started, or `kill {facts['pid']}`",
        highlight=False,
        soft_wrap=True,
    )
