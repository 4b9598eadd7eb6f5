import { lookUp } from "#base/look-up.ts";
import { parseHumanSize, quantityText } from "../../docker-config/human-size.ts";
import type { Fact } from "../../host/source.ts";
import type { Draft } from "../draft.ts";
import type { Rules } from "./rule.ts";

type LoggingKey = "log-driver" | "log-opts" | "debug" | "log-level" | "log-format" | "metrics-addr";

/** Logs of containers, which the kubelet rotates from now on, and the daemon's own. */
export const loggingRules: Rules<LoggingKey> = {
  "log-driver": convertDriver,
  "log-opts": (fact, draft) => {
    for (const [name, value] of Object.entries(fact.value)) {
      convertOption(name, { value, source: fact.source }, draft);
    }
    putDefaultFiles(fact, draft);
  },
  debug: (fact, draft, key) => {
    if (fact.value) draft.keep("logLevel", "debug", { key, fact, note: "of the daemon's own log" });
    else draft.record("unneeded", key, fact, { note: "off, as by default" });
  },
  "log-level": (fact, draft, key) => {
    if (draft.settings.debug?.value === true) {
      draft.record("unneeded", key, fact, { note: "debug counts more" });
      return;
    }
    const level = fact.value.toLowerCase();
    if (!/^(panic|fatal|error|warn|info|debug|trace)$/.test(level)) {
      draft.record("invalid", key, fact, { note: `invalid logging level: ${fact.value}` });
    } else {
      const nearest = draft.spec.target === "ferry" ? (lookUp(ferryLevels, level) ?? level) : level;
      const to = draft.put("logLevel", nearest);
      draft.record(nearest === level ? "kept" : "changed", key, fact, { to: [to], note: "of the daemon's own log" });
    }
  },
  "log-format": (fact, draft, key) => {
    const isFerry = draft.spec.target === "ferry";
    if (isFerry && fact.value === "json") draft.record("unneeded", key, fact, { note: "ferryd writes JSON lines" });
    else {
      const action = "read the daemon's log as JSON lines";
      draft.keep("logFormat", fact.value, { key, fact, note: "of the daemon's own log", action });
    }
  },
  "metrics-addr": (fact, draft, key) => {
    const to = draft.put("metricsAddress", fact.value);
    draft.record(to === undefined ? "lost" : "changed", key, fact, {
      to: [to],
      note: to === undefined ? `${draft.spec.label} serves no metrics of its own` : "at /v1/metrics, under other names",
      action: "rewrite dashboards and alerts that use engine_daemon_*; pods' metrics are the kubelet's",
    });
  },
};

const ferryLevels: Readonly<Record<string, string>> = { panic: "error", fatal: "error", trace: "debug" };

/** Pods logged to files that the kubelet reads with these two only. */
function isFileDriver(driver: string | undefined): boolean {
  return driver === undefined || driver === "json-file" || driver === "local";
}

function convertDriver(fact: Fact<string>, draft: Draft, key: string): void {
  if (fact.value === "json-file") {
    draft.record("changed", key, fact, {
      note: "logs are files in the CRI's format below /var/log/pods, rotated by the kubelet",
      action: "check the parsers of log collectors: lines are no JSON any more",
    });
  } else if (fact.value === "local") {
    const opts = draft.settings["log-opts"]?.value ?? {};
    const size = opts["max-size"] === undefined ? [draft.putKubelet("containerLogMaxSize", "20M")] : [];
    const files = opts["max-file"] === undefined ? [draft.putKubelet("containerLogMaxFiles", 5)] : [];
    draft.record("changed", key, fact, {
      to: [...size, ...files],
      note: "logs are plain files below /var/log/pods, rotated by the kubelet at the driver's own limits",
    });
  } else {
    draft.record("lost", key, fact, {
      note: "a CRI runtime always writes files; kubectl logs works with them, where it did not before",
      action: `run a log collector as a DaemonSet that ships to where ${fact.value} went`,
    });
  }
}

function convertOption(name: string, fact: Fact<string>, draft: Draft): void {
  const key = `log-opts.${name}`;
  if (!isFileDriver(draft.settings["log-driver"]?.value)) {
    draft.record("lost", key, fact, { note: "an option of that log driver", action: "set it in the collector" });
  } else if (name === "max-size") convertSize(fact, draft, key);
  else if (name === "max-file") convertFiles(fact, draft, key);
  else if (name === "compress") {
    draft.record("unneeded", key, fact, { note: "the kubelet compresses all but the newest rotated file" });
  } else if (name === "mode" || name === "max-buffer-size") {
    draft.record("lost", key, fact, {
      note: "lines are written at once; a full pipe waits",
      action: "nothing, mostly",
    });
  } else {
    draft.record("lost", key, fact, {
      note: "lines carry time, stream and text only",
      action: "let the collector add the pod's labels and annotations",
    });
  }
}

function convertSize(fact: Fact<string>, draft: Draft, key: string): void {
  const bytes = parseHumanSize(fact.value);
  if (bytes === undefined) {
    draft.record("invalid", key, fact, { note: `invalid size: '${fact.value}'` });
    return;
  }
  const isUnlimited = bytes <= 0;
  const text = isUnlimited ? "-1" : quantityText(bytes);
  draft.record("kept", key, fact, {
    to: [draft.putKubelet("containerLogMaxSize", text)],
    note: isUnlimited
      ? "without a limit, which for the kubelet is -1"
      : `${bytes} bytes: Docker's units are powers of 1000, and so are the kubelet's without an i`,
  });
}

function convertFiles(fact: Fact<string>, draft: Draft, key: string): void {
  const files = Number(fact.value);
  if (!Number.isSafeInteger(files) || files < 1) {
    draft.record("invalid", key, fact, { note: `max-file cannot be ${fact.value}` });
    return;
  }
  const count = Math.max(2, files);
  draft.record(count === files ? "kept" : "changed", key, fact, {
    to: [draft.putKubelet("containerLogMaxFiles", count)],
    note: count === files ? "the current file is counted, as it was" : "the kubelet keeps at least 2",
  });
}

/** Docker keeps one file where only a size is given; the kubelet would keep five. */
function putDefaultFiles({ value, source }: Fact<Readonly<Record<string, string>>>, draft: Draft): void {
  const driver = draft.settings["log-driver"]?.value ?? "json-file";
  if (driver !== "json-file" || value["max-size"] === undefined || value["max-file"] !== undefined) return;
  draft.record(
    "changed",
    "log-opts.max-file",
    { value: "1 (default)", source },
    {
      to: [draft.putKubelet("containerLogMaxFiles", 2)],
      note: "the kubelet keeps at least 2",
    },
  );
}
