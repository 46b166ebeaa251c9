/**
 * Runs a step of one owner (a connection, a stream, a request) in a callback that nobody above catches for: an event, a timer. What it throws is the end of its owner, and of
 * nobody else: out of the callback it would end the process.
 *
 * @param failed ends the owner; must not throw
 */
export function guarded(step: () => void, failed: (thrown: unknown) => void = () => {}): void {
  try {
    step();
  } catch (thrown) {
    failed(thrown);
  }
}
