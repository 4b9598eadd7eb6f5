import type { Fix } from "./finding.ts";

/** What carrying a running Docker's images would take; nothing is written. `--to ferry` where that is the target. */
export const carryForecast = "ferry migrate images --live-ok --dry-run --to containerd";

/** What the target is, assess does not know. */
export const convertCommands = ["ferry migrate convert --target containerd", "ferry migrate convert --target ferry"];

/** What assess does not know is the target: each one's way. cri-dockerd goes on with Docker's own. */
export const gpuFix = {
  summary:
    "Make nvidia the target's default runtime, with the systemd cgroup driver: containerd's by nvidia-ctk, Ferry's in its configuration; with cri-dockerd Docker's stays.",
  commands: ["nvidia-ctk runtime configure --runtime=containerd --set-as-default"],
  patch: `# /etc/ferry/config.toml
[runtime]
default = "nvidia"
[runtimes.nvidia]
runtime_type = "conmon"
[runtimes.nvidia.options]
BinaryName = "/usr/bin/nvidia-container-runtime"
`,
  links: ["https://docs.nvidia.com/datacenter/cloud-native/container-toolkit/latest/install-guide.html"],
} as const satisfies Fix;

/** A key of TOML, quoted where it has to be. */
export function tomlKey(name: string): string {
  return /^[\w-]+$/.test(name) ? name : JSON.stringify(name);
}
