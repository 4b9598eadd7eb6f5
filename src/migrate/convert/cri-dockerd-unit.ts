/** Flags of the kubelet under dockershim that cri-dockerd takes by the same name. Source: cri-dockerd `config/options.go`. */
export const dockershimFlags = [
  "cni-conf-dir",
  "cni-bin-dir",
  "cni-cache-dir",
  "network-plugin-mtu",
  "docker-endpoint",
  "image-pull-progress-deadline",
] as const;

export const criDockerdDropIn = "/etc/systemd/system/cri-docker.service.d/10-kubelet.conf";

/**
 * Drop-in of cri-dockerd's unit with what the kubelet did with Docker itself; `find` answers a flag of the kubelet's, its
 * name without dashes. Without an image cri-dockerd's own default holds the pods.
 */
export function criDockerdUnit(
  find: (flag: string) => string | undefined,
  sandboxImage: string | undefined,
  program = "/usr/bin/cri-dockerd",
): string {
  const flags = [
    "--container-runtime-endpoint fd://",
    "--network-plugin=cni",
    ...dockershimFlags.flatMap((name) => {
      const value = find(name);
      return value === undefined ? [] : [`--${name}=${value}`];
    }),
    ...(sandboxImage === undefined ? [] : [`--pod-infra-container-image=${sandboxImage}`]),
  ];
  return `[Service]\nExecStart=\nExecStart=${program} ${flags.join(" ")}\n`;
}
