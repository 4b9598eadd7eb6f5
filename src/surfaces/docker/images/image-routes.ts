import type { RouteEntry } from "../route.ts";

export const imageRoutes: readonly RouteEntry[] = [
  { method: "GET", path: "/images/json", load: async () => (await import("./list-images.ts")).listImagesRoute },
  { method: "POST", path: "/images/create", load: async () => (await import("./create-image.ts")).createImage },
  {
    method: "POST",
    path: "/images/prune",
    lasting: true,
    load: async () => (await import("./prune-images.ts")).pruneImagesRoute,
  },
  {
    method: "GET",
    path: "/images/:name/json",
    load: async () => (await import("./inspect-image.ts")).inspectImageRoute,
  },
  { method: "GET", path: "/images/:name/history", load: async () => (await import("./image-history.ts")).imageHistory },
  {
    method: "POST",
    path: "/images/:name/tag",
    lasting: true,
    load: async () => (await import("./tag-image.ts")).tagImageRoute,
  },
  {
    method: "DELETE",
    path: "/images/:name",
    lasting: true,
    load: async () => (await import("./delete-image.ts")).deleteImageRoute,
  },
];
