const pageLength = 200;

/** `items` in pieces for a stream of messages. */
export function* pagesOf<T>(items: readonly T[]): Generator<T[]> {
  for (let at = 0; at < items.length; at += pageLength) yield items.slice(at, at + pageLength);
}
