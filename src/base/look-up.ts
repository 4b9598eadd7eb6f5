/** What a table says of `key`, which somebody else chose: not what any object has (`constructor`). */
export function lookUp<T>(table: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(table, key) ? table[key] : undefined;
}
