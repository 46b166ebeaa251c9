import type { Appended } from "../contract/mailbox.js";

type Resolve = (all: readonly Appended[]) => void;

/** Where the items of a batch leave what became of them. */
export interface AppendAnswers {
  /** @param index of the item in its batch */
  add(appended: Appended, index: number): void;
}

/** Resolves once each of `count` items has been answered. Objects and no closures: thousands wait for one commit. */
export function appendAnswers(count: number, resolve: Resolve): AppendAnswers {
  // Most come alone.
  if (count === 1) return new OneAnswer(resolve);
  if (count === 0) resolve([]);
  return new BatchAnswers(count, resolve);
}

class OneAnswer implements AppendAnswers {
  readonly #resolve: Resolve;

  constructor(resolve: Resolve) {
    this.#resolve = resolve;
  }

  add(appended: Appended): void {
    this.#resolve([appended]);
  }
}

class BatchAnswers implements AppendAnswers {
  readonly #all: Appended[] = [];
  readonly #resolve: Resolve;
  #missing: number;

  constructor(count: number, resolve: Resolve) {
    this.#missing = count;
    this.#resolve = resolve;
  }

  add(appended: Appended, index: number): void {
    this.#all[index] = appended;
    this.#missing -= 1;
    if (this.#missing === 0) this.#resolve(this.#all);
  }
}
