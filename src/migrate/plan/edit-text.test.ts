import assert from "node:assert/strict";
import test from "node:test";
import { editKubeletConfig, newKubeletConfig } from "./edit-kubelet-config.ts";
import { dependsOnDocker, withoutDockerDependency } from "./edit-unit.ts";

const socket = { field: "containerRuntimeEndpoint", value: "unix:///run/x.sock" };

test("a field of a YAML configuration changes, its surroundings do not", () => {
  const text = `# ours
apiVersion: kubelet.config.k8s.io/v1beta1
containerRuntimeEndpoint: "unix:///var/run/dockershim.sock" # old
clusterDNS:
- 10.96.0.10
containerLogMaxFiles: 0
`;
  assert.equal(
    editKubeletConfig("/k", text, [
      socket,
      { field: "containerLogMaxFiles", value: 5 },
      { field: "cgroupDriver", value: "systemd" },
    ]),
    `# ours
apiVersion: kubelet.config.k8s.io/v1beta1
containerRuntimeEndpoint: unix:///run/x.sock # old
clusterDNS:
- 10.96.0.10
containerLogMaxFiles: 5
cgroupDriver: systemd
`,
  );
  assert.equal(editKubeletConfig("/k", "a: 1", [socket]), "a: 1\ncontainerRuntimeEndpoint: unix:///run/x.sock\n");
  assert.equal(
    editKubeletConfig("/k", "a: 1\ncontainerRuntimeEndpoint:\nb: 2\n", [socket]),
    "a: 1\ncontainerRuntimeEndpoint: unix:///run/x.sock\nb: 2\n",
  );
  assert.equal(editKubeletConfig("/k", "", [socket]), "containerRuntimeEndpoint: unix:///run/x.sock\n");
});

test("a JSON configuration stays JSON", () => {
  const text = `{\n  "kind": "KubeletConfiguration",\n  "cgroupDriver": "cgroupfs"\n}\n`;
  const edited = editKubeletConfig("/k", text, [socket, { field: "cgroupDriver", value: "systemd" }]);
  assert.equal(
    edited,
    `{\n  "containerRuntimeEndpoint": "unix:///run/x.sock",\n  "kind": "KubeletConfiguration",\n  "cgroupDriver": "systemd"\n}\n`,
  );
});

test("a configuration without a member gets its first; a text that looks like a number stays a text", () => {
  assert.equal(editKubeletConfig("/k", "{}\n", [socket]), `{"containerRuntimeEndpoint": "unix:///run/x.sock"}\n`);
  const unlimited = { field: "containerLogMaxSize", value: "-1" };
  assert.equal(editKubeletConfig("/k", "a: 1\n", [unlimited]), `a: 1\ncontainerLogMaxSize: "-1"\n`);
  assert.equal(
    editKubeletConfig("/k", "containerLogMaxSize: 10Mi # x\n", [unlimited]),
    `containerLogMaxSize: "-1" # x\n`,
  );
});

test("what is no mapping is not edited", () => {
  assert.throws(() => editKubeletConfig("/k", "- a", [socket]), /not a YAML mapping/);
  assert.throws(() => editKubeletConfig("/k", "a: [", [socket]), /not a YAML mapping/);
});

test("a new configuration names its kind", () => {
  assert.equal(
    newKubeletConfig([socket]),
    "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\ncontainerRuntimeEndpoint: unix:///run/x.sock\n",
  );
});

test("a unit loses its dependency on Docker and keeps the rest", () => {
  const text = `[Unit]
# the runtime
After=network.target docker.service
Requires=docker.service
Wants=docker.socket
[Service]
ExecStart=/usr/bin/kubelet
`;
  assert.equal(
    withoutDockerDependency(text, "containerd.service"),
    `[Unit]
# the runtime
After=network.target containerd.service
Wants=containerd.service
[Service]
ExecStart=/usr/bin/kubelet
`,
  );
  assert.equal(dependsOnDocker(text), true);
  assert.equal(dependsOnDocker("[Unit]\nAfter=network.target\n"), false);
});
