import { printable } from "@hawser/runtime";

/** What a service has to say where no log line will do: its help, and that its settings are good. */
export function tell(text: string): void {
  process.stdout.write(`${printable(text)}\n`);
}

/** For whoever started it: why it does not run, or what to look at. */
export function complain(text: string): void {
  process.stderr.write(`${printable(text)}\n`);
}
