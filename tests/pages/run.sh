#!/bin/sh
# Tests the status page, the live page and the digest in a real Chromium, where there is one: PATCHWARDEN (the binary) and OUT may be given.
# Without Chromium or npm it says why it skips and ends with 0; PAGES_REQUIRED=1 makes that an error.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
skip() {
    echo "skipped: the pages were not looked at: $1" >&2
    [ "${PAGES_REQUIRED:-0}" = 0 ] && exit 0
    exit 1
}
CHROMIUM=${CHROMIUM:-$(command -v chromium || command -v chromium-browser || true)}
[ -n "$CHROMIUM" ] || skip "no Chromium is installed (Debian: apt-get install chromium)"
command -v npm >/dev/null || skip "no npm is installed"
export CHROMIUM
work=${OUT:-$root/target/pages}
mkdir -p "$work"
cp "$here/package.json" "$here/package-lock.json" "$here/check.mjs" "$work"
(cd "$work" && npm ci --silent --no-audit --no-fund) || skip "playwright-core could not be installed"
binary=${PATCHWARDEN:-$root/target/debug/patchwarden}
[ -x "$binary" ] || (cd "$root" && cargo build --quiet)
node "$work/check.mjs" "$binary" "$work/out" "$root"
