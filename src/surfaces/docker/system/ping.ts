import type { Answer, RouteContext } from "../route.ts";

/** Tells that the daemon answers, and which version of the API it speaks. */
export async function ping(_context: RouteContext): Promise<Answer> {
  return {
    t: "text",
    text: "OK",
    headers: {
      "Builder-Version": "1",
      "Cache-Control": "no-cache, no-store, must-revalidate",
      Pragma: "no-cache",
      Swarm: "inactive",
    },
  };
}
