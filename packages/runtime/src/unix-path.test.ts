import { describe, expect, it } from "vitest";
import { MAX_UNIX_PATH_BYTES, unixPathProblem } from "./unix-path.js";

const pathOf = (bytes: number): string => `/${"a".repeat(bytes - 1)}`;

describe("unixPathProblem", () => {
  it("takes what the system takes, to the byte", () => {
    expect(unixPathProblem(pathOf(MAX_UNIX_PATH_BYTES))).toBeUndefined();
    expect(unixPathProblem(pathOf(MAX_UNIX_PATH_BYTES + 1))).toContain(`is ${MAX_UNIX_PATH_BYTES + 1} bytes`);
  });

  it("counts bytes, not characters", () => {
    expect(unixPathProblem(`/${"ü".repeat(MAX_UNIX_PATH_BYTES / 2)}`)).toBeUndefined();
    expect(unixPathProblem(`/${"ü".repeat(MAX_UNIX_PATH_BYTES / 2 + 1)}`)).toContain("bytes long");
  });

  it.each(["", "\0abstract", "/run/a\0b"])("refuses %j, which is no file", (path) => {
    expect(unixPathProblem(path)).toBe("must be the path of a file");
  });
});
