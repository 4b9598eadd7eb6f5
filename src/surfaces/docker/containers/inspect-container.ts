import { containerSize } from "#engine/disk-usage.ts";
import { listExecs } from "#engine/exec.ts";
import { sandboxPaths } from "#engine/sandbox-paths.ts";
import { json, type Answer, type RouteContext } from "../route.ts";
import { toInspect } from "./to-inspect.ts";
import { volumePathsOf } from "./volume-paths.ts";

export async function inspectContainer({ call, engine, name, query, api }: RouteContext): Promise<Answer> {
  const container = await engine.containers.resolve(call, name);
  const size = query.boolean("size") ? await containerSize(call, engine, container) : undefined;
  const { sandboxId } = container;
  const sandbox = sandboxId === undefined ? undefined : await engine.sandboxes.find(call, sandboxId);
  return json(
    toInspect(container, {
      api,
      volumes: await volumePathsOf(call, engine, [container]),
      execIds: listExecs(call, engine, container.id).map(({ id }) => id),
      ...(sandbox === undefined ? {} : { filesDirectory: sandboxPaths(engine, sandbox).directory }),
      ...(size === undefined ? {} : { size: { writableBytes: size.writable.sizeBytes, rootBytes: size.rootBytes } }),
    }),
  );
}
