"""What is measured, built where it is not given: the static executable, and what cargo makes by name."""
import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


def patchwarden(**environment):
    """The executable PATCHWARDEN names, else the one scripts/build-static makes with these variables set."""
    given = os.environ.get("PATCHWARDEN")
    if given:
        return given
    subprocess.run([ROOT / "scripts" / "build-static"], check=True, stdout=sys.stderr, env={**os.environ, **environment})
    return str(ROOT / "target" / "static" / "patchwarden")


def suite():
    """The integration suite STEP_FORGE names or cargo builds, whose fake forge serves the whole step."""
    return os.environ.get("STEP_FORGE") or cargo_executable(["test", "--profile", "bench", "--test"], "integration")


def cargo_executable(words, name):
    """What cargo builds by these words and this name."""
    words = ["cargo", *words, name, "--locked", "--no-run", "--message-format", "json"]
    done = subprocess.run(words, check=True, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    messages = [json.loads(text) for text in done.stdout.splitlines()]
    return next(one["executable"] for one in messages
                if one.get("target", {}).get("name") == name and one.get("executable"))
