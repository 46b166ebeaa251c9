import { existsSync, statSync } from "node:fs";
import { join } from "node:path";

/** Where a store is, or why what is there is not to be touched. */
export type StorePlace =
  | { readonly kind: "there"; readonly directory: string }
  | { readonly kind: "wrong"; readonly detail: string; readonly fix: string };

/** The store in the data directory of a service: of a principal that is the directory itself, of an agent the folder `store` in it, which may be named as well. */
export function storePlace(dataDirectory: string): StorePlace {
  const directory = [dataDirectory, join(dataDirectory, "store")].find((one) =>
    existsSync(join(one, "rows", "CURRENT")),
  );
  if (directory === undefined)
    return {
      kind: "wrong",
      detail: "holds no store",
      fix: "name the data directory of a principal or of an agent",
    };
  // A store is written to a little whenever it is opened. In files of another user its service could then not go on.
  const owner = statSync(directory).uid;
  if (owner === process.getuid?.()) return { kind: "there", directory };
  return {
    kind: "wrong",
    detail: "belongs to another user",
    fix: `run this as its owner: sudo -u '#${owner}' hawser ...`,
  };
}
