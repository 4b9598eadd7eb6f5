import type { TomlValue } from "smol-toml";
import { isUnset, isUsual } from "./ferry-defaults.ts";
import { change, lose, moveTo, unneeded, type KeyPath, type Move } from "./leaf.ts";

/** One key of the images' plugin as Ferry has it. */
export function moveImages(path: KeyPath, value: TomlValue): Move {
  const [key = "", second = "", ...rest] = path;
  if (key === "pinned_images" && second === "sandbox") return moveTo(["cri", "sandbox_image"], value);
  if (key === "snapshotter") return moveSnapshotter(value);
  if (key === "max_concurrent_downloads") return moveDownloads(value);
  if (key === "registry") return moveRegistry([second, ...rest], value);
  if (isUsual(path, value)) return unneeded("as by default");
  if (key === "pinned_images")
    return lose(
      "only the sandbox image is pinned",
      "list it in the kubelet's garbage collection by keeping a pod of it",
    );
  if (key === "runtime_platforms") return lose("one snapshotter for all runtimes", "see snapshots.default");
  if (key === "image_decryption") return lose("encrypted images are not decrypted", "keep such pods on containerd");
  return unneeded("of how containerd pulls");
}

function moveSnapshotter(value: TomlValue): Move {
  if (value === "overlayfs" || value === "native") return moveTo(["snapshots", "default"], value);
  return isUnset(value)
    ? unneeded("empty")
    : lose(
        `ferry has no snapshotter ${JSON.stringify(value)}; overlayfs is its default`,
        "see whether overlayfs does for this node",
      );
}

/** How many layers are on their way. */
export function moveDownloads(value: TomlValue): Move {
  if (value === 3) return unneeded("3, as by default");
  return change(["images", "max_downloads"], value, "layers of all pulls together, not of each image");
}

function moveRegistry([key = "", name = "", ...rest]: KeyPath, value: TomlValue): Move {
  if (key === "config_path") {
    const directories = typeof value === "string" ? value.split(":").filter((path) => path !== "") : [];
    return directories.length === 0
      ? unneeded("empty")
      : moveTo(["images", "certs_directories"], directories, "read alike");
  }
  if (isUnset(value)) return unneeded("empty");
  if (key === "mirrors")
    return lose("mirrors stand in a hosts.toml", `write /etc/ferry/certs.d/${name}/hosts.toml with a host for each`);
  if (key === "configs" && rest[0] === "auth")
    return lose("logins are passed by the kubelet", "imagePullSecrets, or /var/lib/kubelet/config.json");
  if (key === "auths")
    return lose("logins are passed by the kubelet", "imagePullSecrets, or /var/lib/kubelet/config.json");
  return lose("of a registry's hosts.toml", `write it: /etc/ferry/certs.d/${name}/hosts.toml`);
}
