import { isAbsolute, resolve } from "node:path";
import { EngineError } from "#base/errors.ts";
import type { DockerClient } from "#clients/docker/docker-client.ts";
import type { ImageTarget } from "./image-target.ts";

export type TargetOptions = {
  /** Where the images go to; pods' is `k8s.io`. */
  readonly namespace: string;
  /** The daemon that `ferry` stands for, for a namespace or for that of Docker's clients. */
  readonly client: (namespace?: string) => DockerClient;
};

const defaultSocket = "/run/containerd/containerd.sock";

/**
 * The target that `text` names: `ferry`, `containerd` or `containerd:SOCKET`, `oci:DIRECTORY`. What a target needs is
 * loaded with it.
 *
 * @throws invalidArgument for anything else
 */
export async function openTarget(signal: AbortSignal, text: string, options: TargetOptions): Promise<ImageTarget> {
  const { namespace } = options;
  const [kind = "", ...rest] = text.split(":");
  const detail = rest.join(":");
  if (kind === "oci" && detail !== "") {
    const { OciLayoutTarget } = await import("./targets/oci-layout.ts");
    return await OciLayoutTarget.open(isAbsolute(detail) ? detail : resolve(detail));
  }
  if (text === "ferry") {
    const { FerryTarget } = await import("./targets/ferry.ts");
    const connection = { client: options.client(namespace), volumes: options.client(), namespace };
    return await FerryTarget.open(signal, connection);
  }
  if (kind === "containerd") {
    const { ContainerdTarget } = await import("./targets/containerd/containerd-target.ts");
    return await ContainerdTarget.open(signal, detail === "" ? defaultSocket : detail, namespace);
  }
  throw new EngineError(
    "invalidArgument",
    `target ${JSON.stringify(text)}: not ferry, containerd[:SOCKET] or oci:DIRECTORY`,
  );
}
