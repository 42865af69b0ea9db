#!/bin/sh
# Runs the binary of this release tree: `run.sh gate` or `run.sh record`, the action's inputs being in the environment.
# Portable sh. What comes from outside stays in variables that are only ever expanded between double quotes: nothing
# is evaluated, and nothing of it is printed, because a line of it could be a workflow command.
set -eu

# fail CODE WHAT [HINT…]
fail() {
  code=$1
  printf 'error: %s\n' "$2" >&2
  shift 2
  for hint in "$@"; do printf 'hint: %s\n' "$hint" >&2; done
  exit "$code"
}

# The SHA-256 of the file $1, by whichever tool this machine has.
sha256_of() {
  if command -v sha256sum >/dev/null 2>&1; then
    sum=$(sha256sum <"$1")
  elif command -v shasum >/dev/null 2>&1; then
    sum=$(shasum -a 256 <"$1")
  elif command -v openssl >/dev/null 2>&1; then
    sum=$(openssl dgst -sha256 -r <"$1")
  else
    fail 1 "nothing was run: the binary could not be verified, because \`sha256sum\`, \`shasum\` and \`openssl\` are all missing" \
      "install one of them in the job's image"
  fi
  printf '%s\n' "${sum%% *}"
}

# Sets `binary` to the verified executable for this machine.
find_binary() {
  case $0 in */*) root=${0%/*}/.. ;; *) root=.. ;; esac
  root=$(CDPATH='' cd -- "$root" && pwd -P)
  machine=$(uname -m)
  case $machine in amd64) machine=x86_64 ;; arm64) machine=aarch64 ;; esac
  system=$(uname -s)
  case $system in Linux) system=linux ;; esac
  name=patchwarden-$machine-$system
  binary=$root/bin/$name
  if [ ! -d "$root/bin" ]; then
    fail 1 "nothing was run: this is the source tree of the action, which holds no binary" \
      "name a release in \`uses:\`, such as \`…/patchwarden@v1\`, or the full commit of one"
  fi
  if [ ! -f "$binary" ]; then
    fail 1 "nothing was run: this release has no binary for \`$machine-$system\`" \
      "let the job run on a runner with x86_64 Linux (\`runs-on\`)" \
      "or build it there with \`cargo build --release --locked\`, commit it as \`bin/$name\` with its \`bin/$name.sha256\` to a copy of the release tree, and name that in \`uses:\`"
  fi
  if [ ! -f "$binary.sha256" ]; then
    fail 1 "nothing was run: \`bin/$name.sha256\` is missing beside the binary" \
      "name another release in \`uses:\`; this one is not complete"
  fi
  wanted=
  # A last line without its line break is read all the same.
  read -r wanted _ <"$binary.sha256" || [ -n "$wanted" ] || fail 1 "nothing was run: \`bin/$name.sha256\` is empty"
  found=$(sha256_of "$binary")
  if [ "$found" != "$wanted" ]; then
    fail 1 "nothing was run: the binary's SHA-256 is not the one beside it" \
      "the copy of the action on this runner is damaged or was changed: clear the runner's cache of actions and run again"
  fi
  if [ ! -x "$binary" ]; then
    fail 1 "nothing was run: \`bin/$name\` is not executable" \
      "the release tree must keep its mode (100755)"
  fi
}

# on_off NAME VALUE: whether a yes-or-no input says yes.
on_off() {
  case $2 in
    true) return 0 ;;
    false | '') return 1 ;;
    *) fail 2 "the input \`$1\` is neither \`true\` nor \`false\`" ;;
  esac
}

gate() {
  set -- gate
  if [ -n "${PATCHWARDEN_INPUT_POLICY:-}" ]; then set -- "$@" "--policy=$PATCHWARDEN_INPUT_POLICY"; fi
  if [ -n "${PATCHWARDEN_INPUT_FROM:-}" ]; then set -- "$@" "--from=$PATCHWARDEN_INPUT_FROM"; fi
  if [ -n "${PATCHWARDEN_INPUT_WAIT:-}" ]; then set -- "$@" "--wait=$PATCHWARDEN_INPUT_WAIT"; fi
  if [ -n "${PATCHWARDEN_INPUT_PULL:-}" ]; then set -- "$@" "--pull=$PATCHWARDEN_INPUT_PULL"; fi
  if [ -n "${PATCHWARDEN_INPUT_OUT:-}" ]; then set -- "$@" "--out=$PATCHWARDEN_INPUT_OUT"; fi
  if [ -n "${PATCHWARDEN_INPUT_CAPTURE:-}" ]; then set -- "$@" "--capture=$PATCHWARDEN_INPUT_CAPTURE"; fi
  case ${PATCHWARDEN_INPUT_COMMIT_STATUS:-} in
    '' | false) ;;
    true) set -- "$@" --commit-status ;;
    *) set -- "$@" "--commit-status=$PATCHWARDEN_INPUT_COMMIT_STATUS" ;;
  esac
  if on_off comment "${PATCHWARDEN_INPUT_COMMENT:-}"; then set -- "$@" --comment; fi
  # `PATCHWARDEN_NEEDS` and `PATCHWARDEN_TOKEN` are read by the binary: other processes can see arguments.
  exec "$binary" "$@"
}

record() {
  run=${PATCHWARDEN_INPUT_RUN:-}
  artifact=${PATCHWARDEN_INPUT_ARTIFACT:-${PATCHWARDEN_INPUT_ID:-}}
  if [ -z "$run" ]; then fail 2 "the command was not run: the input \`run\` is empty"; fi
  if [ -z "${PATCHWARDEN_INPUT_REPORT:-}" ]; then fail 2 "the command was not run: the input \`report\` is empty"; fi
  case $artifact in
    '') fail 2 "the command was not run: the inputs \`artifact\` and \`id\` are both empty" ;;
    .* | */*) fail 2 "the command was not run: the name of the artifact starts with a dot or has a slash" ;;
  esac
  # One folder per artifact and attempt, so that two steps of a job may share an artifact and nothing old is found.
  out=${RUNNER_TEMP:-${TMPDIR:-/tmp}}/patchwarden-record
  out=$out/${GITHUB_RUN_ID:-0}-${GITHUB_JOB:-job}-${GITHUB_RUN_ATTEMPT:-1}/$artifact

  set -- record "--out=$out" "--upload=$artifact"
  if [ -n "${PATCHWARDEN_INPUT_ID:-}" ]; then set -- "$@" "--id=$PATCHWARDEN_INPUT_ID"; fi
  if [ -n "${PATCHWARDEN_INPUT_FORMAT:-}" ]; then set -- "$@" "--format=$PATCHWARDEN_INPUT_FORMAT"; fi
  # Several, one a line; neither split at blanks nor expanded.
  set -f
  IFS='
'
  for line in $PATCHWARDEN_INPUT_REPORT; do set -- "$@" "--report=$line"; done
  for line in ${PATCHWARDEN_INPUT_INPUT:-}; do set -- "$@" "--input=$line"; done
  unset IFS
  set +f
  # As the runner itself runs a step: bash where there is one, else sh, ended by the first command that fails.
  if command -v bash >/dev/null 2>&1; then
    set -- "$@" -- bash --noprofile --norc -e -o pipefail -c "$run"
  else
    set -- "$@" -- sh -e -c "$run"
  fi
  exec "$binary" "$@"
}

case ${1:-} in
  gate | record)
    find_binary
    "$1"
    ;;
  *) fail 2 "usage: run.sh gate|record" ;;
esac
