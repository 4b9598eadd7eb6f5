import { EngineError } from "#base/errors.ts";
import type { NodeFacts } from "../host/read-node.ts";
import { runtimeVersion } from "../host/read-runtime.ts";
import { isBefore, parseVersion, type Version } from "./program-version.ts";

const version = (major: number, minor: number, patch: number): Version => ({ major, minor, patch });
/** Last of 0.3 and of 0.4 that answer CRI v1alpha2. Source: https://github.com/Mirantis/cri-dockerd/pull/487 */
const lastAlpha = "0.3.21 and 0.4.1";
/** They want API 1.42; before and after, 1.26 does. Source: cri-dockerd `libdocker/client.go` of each release. */
const demanding = "0.4.0 and 0.4.1";
const docker23 = version(23, 0, 0);

/**
 * Whether cri-dockerd can stand between this kubelet and this Docker; answers which one to take where none is there yet.
 *
 * @throws failedPrecondition for the one that is there and cannot
 */
export function checkCriDockerd(facts: NodeFacts, kubeletMinor: number): string[] {
  const said = runtimeVersion(facts.criDockerd) ?? "";
  const own = parseVersion(said);
  const refuse = (why: string): never => {
    throw new EngineError("failedPrecondition", `cri-dockerd ${said}: ${why}`);
  };
  const notes: string[] = [];
  if (kubeletMinor < 23) {
    const why = `kubelet 1.${kubeletMinor} speaks CRI v1alpha2 only`;
    if (own !== undefined && !answersAlpha(own)) refuse(`${why}, which was taken out; ${lastAlpha} still answer it`);
    if (own === undefined) notes.push(`${why}: take cri-dockerd ${lastAlpha} at most, which still answer it`);
  }
  const docker = facts.docker?.version?.value ?? "";
  const engine = parseVersion(docker);
  if (engine === undefined || !isBefore(engine, docker23)) return notes;
  if (own !== undefined && isDemanding(own)) refuse(`needs Docker 23 or later, ${docker} is here; 0.3 works with it`);
  if (own === undefined) notes.push(`Docker ${docker}: cri-dockerd ${demanding} refuse it; take another one`);
  return notes;
}

function answersAlpha(own: Version): boolean {
  return isBefore(own, version(0, 3, 22)) || isDemanding(own);
}

function isDemanding(own: Version): boolean {
  return !isBefore(own, version(0, 4, 0)) && isBefore(own, version(0, 4, 2));
}
