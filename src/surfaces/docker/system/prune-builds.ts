import { json, type Answer } from "../route.ts";

/** `docker builder prune`, which `docker system prune` asks for too: there are no builds and nothing of them is kept. */
export async function pruneBuilds(): Promise<Answer> {
  return json({ CachesDeleted: null, SpaceReclaimed: 0 });
}
