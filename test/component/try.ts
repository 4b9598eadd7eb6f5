import { openTestDaemon } from "./daemon-fixture.ts";
import { startContainer } from "#engine/start-container.ts";
import { waitContainer } from "#engine/wait-container.ts";
await using d = await openTestDaemon();
for (let i = 0; i < 4; i++) {
  const t0 = performance.now();
  const c = await d.create(["sh", "-c", "echo hello; cat /etc/hosts; exit 7"], { networks: [{ network: "bridge", aliases: [] }] });
  const t1 = performance.now();
  const w = await waitContainer(d.call, d.engine, c.id, "next-exit");
  await startContainer(d.call, d.engine, c.id);
  const t2 = performance.now();
  console.log(await w.exited, "create", t1 - t0, "start", t2 - t1, "exit", performance.now() - t2);
  if (i === 0) console.log(await d.logOf(c), await d.engine.containers.get(d.call, c.id));
}
