#!/bin/sh
# Runs a script of ours with the bundled runtime; installs the npm packages first where they are missing.
#   with-node.sh SCRIPT.ts [args...]
set -eu
cd "$(dirname "$0")/.."
case "$(uname -s)" in
  Linux) ;;
  *) echo "ferry: this needs Linux (this is $(uname -s)); run it in a Debian 12 virtual machine" >&2; exit 69 ;;
esac
if ! command -v npm >/dev/null 2>&1; then
  echo "ferry: npm is missing; install it with: apt-get install -y nodejs npm" >&2; exit 69
fi
if [ ! -x node_modules/node/bin/node ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
  echo "installing npm packages..." >&2
  npm ci --no-audit --no-fund --loglevel=error >&2
  touch node_modules/.package-lock.json
fi
script=$1; shift
exec node_modules/node/bin/node --conditions=source --disable-warning=ExperimentalWarning "$script" "$@"
