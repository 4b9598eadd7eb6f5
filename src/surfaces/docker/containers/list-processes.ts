import { listProcesses } from "#engine/list-processes.ts";
import { json, type Answer, type RouteContext } from "../route.ts";

/** `docker top`. */
export async function listProcessesRoute({ call, engine, name, query }: RouteContext): Promise<Answer> {
  const { titles, processes } = await listProcesses(call, engine, name, query.text("ps_args") || undefined);
  return json({ Titles: titles, Processes: processes });
}
