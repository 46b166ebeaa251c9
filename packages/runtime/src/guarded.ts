/**
 * Runs a step of one owner (a connection, a stream, a request) in an event or timer callback. An
 * exception ends its owner; out of the callback it would end the process.
 * @param failed ends the owner, or ignores the exception (default); must not throw
 */
export function guarded(step: () => void, failed: (thrown: unknown) => void = () => {}): void {
  try {
    step();
  } catch (thrown) {
    failed(thrown);
  }
}
