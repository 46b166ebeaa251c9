import { systemTimers } from "@hawser/runtime";

/** Runs promise jobs and I/O until `holds`; the test's own timeout is the only limit. */
export async function until(holds: () => boolean): Promise<void> {
  while (!holds()) {
    await new Promise<void>((resolve) => {
      systemTimers.soon(resolve);
    });
  }
}
