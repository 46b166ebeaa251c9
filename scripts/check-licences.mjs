// Fails when a package that runs with ours in production has a licence that is not known to be permissive.
import { neededPackages } from "./images/installed-packages.mjs";
import { licenceComplaints } from "./images/licences.mjs";
import { publishedPackages } from "./packages/workspace.mjs";

/** The compliance suites run in the test runner of whoever has one; it comes with no package of ours. */
const BROUGHT_BY_USERS = ["vitest"];

const roots = publishedPackages().map(({ folder }) => folder);
const packages = neededPackages(roots, { without: BROUGHT_BY_USERS });
const complaints = licenceComplaints(packages.values());
for (const complaint of complaints) console.error(`check-licences: ${complaint}`);
if (complaints.length === 0) console.log(`check-licences: ${packages.size} packages, all permissive`);
process.exit(complaints.length === 0 ? 0 : 1);
