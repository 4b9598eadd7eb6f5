/** Where it is said that something may have become garbage: an image or container deleted, a pull given up. */
export interface GarbageSchedule {
  /** Asks for a collection soon. Returns at once; many requests share one collection. */
  schedule(): void;
}
