import { expect, it } from "vitest";
import { checkOpenFiles } from "./open-files.js";

it("takes a limit that is just enough, and names what is needed when it is not", () => {
  expect(() => checkOpenFiles(5_000, 15_256)).not.toThrow();
  expect(() => checkOpenFiles(5_000, 15_255)).toThrow(
    "5000 agents need up to 15256 open files in one process, and the limit is 15255: raise it (ulimit -n 15256), or take fewer with --agents",
  );
});

it("asks the system", () => {
  expect(() => checkOpenFiles(1_000_000_000)).toThrow("and the limit is");
});
