/**
 * Something with a lifetime.
 *
 * `start` resolves once it serves, with what it found out by starting (such as the ports it bound).
 * `stop` may be called at any time and any number of times; it resolves once everything it held is released.
 */
export interface Lifecycle<Started = void> {
  start(): Promise<Started>;
  stop(): Promise<void>;
}

/** A lifetime that can end with a scope: `await using agent = createAgent(...)`, where disposing is `stop`. */
export interface DisposableLifecycle<Started = void> extends Lifecycle<Started> {
  [Symbol.asyncDispose](): Promise<void>;
}
