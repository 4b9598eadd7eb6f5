import type { RouteEntry } from "../route.ts";

export const volumeRoutes: readonly RouteEntry[] = [
  {
    method: "POST",
    path: "/ferry/volumes/adopt",
    load: async () => (await import("./adopt-volume.ts")).adoptVolumeRoute,
  },
  { method: "GET", path: "/volumes", load: async () => (await import("./list-volumes.ts")).listVolumes },
  { method: "GET", path: "/volumes/:name", load: async () => (await import("./inspect-volume.ts")).inspectVolume },
  {
    method: "POST",
    path: "/volumes/create",
    lasting: true,
    load: async () => (await import("./create-volume.ts")).createVolumeRoute,
  },
  {
    method: "POST",
    path: "/volumes/prune",
    lasting: true,
    load: async () => (await import("./prune-volumes.ts")).pruneVolumesRoute,
  },
  {
    method: "DELETE",
    path: "/volumes/:name",
    lasting: true,
    load: async () => (await import("./remove-volume.ts")).removeVolumeRoute,
  },
];
