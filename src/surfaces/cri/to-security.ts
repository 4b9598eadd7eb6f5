import { EngineError } from "#base/errors.ts";
import type { ContainerConfig as EngineConfig } from "#core/containers/container-config.ts";
import type { ImageDefaults } from "#core/images/image-config.ts";
import { checkApparmorProfile } from "#engine/check-apparmor-profile.ts";
import type { HostFacts } from "#engine/oci-spec/spec-facts.ts";
import { parseSeccompProfile } from "#engine/parse-seccomp-profile.ts";
import {
  SecurityProfile_ProfileType,
  SupplementalGroupsPolicy,
  type LinuxContainerSecurityContext,
  type SecurityProfile,
  type SELinuxOption,
} from "#gen/runtime/v1/security_pb.ts";

type SecurityConfig = Pick<
  EngineConfig,
  | "user"
  | "additionalGroups"
  | "privileged"
  | "capabilities"
  | "rootReadOnly"
  | "noNewPrivileges"
  | "maskedPaths"
  | "readonlyPaths"
  | "seccomp"
  | "apparmorProfile"
> & { readonly groupPolicy: "merge" | "strict" };

/**
 * Users, capabilities, profiles and paths of a container. Reads the file of a Localhost profile.
 *
 * @throws invalidArgument naming a profile that is not there
 */
export async function toSecurity(
  context: LinuxContainerSecurityContext | undefined,
  image: Pick<ImageDefaults, "user">,
  host: Pick<HostFacts, "apparmor" | "selinux">,
): Promise<SecurityConfig> {
  refuseSelinux(context?.selinuxOptions, host);
  const privileged = context?.privileged ?? false;
  const apparmorProfile = await toApparmorProfile(context, host);
  return {
    user: toUser(context, image),
    additionalGroups: (context?.supplementalGroups ?? []).map(String),
    groupPolicy: context?.supplementalGroupsPolicy === SupplementalGroupsPolicy.Strict ? "strict" : "merge",
    privileged,
    capabilities: {
      add: context?.capabilities?.addCapabilities ?? [],
      drop: context?.capabilities?.dropCapabilities ?? [],
      ambient: context?.capabilities?.addAmbientCapabilities ?? [],
    },
    rootReadOnly: context?.readonlyRootfs ?? false,
    noNewPrivileges: context?.noNewPrivs ?? false,
    maskedPaths: privileged ? [] : (context?.maskedPaths ?? []),
    readonlyPaths: privileged ? [] : (context?.readonlyPaths ?? []),
    ...(apparmorProfile !== undefined && { apparmorProfile }),
    seccomp: privileged ? { t: "unconfined" } : await toSeccomp(context),
  };
}

/**
 * Labels mean nothing on a machine without SELinux; on one with it, Ferry gives none.
 *
 * @throws notImplemented naming the label that is asked for
 */
export function refuseSelinux(options: SELinuxOption | undefined, { selinux }: Pick<HostFacts, "selinux">): void {
  if (options === undefined || selinux !== true) return;
  const { user, role, type, level } = options;
  const label = [user, role, type, level].join(":");
  if (label !== ":::") throw new EngineError("notImplemented", `SELinux label ${label}: not supported`);
}

/** A group alone has no user to go with. @throws invalidArgument */
function toUser(context: LinuxContainerSecurityContext | undefined, image: Pick<ImageDefaults, "user">): string {
  const { runAsUser, runAsUsername = "", runAsGroup } = context ?? {};
  const user = runAsUser === undefined ? runAsUsername : String(runAsUser.value);
  if (runAsGroup === undefined) return user === "" ? image.user : user;
  if (user === "") {
    throw new EngineError("invalidArgument", "security context: a group without a user (run_as_group)");
  }
  return `${user}:${runAsGroup.value}`;
}

async function toSeccomp(context: LinuxContainerSecurityContext | undefined): Promise<EngineConfig["seccomp"]> {
  const { seccomp, seccompProfilePath = "" } = context ?? {};
  if (seccomp === undefined) return await fromProfilePath(seccompProfilePath);
  switch (seccomp.profileType) {
    case SecurityProfile_ProfileType.RuntimeDefault:
      return { t: "default" };
    case SecurityProfile_ProfileType.Localhost:
      return { t: "profile", profile: await parseSeccompProfile(seccomp.localhostRef.replace(/^localhost\//, "")) };
    case SecurityProfile_ProfileType.Unconfined:
    default:
      return { t: "unconfined" };
  }
}

/** The form that kubelets before 1.19 use. */
async function fromProfilePath(path: string): Promise<EngineConfig["seccomp"]> {
  if (path === "runtime/default" || path === "docker/default") return { t: "default" };
  if (path.startsWith("localhost/")) return { t: "profile", profile: await parseSeccompProfile(path.slice(10)) };
  if (path === "" || path === "unconfined") return { t: "unconfined" };
  throw new EngineError("invalidArgument", `seccomp profile ${JSON.stringify(path)}: not known`);
}

/** Undefined: as by default. The profile by its own name goes before the one in a string, which older kubelets send. */
async function toApparmorProfile(
  context: LinuxContainerSecurityContext | undefined,
  host: Pick<HostFacts, "apparmor">,
): Promise<string | undefined> {
  const { apparmor, apparmorProfile = "" } = context ?? {};
  const asked = apparmor === undefined ? apparmorProfile : nameOf(apparmor);
  if (asked === "" || asked === "runtime/default") return undefined;
  if (asked === "unconfined") return "unconfined";
  if (!asked.startsWith("localhost/")) {
    throw new EngineError("invalidArgument", `AppArmor profile ${JSON.stringify(asked)}: not known`);
  }
  const name = asked.slice("localhost/".length);
  await checkApparmorProfile(host, name);
  return name;
}

function nameOf({ profileType, localhostRef }: SecurityProfile): string {
  switch (profileType) {
    case SecurityProfile_ProfileType.Localhost:
      return `localhost/${localhostRef.replace(/^localhost\//, "")}`;
    case SecurityProfile_ProfileType.Unconfined:
      return "unconfined";
    case SecurityProfile_ProfileType.RuntimeDefault:
    default:
      return "runtime/default";
  }
}
