/** What one look found. `fix` says what to change, and is there unless all is well. */
export interface Check {
  readonly name: string;
  readonly result: "ok" | "warn" | "fail";
  readonly detail: string;
  readonly fix?: string;
}

export function ok(name: string, detail: string): Check {
  return { name, result: "ok", detail };
}

export function warn(name: string, detail: string, fix: string): Check {
  return { name, result: "warn", detail, fix };
}

export function fail(name: string, detail: string, fix: string): Check {
  return { name, result: "fail", detail, fix };
}
