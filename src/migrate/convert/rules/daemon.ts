import type { Fact } from "../../host/source.ts";
import type { Draft } from "../draft.ts";
import type { Rules } from "./rule.ts";

type DaemonRuleKey =
  | "authorization-plugins"
  | "builder"
  | "cdi-spec-dirs"
  | "features"
  | "group"
  | "hosts"
  | "nri-opts"
  | "proxies"
  | "tls"
  | "tlscacert"
  | "tlscert"
  | "tlskey"
  | "tlsverify";

/** Docker's API, and what the daemon does beside running containers. */
export const daemonRules: Rules<DaemonRuleKey> = {
  "authorization-plugins": (fact, draft, key) =>
    draft.record("lost", key, fact, {
      note: "no plugin is asked about what the kubelet does",
      action: "decide at the API server: admission policies, RBAC",
    }),
  builder: (fact, draft, key) =>
    draft.record("lost", key, fact, {
      note: `${draft.spec.label} builds no images`,
      action: "where the node builds, run BuildKit and give it the limits in buildkitd.toml",
    }),
  "cdi-spec-dirs": (fact, draft, key) =>
    draft.keep("cdiDirectories", [...fact.value], {
      key,
      fact,
      note: "where devices are described",
      action: "put the specifications into /etc/cdi or /var/run/cdi",
    }),
  features: (fact, draft) => {
    for (const [name, value] of Object.entries(fact.value)) {
      convertFeature(name, { value, source: fact.source }, draft);
    }
  },
  group: (fact, draft, key) => {
    const to = draft.put("socketGroup", fact.value);
    if (to !== undefined) draft.record("kept", key, fact, { to: [to], note: "who may use docker.sock" });
    else {
      draft.record("unneeded", key, fact, {
        note: "the socket stays root's: whoever may use it is root",
        action: "give people who used docker on the node kubectl, or crictl by sudo",
      });
    }
  },
  hosts: (fact, draft) => {
    for (const host of fact.value) convertHost({ value: host, source: fact.source }, draft);
  },
  "nri-opts": (fact, draft, key) => {
    const { enable, "plugin-path": plugins, "plugin-config-path": configs, "socket-path": socket } = fact.value;
    const value = {
      disable: enable !== true,
      ...(typeof plugins === "string" && { plugin_path: plugins }),
      ...(typeof configs === "string" && { plugin_config_path: configs }),
      ...(typeof socket === "string" && { socket_path: socket }),
    };
    if (enable === true) draft.keep("nri", value, { key, fact, note: "the same plugins" });
    else draft.record("unneeded", key, fact, { note: "off" });
  },
  proxies: (fact, draft) => {
    for (const [name, value] of Object.entries(fact.value)) {
      convertProxy(name.replaceAll("-", "_").toUpperCase(), { value, source: fact.source }, draft, `proxies.${name}`);
    }
  },
  tls: ofTcp,
  tlscacert: ofTcp,
  tlscert: ofTcp,
  tlskey: ofTcp,
  tlsverify: ofTcp,
};

/** A proxy as a line of the unit: pulls go through it. */
export function convertProxy(name: string, fact: Fact<string>, draft: Draft, key: string): void {
  if (fact.value === "") {
    draft.record("unneeded", key, fact, { note: "empty" });
    return;
  }
  if (/\p{Cc}/u.test(fact.value)) {
    draft.record(
      "invalid",
      key,
      { ...fact, value: "…" },
      { note: "has a line's end or another control character in it" },
    );
    return;
  }
  const value = fact.value.replaceAll("%", "%%").replaceAll(/["\\]/g, "\\$&");
  const to = draft.putDropIn("http-proxy.conf", `Environment="${name}=${value}"`);
  draft.record("kept", key, fact, {
    to: [to],
    note:
      name === "NO_PROXY"
        ? "must have the cluster's service and pod networks"
        : "for pulls; the kubelet has its own unit, should a credential plugin need it",
  });
}

function convertHost(fact: Fact<string>, draft: Draft): void {
  const key = "hosts";
  if (/^(fd:|unix:|npipe:)/.test(fact.value)) {
    draft.record("unneeded", key, fact, { note: `the kubelet uses ${draft.spec.endpoint}` });
    return;
  }
  draft.record("lost", key, fact, {
    note: "no API of the new runtime listens on the network",
    action: "find who uses it (ss -tnp); without TLS it gave root to all that could reach it",
  });
}

function ofTcp(fact: Fact<unknown>, draft: Draft, key: string): void {
  const isTcp = (draft.settings.hosts?.value ?? []).some((host) => host.startsWith("tcp:"));
  if (isTcp) draft.record("lost", key, fact, { note: "of the API on the network, which is gone" });
  else draft.record("unneeded", key, fact, { note: "of an API on the network, which Docker does not serve" });
}

function convertFeature(name: string, fact: Fact<boolean>, draft: Draft): void {
  const key = `features.${name}`;
  if (name === "cdi" && fact.value && draft.spec.target === "containerd" && draft.spec.configVersion < 3) {
    const action = "install containerd 1.7 or later";
    draft.keep("cdi", true, { key, fact, note: "devices by their CDI names", action });
  } else if (name === "containerd-snapshotter" && fact.value) {
    draft.record("unneeded", key, fact, {
      note: "Docker's images are in containerd already, in namespace moby",
      action: "ferry migrate images names them in k8s.io without copying",
    });
  } else draft.record("unneeded", key, fact, { note: "Docker's own; nothing of it reached pods" });
}
