#!/bin/sh
# Format, lint, types, layers: no warnings.
set -eu
cd "$(dirname "$0")/.."
PATH="$PWD/node_modules/node/bin:$PWD/node_modules/.bin:$PATH"
oxfmt --check .
oxlint --deny-warnings
tsc --noEmit
node --conditions=source --test --test-reporter=dot test/layers.test.ts
