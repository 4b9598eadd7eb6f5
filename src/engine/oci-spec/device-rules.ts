import { EngineError } from "#base/errors.ts";
import type { ContainerConfig } from "#core/containers/container-config.ts";
import type { OciResources } from "#core/tasks/oci-spec.ts";
import type { SpecFacts } from "./spec-facts.ts";

type Rule = NonNullable<OciResources["devices"]>[number];

/**
 * Rules of the device cgroup: nothing, then the usual character devices, the container's own, the config's rules.
 * A privileged container may use everything.
 *
 * @throws invalidArgument for a rule that is not `c 1:3 rwm`
 */
export function deviceRules(config: ContainerConfig, facts: SpecFacts): Rule[] {
  if (config.privileged) return [{ allow: true, access: "rwm" }];
  const own = facts.devices.flatMap(({ type, major, minor, access }) =>
    access === undefined ? [] : [{ allow: true, type, major, minor, access }],
  );
  return [{ allow: false, access: "rwm" }, ...standardDevices, ...own, ...config.deviceRules.map(parseRule)];
}

/** zero, null, urandom, random, tty, console; not fuse. Source: moby daemon/pkg/oci/defaults.go. */
const standardDevices: readonly Rule[] = [
  { allow: true, type: "c", major: 1, minor: 5, access: "rwm" },
  { allow: true, type: "c", major: 1, minor: 3, access: "rwm" },
  { allow: true, type: "c", major: 1, minor: 9, access: "rwm" },
  { allow: true, type: "c", major: 1, minor: 8, access: "rwm" },
  { allow: true, type: "c", major: 5, minor: 0, access: "rwm" },
  { allow: true, type: "c", major: 5, minor: 1, access: "rwm" },
  { allow: false, type: "c", major: 10, minor: 229, access: "rwm" },
];

function parseRule(text: string): Rule {
  const match = /^([acb]) (\d+|\*):(\d+|\*) ([rwm]{1,3})$/.exec(text);
  if (match === null) throw new EngineError("invalidArgument", `invalid device cgroup rule format: '${text}'`);
  const [, type = "a", major = "*", minor = "*", access = "rwm"] = match;
  return {
    allow: true,
    type,
    ...(major !== "*" && { major: Number(major) }),
    ...(minor !== "*" && { minor: Number(minor) }),
    access,
  };
}
