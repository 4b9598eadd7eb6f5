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
  { method: "POST", path: "/images/load", load: async () => (await import("./load-images.ts")).loadImagesRoute },
  { method: "POST", path: "/ferry/images/adopt", load: async () => (await import("./adopt-image.ts")).adoptImageRoute },
  { method: "GET", path: "/images/get", load: async () => (await import("./save-images.ts")).saveImagesRoute },
  { method: "GET", path: "/images/:name/get", load: async () => (await import("./save-images.ts")).saveImagesRoute },
  { method: "POST", path: "/images/:name/push", load: async () => (await import("./push-image.ts")).pushImageRoute },
];
