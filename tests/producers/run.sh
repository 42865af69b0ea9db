#!/usr/bin/env bash
# Runs the producers of evidence that public registries carry over small projects, and says what this program reads.
# Usage: tests/producers/run.sh [GROUP…], of python, node, rust, go; all by default. UPDATE=1 takes what was read as expected.
set -uo pipefail   # tools end red on purpose
export LC_COLLATE=C
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
out=$root/target/producers
patchwarden=${PATCHWARDEN:-$root/target/debug/patchwarden}
groups=("$@")
if [ ${#groups[@]} = 0 ]; then groups=(python node rust go); fi
[ -x "$patchwarden" ] || { echo "error: $patchwarden is not there: run \`cargo build\`" >&2; exit 2; }

# What a tool ended with is part of what it says. Reports on standard output go where the second argument says.
run() { local name=$1; shift; "$@" >/dev/null 2>&1; printf '%s\t%s\n' "$name" $? >>"$out/exits.tsv"; }
run_to() { local name=$1; shift; "$@" >"$out/$name" 2>/dev/null; printf '%s\t%s\n' "$name" $? >>"$out/exits.tsv"; }
have() { command -v "$1" >/dev/null || { echo "skipped: $2 ($1 is not there)" >&2; return 1; }; }

python() {
  have python3 python || return 0
  python3 -m venv "$out/venv" && "$out/venv/bin/pip" install --quiet pytest pytest-cov ruff 'bandit[sarif]' mypy || return 1
  "$out/venv/bin/pip" list --format=freeze | grep -iE '^(pytest|pytest-cov|coverage|ruff|bandit|mypy)=' >>"$out/versions.txt"
  PATH=$out/venv/bin:$PATH
  cd "$out/python" || return 1
  run pytest.xml pytest -q -p no:cacheprovider --junitxml="$out/pytest.xml"
  run pytest-pass.xml pytest -q -p no:cacheprovider --junitxml="$out/pytest-pass.xml" test_only_passes.py
  run pytest-none.xml pytest -q -p no:cacheprovider --junitxml="$out/pytest-none.xml" calc.py
  run cobertura.xml pytest -q -p no:cacheprovider --cov=calc --cov-branch --cov-report="xml:$out/cobertura.xml" test_only_passes.py
  run coverage.json pytest -q -p no:cacheprovider --cov=calc --cov-branch --cov-report="json:$out/coverage.json" test_only_passes.py
  run lcov.info pytest -q -p no:cacheprovider --cov=calc --cov-branch --cov-report="lcov:$out/lcov.info" test_only_passes.py
  run_to ruff.sarif ruff check --no-cache --output-format sarif calc.py
  run_to ruff.json ruff check --no-cache --output-format json calc.py
  run_to ruff.junit.xml ruff check --no-cache --output-format junit calc.py
  run_to ruff.gitlab.json ruff check --no-cache --output-format gitlab calc.py
  run_to ruff.rdjson.json ruff check --no-cache --output-format rdjson calc.py
  run bandit.json bandit -q -f json -o "$out/bandit.json" calc.py
  run bandit.sarif bandit -q -f sarif -o "$out/bandit.sarif" calc.py
  run bandit.junit.xml bandit -q -f xml -o "$out/bandit.junit.xml" calc.py
  run_to mypy.jsonl mypy --no-incremental -O json calc.py
  run mypy.junit.xml mypy --no-incremental --junit-xml "$out/mypy.junit.xml" calc.py
}

node() {
  have npm node || return 0
  cd "$out/node" && npm install --silent --no-audit --no-fund --no-package-lock || return 1
  { command node --version | sed 's/^/node=/'; npm list --depth=0 2>/dev/null | sed -n 's/^.*── //p'; } >>"$out/versions.txt"
  run_to eslint.json npx eslint -f json bad.js
  run_to eslint.sarif npx eslint -f @microsoft/eslint-formatter-sarif bad.js
  JEST_JUNIT_OUTPUT_FILE="$out/jest.xml" run jest.xml npx jest --reporters=jest-junit
  run vitest.xml npx vitest run --reporter=junit --outputFile="$out/vitest.xml" sum.vitest.test.mjs
  run_to mocha.xunit.xml npx mocha --reporter xunit sum.mocha.cjs
  MOCHA_FILE="$out/mocha.xml" run mocha.xml npx mocha --reporter mocha-junit-reporter sum.mocha.cjs
  run_to node.xml command node --test --test-reporter=junit sum.node.mjs
}

rust() {
  have cargo rust || return 0
  cd "$out/rust" || return 1
  cargo --version >>"$out/versions.txt"
  run_to clippy.jsonl cargo clippy --quiet --message-format=json
  run_to clippy-deny.jsonl cargo clippy --quiet --message-format=json -- -D warnings
  run_to cargo-test.jsonl cargo test --quiet --message-format=json --no-run
  if cargo nextest --version >/dev/null 2>&1; then
    mkdir -p .config && printf '[profile.default.junit]\npath = "junit.xml"\n' >.config/nextest.toml
    run nextest.xml cargo nextest run --no-fail-fast
    cp target/nextest/default/junit.xml "$out/nextest.xml"
  fi
}

go() {
  have go go || return 0
  cd "$out/go" || return 1
  command go version >>"$out/versions.txt"
  run_to go.jsonl command go test -json ./...
}

rm -rf "$out" && mkdir -p "$out" || exit 2
for group in "${groups[@]}"; do
  cp -r "$here/$group" "$out/$group"
  ("$group") || { echo "error: the tools of $group could not be run" >&2; exit 1; }
done

cd "$out" || exit 2
while IFS=$'\t' read -r name code; do
  if [ -f "$name" ]; then
    # A line per report: name, exit code, and what inspect says of it but for sizes and versions.
    "$patchwarden" inspect --format json "$name" | python3 -c '
import json, sys
one = json.load(sys.stdin)[0]
print(sys.argv[1], sys.argv[2], one["format"], one["tool"] or "-", one["substance"], one["says"] or one["malformed"], sep="\t")
' "$name" "$code"
  else
    printf '%s\t%s\tnot written\n' "$name" "$code"
  fi
done <exits.tsv | sort >read.tsv
cat versions.txt
if [ -n "${UPDATE:-}" ]; then
  cp read.tsv "$here/expected.tsv"
fi
# Groups that did not run are left out of both.
touch "$here/expected.tsv"
join -t $'\t' <(cut -f1 read.tsv) "$here/expected.tsv" | diff - read.tsv && echo "every report is read as expected"
