export type Lazy<T> = {
  /** Makes it at the first call; the same promise afterwards. */
  readonly get: () => Promise<T>;
  /** What was made; undefined when nobody asked. */
  readonly made: () => Promise<T> | undefined;
};

export function lazily<T>(make: () => Promise<T>): Lazy<T> {
  let made: Promise<T> | undefined;
  return { get: () => (made ??= make()), made: () => made };
}
