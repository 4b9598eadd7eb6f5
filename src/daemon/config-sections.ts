import { choice, duration, flag, integer, list, table, text } from "./config-fields.ts";

/** The file's sections; a key is written in snake case there. */
export const sections = {
  daemon: {
    root: text("/var/lib/ferry", "Directory for what must outlive a reboot."),
    state: text("/run/ferry", "Directory that a reboot clears."),
    logLevel: choice(["debug", "info", "warn", "error"], "info", "Lowest level that is logged."),
  },
  docker: {
    socket: text("/run/ferry/docker.sock", "Socket of the Docker Engine API; empty opens none."),
    group: text("", "Group, by name or number, that may use the socket; empty is root alone."),
    namespace: text("moby", "Namespace that Docker clients see."),
    pods: choice(
      ["hidden", "read-only", "writable"],
      "read-only",
      "A kubelet's pods beside Docker's containers, under dockershim's names; changes to them are refused unless writable.",
    ),
  },
  cri: {
    enable: flag(true, "Serve the kubelet (CRI v1 and v1alpha2)."),
    socket: text("", "Socket of the CRI; empty is ferry.sock in the state directory."),
    namespace: text("k8s.io", "Namespace of pods."),
    cniConfDir: text("/etc/cni/net.d", "Where the pod network's configuration is; the first file by name counts."),
    sandboxImage: text(
      "registry.k8s.io/pause:3.10",
      "Image of the process that holds a pod where one is needed; pinned. Without it a built-in program does.",
    ),
    cniIpPref: choice(
      ["ipv4", "ipv6", "cni"],
      "ipv4",
      "Which address of a pod is its first: of that family, or as the plugins say.",
    ),
    maxContainerLogLineSize: integer(
      16_384,
      "Longest piece of a log's line; conmon, which has pieces of 8192, is always below, shims keep to it.",
      8192,
    ),
    restrictOomScoreAdj: flag(false, "No container gets a lower oom_score_adj than ferryd itself."),
    enableUnprivilegedPorts: flag(true, "Pods may bind low ports without being root."),
    enableUnprivilegedIcmp: flag(true, "Pods may ping without being root."),
    enableCdi: flag(true, "Devices of the Container Device Interface."),
    cdiSpecDirs: list(["/etc/cdi", "/var/run/cdi"], "Where their descriptions are; later ones go before earlier."),
    streamServerAddress: text("127.0.0.1", "Where exec, attach and port-forward are served."),
    streamServerPort: integer(0, "Port of it; 0 is any free one."),
    streamIdleTimeout: duration("4h0m0s", "A stream on which nothing is said for so long is closed; 0s: never."),
    streamCreationTimeout: duration("30s", "How long a client may take to open the streams that it asked for."),
    enableTlsStreaming: flag(false, "Streams over TLS, with the pair below."),
    x509KeyPairStreaming: table({}, "Paths of PEM files: { tls_cert_file = '...', tls_key_file = '...' }."),
  },
  images: {
    platform: text("", "What a pull takes from an index, `os/architecture[/variant]`; empty is this machine's."),
    maxDownloads: integer(3, "Layers on their way at a time, all pulls together.", 1),
    maxLayerBytes: integer(64 * 1024 ** 3, "Largest layer after decompression.", 1),
    maxLayerEntries: integer(4_000_000, "Most entries of one layer.", 1),
    certsDirectories: list(
      ["/etc/ferry/certs.d", "/etc/containerd/certs.d", "/etc/docker/certs.d"],
      "Where per-registry hosts.toml and certificates are looked for, in order.",
    ),
    insecureRegistries: list([], "Hosts (`reg:5000`) and ranges that may speak plain HTTP; loopback may anyway."),
    collectAfterMs: integer(2_000, "How long after a deletion unused content is collected."),
  },
  snapshots: {
    default: choice(["overlayfs", "native"], "overlayfs", "Snapshotter of new containers."),
    sync: flag(true, "Write a layer's files to the disk before its record, so that a power failure leaves none torn."),
  },
  runtime: {
    default: text("", "Handler of containers that name none; empty: crun where it works, else runc."),
    handlers: table({}, "Further handlers: name to path of an OCI runtime."),
    conmon: text("", "Path of conmon; empty looks in PATH."),
    cgroupDriver: choice(["auto", "cgroupfs", "systemd"], "auto", "Who makes cgroups."),
    cgroupParent: text("", "Parent cgroup of containers that name none; empty is /ferry (or ferry.slice)."),
    init: text("", "Small init for containers that ask for one; empty looks for catatonit and tini."),
    seccompProfile: text("", "Seccomp profile in place of the default one."),
  },
  network: {
    pluginDirectories: list(["/opt/cni/bin", "/usr/lib/cni", "/usr/libexec/cni"], "Where CNI plugins are."),
    pluginTimeoutMs: integer(30_000, "How long one plugin may take.", 1),
    bridge: text(
      "",
      "Bridge of the default network; empty: ferry0, or a name of its own with another state directory.",
    ),
    subnet: text("", "Addresses of the default network; empty: the first free ones of the pools."),
    pools: list([], "Where subnets are taken from, as 192.168.0.0/16:20 (in pieces of /20); empty: Docker's pools."),
    ipv6: flag(false, "Whether the default network has IPv6 too."),
  },
  log: {
    maxBytes: integer(0, "Rotate a container's log when it is larger; 0 never."),
    maxFiles: integer(5, "Rotated logs that are kept, the current one counted.", 1),
  },
} as const;
