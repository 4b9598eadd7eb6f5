import type { Word } from "./shell-commands.ts";

/** What dockershim put into a container's name. */
export type PodContainer = { readonly container: string; readonly pod: string; readonly namespace: string };

/** Reads `k8s_<container>_<pod>_<namespace>_<uid>_<attempt>`, or the front of it as filters have it. */
export function parsePodName(text: string | undefined): Partial<PodContainer> | undefined {
  if (text?.startsWith("k8s_") !== true) return undefined;
  const [, container, pod, namespace] = text.split("_");
  return {
    ...(container ? { container } : {}),
    ...(pod ? { pod } : {}),
    ...(namespace ? { namespace } : {}),
  };
}

/** Whether a word is an id, or an expansion that stands for one. */
export function isIdLike({ text }: Word): boolean {
  return text === undefined || /^[0-9a-f]{6,64}$/.test(text);
}
