#!/bin/sh
# Format, lint, types, layers, dependencies: no warnings.
set -eu
cd "$(dirname "$0")/.."
PATH="$PWD/node_modules/node/bin:$PWD/node_modules/.bin:$PATH"
# A branch that brought packages: take them, whatever runs from this tree goes on.
node -e '
  const { dependencies, devDependencies } = require("./package.json");
  const isHere = ([name, version]) => require(`./node_modules/${name}/package.json`).version === version;
  process.exit(Object.entries({ ...dependencies, ...devDependencies }).every(isHere) ? 0 : 1);
' 2>/dev/null || npm install --no-save --no-audit --no-fund --loglevel=error >&2
oxfmt --check .
oxlint --deny-warnings
tsc --noEmit
node --conditions=source --test --test-reporter=dot test/layers.test.ts test/dependencies.test.ts
