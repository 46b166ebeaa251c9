import { printable } from "@hawser/runtime";

/** Output that is no log line: help, and the result of `--check`. */
export function tell(text: string): void {
  process.stdout.write(`${printable(text)}\n`);
}

/** Errors and warnings for the user who started it. */
export function complain(text: string): void {
  process.stderr.write(`${printable(text)}\n`);
}
