import { configDefaults, defineConfig } from "vitest/config";

// A test is found by its name, and what it needs of the machine is part of that:
//   *.test.ts        runs in a second or so
//   *.slow.test.ts   takes longer: it syncs a disk, or starts processes by the dozen
//   *.alone.test.ts  loads the machine, packs what others run, or counts turns of the event loop: nothing runs beside it
//   *.long.test.ts   takes minutes: a stage of `npm run test:long`
const SLOW = "**/*.slow.test.{ts,mjs}";
const ALONE = "**/*.alone.test.ts";
const LONG = "**/*.long.test.ts";
const E2E = "e2e/**/*.test.ts";
const BUILT = "**/dist/**";

// Packages are resolved to their sources, so that a test never runs against a stale build.
const resolve = { conditions: ["@hawser/source", "node", "import", "default"] };
// Of both cores of a small machine vitest would leave one idle.
const maxWorkers = "100%";
const minutes = { testTimeout: 300_000, hookTimeout: 60_000 };

export default defineConfig({
  resolve,
  ssr: { resolve },
  test: {
    // Ends what hangs. No test waits for real time, but a machine may be slow.
    testTimeout: 30_000,
    projects: [
      {
        extends: true,
        test: {
          name: "unit",
          include: ["{packages,apps,bench,scripts}/**/*.test.{ts,mjs}"],
          exclude: [...configDefaults.exclude, BUILT, SLOW, ALONE, LONG, E2E],
          // Nothing of ours keeps state in a module, so files share a process, and what it has loaded.
          isolate: false,
          setupFiles: ["scripts/shared-process.setup.ts"],
          maxWorkers,
        },
      },
      {
        extends: true,
        test: { name: "slow", include: [SLOW], maxWorkers },
      },
      {
        extends: true,
        test: {
          name: "e2e",
          include: [E2E],
          exclude: [...configDefaults.exclude, ALONE, LONG],
          ...minutes,
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          name: "alone",
          include: [ALONE],
          ...minutes,
          fileParallelism: false,
          sequence: { groupOrder: 2 },
        },
      },
      {
        extends: true,
        test: {
          name: "long",
          include: [LONG],
          ...minutes,
          fileParallelism: false,
          sequence: { groupOrder: 3 },
        },
      },
    ],
  },
});
