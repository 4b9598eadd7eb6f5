import { cp, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { command } from "#test/support/processes.ts";
import type { TestImages } from "#test/support/test-images.ts";

export const pauseCommand = "/pause";

/** An image of catatonit, which waits and reaps as Kubernetes' pause does; static, 50 of them share their pages. */
export async function pushPauseImage(images: TestImages, directory: string): Promise<string> {
  const [layout, tree] = [join(directory, "pause-layout"), join(directory, "pause-tree")];
  const image = `${layout}:pause`;
  await mkdir(directory, { recursive: true });
  await command(["umoci", "init", "--layout", layout]);
  await command(["umoci", "new", "--image", image]);
  await command(["umoci", "unpack", "--image", image, tree]);
  await cp("/usr/bin/catatonit", join(tree, "rootfs", pauseCommand), { dereference: true });
  await command(["umoci", "repack", "--image", image, tree]);
  const entrypoint = ["--config.entrypoint", pauseCommand, "--config.entrypoint=-P"];
  await command(["umoci", "config", "--image", image, ...entrypoint]);
  return await images.push(`oci:${image}`, "pause:bench");
}
