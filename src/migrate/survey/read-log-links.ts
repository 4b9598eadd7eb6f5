import type { HostRoot } from "../host/host-root.ts";
import type { HostSurvey } from "./host-survey.ts";

const maxLinks = 20_000;

/** Pods' logs that are links into Docker's data root, as dockershim and cri-dockerd make them. */
export async function readLogLinks(root: HostRoot): Promise<HostSurvey["logLinks"]> {
  let count = 0;
  let first: HostSurvey["logLinks"]["first"];
  const pods = "/var/log/pods";
  for (const pod of await root.list(pods)) {
    for (const container of await root.list(`${pods}/${pod}`)) {
      for (const name of await root.list(`${pods}/${pod}/${container}`)) {
        const path = `${pods}/${pod}/${container}/${name}`;
        const target = name.endsWith(".log") ? await root.findLink(path) : undefined;
        if (target === undefined) continue;
        first ??= { value: target, source: { t: "file", path, excerpt: `-> ${target}` } };
        if (++count >= maxLinks) return { count, first };
      }
    }
  }
  return { count, first };
}
