"""The workloads of scripts/bench: what is run of ours, what of others, and the bar of each (issue "Measured speed").

A row is made for one size; `SIZES` says which share of the full size the three sizes are.
"""
import json
import os
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass, field

import inputs
from inputs import HEAD, MIB
from measure import Program

SIZES = (100, 10, 1)
SERVER = os.path.join(os.path.dirname(__file__), "artifact_server.py")


@dataclass
class Bar:
    """Against one other program: ours takes at most `times` of it, or it takes at least `faster` times ours."""

    other: Program
    times: float = 0
    faster: float = 0


@dataclass
class Row:
    """One workload at one size."""

    name: str
    size: int
    ours: Program
    bars: list
    memory_mib: float = 0
    # Where ours may take at most this share of the memory of the first other.
    memory_share: float = 0
    done: list = field(default_factory=list)

    def finish(self):
        for undo in self.done:
            undo()


@dataclass
class Tools:
    """Where the programs are."""

    patchwarden: str
    hello: str
    python: str
    node: str
    suite: str
    bare: str
    folder: str

    def path(self, *parts):
        return os.path.join(self.folder, *parts)


def start(tools, _):
    ours = Program("patchwarden --version", [tools.patchwarden, "--version"], repeat=100)
    hello = Program("static hello-world", [tools.hello], repeat=100)
    return Row("start (`--version`)", 1, ours, [Bar(hello, times=1.5)])


def small_gate(tools, _):
    folder = tools.path("small")
    shutil.rmtree(folder, ignore_errors=True)
    evidence, policy = inputs.ten_small_reports(folder)
    words = [tools.patchwarden, "gate", "--evidence", evidence, "--head", HEAD, "--policy", policy,
             "--out", os.path.join(folder, "out"), "--now", "2026-11-21T12:00:00Z"]
    ours = Program("patchwarden gate", words, repeat=50)
    begin = Program("its own start", [tools.patchwarden, "--version"], repeat=50)
    return Row("`gate` over 10 small reports", 1, ours, [Bar(begin, times=3)], memory_mib=12)


def report(tools, path, name, bare, other):
    """One report that is there: beside the bare parser of this name, and a tool of the same purpose."""
    ours = Program("patchwarden inspect", [tools.patchwarden, "inspect", path])
    loop = Program(f"bare `{bare}`", [tools.bare, "bare", name.partition(",")[0], path])
    return Row(name, os.path.getsize(path), ours, [Bar(loop, times=1.3), Bar(other, faster=30)], memory_mib=48,
               done=[lambda: os.remove(path)])


def sarif(tools, part):
    path = tools.path("report.sarif")
    inputs.sarif(path, 80_000 // part)
    other = Program("`sarif-tools`", [os.path.join(tools.python, "sarif"), "summary", path])
    return report(tools, path, "SARIF, 80,000 results", "serde_json", other)


def junit(tools, part):
    path = tools.path("junit.xml")
    inputs.junit(path, 1_000_000 // part)
    other = Program("`junitparser`", [os.path.join(tools.python, "junitparser"), "verify", path])
    return report(tools, path, "JUnit, 1,000,000 cases", "quick-xml", other)


def archive(tools, part):
    path = tools.path("reports.zip")
    inputs.zip_of_reports(path, 1024 * MIB // part, 200, tools.folder)
    other = Program("`unzip -p` piped to `sha256sum`", f"unzip -p {path} | sha256sum")
    ours = Program("patchwarden inspect", [tools.patchwarden, "inspect", path])
    return Row("zip, 200 reports of 1 GiB together, hashed and parsed", 1024 * MIB // part, ours,
               [Bar(other, times=1.15)], memory_mib=64, done=[lambda: os.remove(path)])


class Served:
    """The artifact server as a process, and the environment of a step that uses it."""

    def __init__(self, path):
        self.process = subprocess.Popen([sys.executable, SERVER, path], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        self.url = self.process.stdout.readline().strip()
        self.env = {
            "GITHUB_ACTIONS": "true", "GITHUB_SERVER_URL": self.url, "GITHUB_API_URL": self.url + "/api/v1",
            "GITHUB_REPOSITORY": "boss/demo", "GITHUB_RUN_ID": "7", "GITHUB_RUN_NUMBER": "1",
            "GITHUB_RUN_ATTEMPT": "1", "GITHUB_JOB": "gate", "GITHUB_WORKFLOW": "ci",
            "ACTIONS_RUNTIME_TOKEN": "a.b.c", "ACTIONS_RESULTS_URL": self.url,
            "ACTIONS_RUNTIME_URL": self.url + "/api/actions_pipeline/", "no_proxy": "127.0.0.1",
        }

    def stop(self):
        self.process.stdin.close()
        self.process.wait()


def download(tools, part):
    """Ours unpacks what it downloaded as well, which the others do not."""
    path, out = tools.path("big.bin"), tools.path("out")
    inputs.noise(path, 1024 * MIB // part)
    packed = inputs.stored_zip(path)
    served = Served(packed)
    ours = Program("patchwarden artifact download", [tools.patchwarden, "artifact", "download", "big", "--out", out],
                   served.env, before=lambda: shutil.rmtree(out, ignore_errors=True))
    other = Program("`curl` piped to `sha256sum`", f"curl -sf {served.url}/file | sha256sum")
    clean = [served.stop, lambda: os.remove(path), lambda: os.remove(packed),
             lambda: shutil.rmtree(out, ignore_errors=True)]
    return Row("download of 1 GiB, hashed and unpacked", 1024 * MIB // part, ours, [Bar(other, times=1.15)],
               memory_mib=64, done=clean)


def upload(tools, part):
    """Ours also hashes, as the protocol demands: the second comparison is with a curl that does so too."""
    path = tools.path("big.bin")
    inputs.noise(path, 1024 * MIB // part)
    served = Served(path)
    ours = Program("patchwarden artifact upload", [tools.patchwarden, "artifact", "upload", "big", path], served.env)
    bare = Program("`curl -T`", f"curl -sfT {path} {served.url}/upload")
    hashed = Program("`sha256sum`, then `curl -T`", f"sha256sum {path} && curl -sfT {path} {served.url}/upload")
    return Row("upload of 1 GiB by v4", 1024 * MIB // part, ours, [Bar(bare, times=1.25), Bar(hashed, times=1.25)],
               memory_mib=64, done=[served.stop, lambda: os.remove(path)])


class StepForge:
    """The forge of the test suite as a process, with a run that waits for its gate."""

    def __init__(self, suite):
        self.process = subprocess.Popen([suite, "--ignored", "--exact", "--nocapture",
                                         "cases::in_run::step_forge::serves_the_step_of_the_benchmark"],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for text in self.process.stdout:
            if text.startswith("step "):
                facts = json.loads(text[5:])
                self.env, self.workspace = facts["env"], facts["workspace"]
                return
        raise SystemExit("error: the forge of the step did not start")

    def stop(self):
        self.process.stdin.close()
        self.process.stdout.read()
        self.process.wait()


def step(tools, _):
    """What a workflow would do with actions of Node: fetch all, ask each by jq, write a verdict, put it back."""
    forge = StepForge(tools.suite)
    client = os.path.join(os.path.dirname(__file__), "node_step.js")
    out, verdict = tools.path("step"), tools.path("verdict.txt")
    asked = "[.runs[].results[] | select(.level == \"error\")] | length"
    line = (f"node {client} download {out} && for f in {out}/*/lint.sarif; do jq {shlex.quote(asked)} $f || exit 1; done"
            f" > {verdict} && node {client} upload verdict {verdict}")
    node_env = {**forge.env, "NODE_PATH": os.path.join(tools.node, "node_modules")}
    ours = Program("patchwarden gate", ["env", "-C", forge.workspace, tools.patchwarden, "gate"], forge.env)
    other = Program("`@actions/artifact` 1.x and `jq`", line, node_env, before=lambda: shutil.rmtree(out, ignore_errors=True))
    return Row("the whole step, ten artifacts of 2 MB", 1, ours, [Bar(other, faster=10)], memory_share=0.2,
               done=[forge.stop, lambda: shutil.rmtree(out, ignore_errors=True)])


ROWS = {
    "start": (start, (1,)),
    "gate": (small_gate, (1,)),
    "sarif": (sarif, SIZES),
    "junit": (junit, SIZES),
    "zip": (archive, SIZES),
    "download": (download, SIZES),
    "upload": (upload, SIZES),
    "step": (step, (1,)),
}
