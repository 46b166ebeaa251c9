import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));

/** Where text leaves a program for a terminal or a log, and what each of them makes of text from a peer. */
const WAYS_OUT = {
  "apps/agent/src/send/main.ts": "printable",
  "apps/cli/src/terminal.ts": "renders by its style",
  "apps/create-hawser/src/main.ts": "says what was typed, as JSON",
  "apps/demo/src/main.ts": "gives the streams to the view",
  "apps/demo/src/view.ts": "printable",
  "packages/runtime/src/warning-logger.ts": "readableLine",
  "packages/service/src/service-log.ts": "asks whether it is a terminal",
  "packages/service/src/standard-output.ts": "takes the lines of a logger",
  "packages/service/src/standard-streams.ts": "printable",
};

/** Every way to the standard streams of a process. */
const WRITES = [
  /\bprocess\s*(\?\.|\.|\[)\s*["'`]?(stdout|stderr)\b/,
  /\{[^{}]*\b(stdout|stderr)\b[^{}]*\}\s*=\s*process\b/,
  /\bconsole\s*(\.\s*(log|error|warn|info|debug|dir|table|trace)\(|\[)/,
  /["']node:console["']/,
  /\b(write|writeSync|writevSync|createWriteStream)\(\s*([12]\b|["'`]\/dev\/(stdout|stderr|tty))/,
  /\bpino\.destination\b/,
];

test("nothing reaches a terminal but through the files that make it printable", () => {
  const sources = ["apps", "packages"]
    .flatMap((room) => readdirSync(join(root, room)).map((name) => join(room, name, "src")))
    .flatMap((src) =>
      readdirSync(join(root, src), { recursive: true, encoding: "utf8" }).map((path) => join(src, path)),
    )
    .filter(
      (path) => path.endsWith(".ts") && !/\.(test|test-support)\.ts$|\/src\/(testing|gen)\//.test(path),
    );
  expect(sources.length).toBeGreaterThan(300);
  const writers = sources.filter((path) => {
    const code = readFileSync(join(root, path), "utf8")
      .replaceAll(/\/\*[^]*?\*\//g, "")
      .replaceAll(/^\s*\/\/.*$/gm, "")
      // Examples inside of texts are no code.
      .replaceAll(/`[^`$]*`/g, "``");
    return WRITES.some((write) => write.test(code));
  });
  expect(writers.filter((path) => !Object.hasOwn(WAYS_OUT, path))).toEqual([]);
});
