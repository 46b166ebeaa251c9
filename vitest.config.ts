import { configDefaults, defineConfig } from "vitest/config";

// Packages are resolved to their sources, so that a test never runs against a stale build.
const resolve = { conditions: ["@hawser/source", "node", "import", "default"] };
const ssr = { resolve };
const inE2e = (name: string): string => `e2e/${name}.test.ts`;
/** They load the machine for a minute or more, or pack what the others run: nothing else runs beside them. */
const ALONE = ["bench", "compose", "compose-tls", "crash", "fresh-clone", "images", "packages"].map(inE2e);
/** The same, and they take minutes: stages of `npm run test:long`. */
const LONG = ["attacks-*", "faults", "faults-idle", "storm"].map(inE2e);
/** What they have in common. */
const alone = { testTimeout: 300_000, hookTimeout: 60_000, fileParallelism: false };

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
            "apps/create-hawser/templates/*/src/**/*.test.ts",
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
          exclude: [...configDefaults.exclude, ...ALONE, ...LONG],
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
          ...alone,
          sequence: { groupOrder: 2 },
        },
      },
      {
        resolve,
        ssr,
        test: {
          name: "long",
          include: LONG,
          ...alone,
          sequence: { groupOrder: 3 },
        },
      },
    ],
  },
});
