/** How a node's kubelet was set up, by the tools of its time. */
export type NodeLayout = {
  /** Of its kubelet. */
  readonly version: "1.19.16" | "1.23.17" | "1.27.16" | "1.34.2";
  /** Files by path; `{pause}` and `{cri-dockerd type}` are replaced. */
  readonly files: Readonly<Record<string, string>>;
  /** Of the Node object. */
  readonly annotations: Readonly<Record<string, string>>;
  /** Kubelets from 1.24 reach Docker through it. */
  readonly criDockerd: boolean;
  /** Where its CNI plugins are; `/opt/cni/bin` by default. */
  readonly cniPlugins?: string;
  /** What its pods run on at first; Docker by default. */
  readonly runtime?: "ferry";
  /** Ranges of registries without TLS, beside the node's own. */
  readonly insecure?: readonly string[];
};

/** A node that has arrived: the kubelet's endpoint is Ferry's, whose configuration is what Docker's converts to. */
export function ferryLayout(): NodeLayout {
  const endpoint = "unix:///run/ferry/ferry.sock";
  const instance = `apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\ncontainerRuntimeEndpoint: ${endpoint}\n`;
  const files = {
    ...common,
    [flagsPath]: 'KUBELET_KUBEADM_ARGS=""\n',
    "/var/lib/kubelet/config.yaml": `${config}containerRuntimeEndpoint: ${endpoint}\n`,
    "/var/lib/kubelet/instance-config.yaml": instance,
  };
  return {
    version: "1.34.2",
    files,
    annotations: {},
    criDockerd: false,
    runtime: "ferry",
    insecure: ["198.18.0.0/15"],
  };
}

const kubeletUnit = `[Unit]
Description=kubelet: The Kubernetes Node Agent
Wants=network-online.target
After=network-online.target

[Service]
ExecStart=/usr/local/bin/kubelet
Restart=always
StartLimitInterval=0
RestartSec=1

[Install]
WantedBy=multi-user.target
`;

const kubeadmDropIn = `# Note: This dropin only works with kubeadm and kubelet v1.11+
[Service]
Environment="KUBELET_KUBECONFIG_ARGS=--bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf --kubeconfig=/etc/kubernetes/kubelet.conf"
Environment="KUBELET_CONFIG_ARGS=--config=/var/lib/kubelet/config.yaml"
EnvironmentFile=-/var/lib/kubelet/kubeadm-flags.env
EnvironmentFile=-/etc/default/kubelet
ExecStart=
ExecStart=/usr/local/bin/kubelet $KUBELET_KUBECONFIG_ARGS $KUBELET_CONFIG_ARGS $KUBELET_KUBEADM_ARGS $KUBELET_EXTRA_ARGS
`;

const config = `apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
# said by whoever set the node up
cgroupDriver: cgroupfs
staticPodPath: /etc/kubernetes/manifests
`;

/** As cri-dockerd's packages bring them. */
const criDockerdUnits = {
  "/etc/systemd/system/cri-docker.service": `[Unit]
Description=CRI interface for Docker Application Container Engine
After=network-online.target docker.service
Requires=cri-docker.socket docker.service

[Service]
Type={cri-dockerd type}
ExecStart=/usr/local/bin/cri-dockerd --container-runtime-endpoint fd:// --network-plugin=cni --pod-infra-container-image={pause}
Restart=always
RestartSec=1
KillMode=process

[Install]
WantedBy=multi-user.target
`,
  "/etc/systemd/system/cri-docker.socket": `[Unit]
Description=CRI Docker Socket for the API
PartOf=cri-docker.service

[Socket]
ListenStream=%t/cri-dockerd.sock

[Install]
WantedBy=sockets.target
`,
};

const common = {
  ...criDockerdUnits,
  "/etc/systemd/system/kubelet.service": kubeletUnit,
  "/etc/systemd/system/kubelet.service.d/10-kubeadm.conf": kubeadmDropIn,
  "/etc/default/kubelet": "# set by the pool's image\nKUBELET_EXTRA_ARGS=--node-labels=pool=general\n",
  "/var/lib/kubelet/config.yaml": config,
};
const flagsPath = "/var/lib/kubelet/kubeadm-flags.env";
const socketAnnotation = "kubeadm.alpha.kubernetes.io/cri-socket";
const criDockerd = "unix:///var/run/cri-dockerd.sock";

const dockershimFlags = "--network-plugin=cni --pod-infra-container-image={pause}";
const dockershim = {
  files: { ...common, [flagsPath]: `KUBELET_KUBEADM_ARGS="${dockershimFlags}"\n` },
  annotations: { [socketAnnotation]: "/var/run/dockershim.sock" },
  criDockerd: false,
};

const ownPlugins = "/opt/pod-network/bin";

/** One of each era that kubeadm had. */
export const nodeLayouts: readonly NodeLayout[] = [
  { version: "1.19.16", ...dockershim },
  {
    ...dockershim,
    version: "1.23.17",
    files: { ...common, [flagsPath]: `KUBELET_KUBEADM_ARGS="${dockershimFlags} --cni-bin-dir=${ownPlugins}"\n` },
    cniPlugins: ownPlugins,
  },
  {
    version: "1.27.16",
    files: {
      ...common,
      [flagsPath]: `KUBELET_KUBEADM_ARGS="--container-runtime-endpoint=${criDockerd} --pod-infra-container-image={pause}"\n`,
    },
    annotations: { [socketAnnotation]: criDockerd },
    criDockerd: true,
  },
  {
    version: "1.34.2",
    files: {
      ...common,
      [flagsPath]: 'KUBELET_KUBEADM_ARGS="--pod-infra-container-image={pause}"\n',
      "/var/lib/kubelet/config.yaml": `${config}containerRuntimeEndpoint: ${criDockerd}\n`,
      "/var/lib/kubelet/instance-config.yaml": `apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\ncontainerRuntimeEndpoint: ${criDockerd}\n`,
    },
    annotations: {},
    criDockerd: true,
  },
];
