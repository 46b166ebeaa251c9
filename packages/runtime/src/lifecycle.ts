/**
 * A component with a lifetime.
 *
 * `start` resolves once it serves, with its findings (such as the bound ports). `stop` may be
 * called at any time and repeatedly; it resolves once everything is released.
 */
export interface Lifecycle<Started = void> {
  start(): Promise<Started>;
  stop(): Promise<void>;
}

/** A lifetime bound to a scope: `await using agent = createAgent(...)`. Disposing calls `stop`. */
export interface DisposableLifecycle<Started = void> extends Lifecycle<Started> {
  [Symbol.asyncDispose](): Promise<void>;
}
