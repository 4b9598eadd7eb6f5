import type { Step, StepAction } from "./step.ts";

type Words = { readonly id: string; readonly title: string; readonly why: string };

/** A plan's steps in the making: gives each its number. */
export class Steps {
  readonly #list: Step[] = [];

  add({ id, title, why }: Words, action: StepAction): void {
    const number = String(this.#list.length + 1).padStart(2, "0");
    this.#list.push({ id: `${number}-${id}`, title, why, ...action });
  }

  get list(): readonly Step[] {
    return this.#list;
  }
}
