import { containerRoutes } from "./containers/container-routes.ts";
import { imageRoutes } from "./images/image-routes.ts";
import { networkRoutes } from "./networks/network-routes.ts";
import { podRoutes } from "./pods/pod-routes.ts";
import type { RouteEntry } from "./route.ts";
import { systemRoutes } from "./system/system-routes.ts";
import { unsupportedRoutes } from "./unsupported-routes.ts";
import { volumeRoutes } from "./volumes/volume-routes.ts";

/** Every route of this surface; docs/docker-api.md says the same for people. */
export const routes: readonly RouteEntry[] = [
  ...systemRoutes,
  ...imageRoutes,
  ...containerRoutes,
  ...networkRoutes,
  ...volumeRoutes,
  ...podRoutes,
  ...unsupportedRoutes,
];
