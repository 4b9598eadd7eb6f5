/** One engine under measurement, started for this run alone with directories of its own. */
export interface Peer extends AsyncDisposable {
  readonly name: string;
  readonly version: string;
  /** The Docker API's socket, where it has one. */
  readonly dockerSocket?: string;
  /** Argument vectors of its own command line. */
  readonly commands: {
    pull(image: string): string[];
    /** Removes the image and all that only it needed, so that the next pull starts from nothing. */
    forget(image: string): string[][];
    runTrue(image: string, name: string): string[];
    startSleeping(image: string, name: string): string[];
    exec(name: string): string[];
    list(): string[];
    remove(name: string): string[][];
  };
  /** Processes that the engine itself runs: daemon, monitors, proxies; not the containers' own. */
  processes(): Promise<number[]>;
}
