import type { DaemonKey } from "../../docker-config/daemon-keys.ts";
import type { Draft } from "../draft.ts";
import { daemonRules } from "./daemon.ts";
import { handlerRules } from "./handlers.ts";
import { isolationRules } from "./isolation.ts";
import { loggingRules } from "./logging.ts";
import { networkRules } from "./network.ts";
import { registryRules } from "./registries.ts";
import type { Rules } from "./rule.ts";
import { storageRules } from "./storage.ts";
import { isUnneeded, unneeded, type UnneededKey } from "./unneeded.ts";

type RuledKey = Exclude<DaemonKey, UnneededKey>;

/** All keys that are not simply unneeded; the compiler sees that none is missing. */
const rules: Rules<RuledKey> = {
  ...storageRules,
  ...handlerRules,
  ...isolationRules,
  ...loggingRules,
  ...registryRules,
  ...daemonRules,
  ...networkRules,
};

/** Converts one key, when the daemon was given it. */
export function applyRule(key: DaemonKey, draft: Draft): void {
  if (isUnneeded(key)) {
    const fact = draft.settings[key];
    if (fact !== undefined) draft.record("unneeded", key, fact, { note: unneeded[key] });
    return;
  }
  applyRuled(key, draft);
}

// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- it ties the rule to the value that it takes
function applyRuled<K extends RuledKey>(key: K, draft: Draft): void {
  const fact = draft.settings[key];
  if (fact !== undefined) rules[key](fact, draft, key);
}
