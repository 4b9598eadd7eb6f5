#!/bin/sh
# Makes src/gen from proto/. With --check: fails when it is not what proto/ says, and changes nothing.
set -eu
cd "$(dirname "$0")/.."
PATH="$PWD/node_modules/node/bin:$PWD/node_modules/.bin:$PATH"
export BUF_CACHE_DIR="${TMPDIR:-/tmp}/ferry-buf-cache"
if [ "${1:-}" != --check ]; then
  cd proto
  exec buf generate
fi
made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT
(cd proto && buf generate --output "$made/proto")
diff -r "$made/src/gen" src/gen
