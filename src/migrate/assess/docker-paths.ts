/** What a path of a node has to do with Docker. */
export type DockerPath =
  /** A socket of Docker, dockershim or cri-dockerd, or the directory that only holds such. */
  | { readonly t: "socket"; readonly socket: string }
  /** A directory above the socket. */
  | { readonly t: "parent" }
  /** Docker's own data, configuration or program. */
  | { readonly t: "data"; readonly holds: string };

const sockets: readonly (readonly [RegExp, string])[] = [
  [/(?:^|\/)dockershim\.sock$/, "dockershim's socket"],
  [/(?:^|\/)cri-dockerd\.sock$/, "cri-dockerd's socket"],
  [/(?:^|\/)docker\.sock$/, "Docker's socket"],
  [/^\/run\/docker$/, "Docker's runtime directory"],
  [/^\/run\/docker\.[^/]*$/, "Docker's socket"],
  [/^\/run\/docker\/containerd(?:\/|$)/, "the socket of Docker's containerd"],
  [/^[/\\]{2}\.[/\\]pipe[/\\]docker_engine/, "Docker's named pipe"],
];

const data: readonly (readonly [RegExp, string])[] = [
  [/^\/var\/lib\/docker\/containers(?:\/|$)/, "Docker's log files"],
  [/^\/var\/lib\/docker\/(?:overlay2?|aufs|image|devicemapper|btrfs|zfs|vfs)(?:\/|$)/, "Docker's layers"],
  [/^\/var\/lib\/docker\/volumes(?:\/|$)/, "Docker's volumes"],
  [/^\/var\/lib\/docker(?:\/|$)/, "Docker's data root"],
  [/^\/var\/lib\/(?:dockershim|cri-dockerd)(?:\/|$)/, "dockershim's checkpoints"],
  [/^\/etc\/docker(?:\/|$)/, "Docker's configuration"],
  [/^\/(?:usr\/(?:local\/)?)?s?bin\/docker[\w-]*$/, "Docker's program"],
  [/^\/run\/docker\/netns(?:\/|$)/, "Docker's network namespaces"],
];

const parents = new Set(["/", "/run", "/var"]);

/** `dataRoots` are Docker's where they are not `/var/lib/docker`. */
export function dockerPathOf(path: string, dataRoots: readonly string[] = []): DockerPath | undefined {
  const plain = normalized(path);
  if (plain.startsWith("/run/ferry/")) return undefined;
  const holds = data.find(([pattern]) => pattern.test(plain))?.[1];
  if (plain.startsWith("/run/docker/netns") && holds !== undefined) return { t: "data", holds };
  const socket = sockets.find(([pattern]) => pattern.test(plain))?.[1];
  if (socket !== undefined) return { t: "socket", socket };
  if (holds !== undefined) return { t: "data", holds };
  if (dataRoots.some((root) => plain === root || plain.startsWith(`${root}/`)))
    return { t: "data", holds: "Docker's data root" };
  return parents.has(plain) ? { t: "parent" } : undefined;
}

/** `/var/run` is `/run`; no double, trailing or dot segments. */
function normalized(path: string): string {
  if (/^[/\\]{2}\./.test(path)) return path;
  const done: string[] = [];
  for (const part of path.split("/")) {
    if (part === "..") done.pop();
    else if (part !== "" && part !== ".") done.push(part);
  }
  return `/${done.join("/")}`.replace(/^\/var\/run(?=\/|$)/, "/run");
}
