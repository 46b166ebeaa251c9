import { configDefaults, defineConfig } from "vitest/config";

// Packages are resolved to their sources, so that a test never runs against a stale build.
const resolve = { conditions: ["@hawser/source", "node", "import", "default"] };
const ssr = { resolve };
/** They measure, load the machine for a minute or more, or pack what the others run: nothing else runs beside them. */
const ALONE = [
  "attacks-api",
  "attacks-floods",
  "attacks-one-agent",
  "attacks-one-segment",
  "attacks-silent-streams",
  "attacks-slow-sockets",
  "bench",
  "compose",
  "crash",
  "faults",
  "faults-idle",
  "fresh-clone",
  "images",
  "packages",
  "storm",
].map((name) => `e2e/${name}.test.ts`);

export default defineConfig({
  resolve,
  ssr,
  test: {
    projects: [
      {
        resolve,
        ssr,
        test: {
          name: "unit",
          include: [
            "packages/*/src/**/*.test.ts",
            "apps/*/src/**/*.test.ts",
            "bench/src/**/*.test.ts",
            "scripts/**/*.test.mjs",
          ],
          // Ends what hangs. No test waits for real time, but a machine may be slow.
          testTimeout: 30_000,
        },
      },
      {
        resolve,
        ssr,
        test: {
          name: "e2e",
          include: ["e2e/**/*.test.ts"],
          exclude: [...configDefaults.exclude, ...ALONE],
          testTimeout: 300_000,
          hookTimeout: 60_000,
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
        },
      },
      {
        resolve,
        ssr,
        test: {
          name: "e2e-alone",
          include: ALONE,
          testTimeout: 300_000,
          hookTimeout: 60_000,
          fileParallelism: false,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
