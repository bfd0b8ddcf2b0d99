"""What the benchmarks share."""

import os
import pathlib
import platform
import shutil
import subprocess
import sys
import time

BENCH = pathlib.Path(__file__).resolve().parent
ROOT = BENCH.parent


class CommandFailed(Exception):
    pass


def run(*words, env=None, cwd=None, check=True):
    """Runs a program to its end and gives its output; a failure shows what it said."""
    done = subprocess.run([str(word) for word in words], cwd=cwd, env={**os.environ, **(env or {})},
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if check and done.returncode != 0:
        raise CommandFailed(f"{' '.join(str(word) for word in words)}: status {done.returncode}\n{done.stdout[-3000:]}")
    return done.stdout


def seconds(action):
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def say(text):
    print(text, file=sys.stderr, flush=True)


def envtool_environment(work):
    return {"ENVTOOL_HOME": str(work / "home"), "ENVTOOL_ROOT": str(work / "root")}


def make_box(program, work):
    """The recipe's box as a `.box` file that both programs read. Gives the file and the directory with its parts."""
    project = work / "recipe"
    project.mkdir()
    (project / "Envfile").write_text("name: recipe\nbox: build:debian/bookworm\nfolders: []\n")
    run(program, "-C", project, "up", env=envtool_environment(work))
    run(program, "-C", project, "destroy", "--yes", env=envtool_environment(work))
    (rootfs,) = (work / "home/data/boxes").glob("*/rootfs.tar.zst")
    parts = work / "box"
    parts.mkdir()
    run("sh", "-c", 'zstd -qdc "$1" | gzip -1 > "$2"', "sh", rootfs, parts / "rootfs.tar.gz")  # vagrant-lxc reads gzip only
    shutil.copy(rootfs.parent / "metadata.json", parts)
    box = work / "bench.box"
    run("tar", "-cf", box, "-C", parts, "./metadata.json", "./rootfs.tar.gz")
    return box, parts


def duration(value):
    if value is None:
        return "-"
    return f"{value * 1000:.0f} ms" if value < 1 else f"{value:.2f} s"


def host_line():
    cpu = next((line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")),
               platform.machine())
    memory = int(next(line for line in open("/proc/meminfo") if line.startswith("MemTotal")).split()[1]) / 2**20
    system = platform.freedesktop_os_release().get("PRETTY_NAME", "Linux")
    return (f"{os.cpu_count()} x {cpu}, {memory:.0f} GiB, {system}, kernel {platform.release()}, "
            f"load before: {os.getloadavg()[0]:.1f}")


def find_envtool(name):
    for candidate in (os.environ.get("ENVTOOL"), *(ROOT / "build" / preset / "envtool" for preset in ("release", "ci")), shutil.which("envtool")):
        if candidate and os.access(candidate, os.X_OK):
            return pathlib.Path(candidate).resolve()
    sys.exit(f"{name}: there is no envtool\n  hint: scripts/setup, or ENVTOOL=/path/to/envtool")
