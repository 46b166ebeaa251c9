// What has to hold before packages are published, besides what is found in their tarballs.

/** @typedef {Pick<import("./workspace.mjs").Manifest, "repository">} Sourced */

/**
 * Where a package says it comes from: the repository of the workspace, and its own folder in it. Provenance is refused by a registry when this is another
 * repository than the one that published, and a registry's page leads the links of a README there.
 * @param {Sourced} workspace the workspace's package.json
 * @param {string} directory of the package, from the root
 * @returns {{ type: string, url: string, directory: string } | undefined} undefined while the workspace names none
 */
export function repositoryOf({ repository }, directory) {
  return repository?.url === undefined ? undefined : { type: "git", url: repository.url, directory };
}

/**
 * @param {{ workspace: Sourced, packages: { name: string, directory: string, manifest: Sourced }[], changed: string[] }} found
 * @returns {string[]}
 */
export function publishComplaints({ workspace, packages, changed }) {
  const complaints = [];
  if (changed.length > 0) complaints.push(`${changed.length} files have changes that no commit holds`);
  if (workspace.repository?.url === undefined)
    complaints.push(
      'package.json names no repository, which provenance needs: add "repository": { "type": "git", "url": "git+https://..." } there',
    );
  else
    for (const { name, directory, manifest } of packages)
      if (JSON.stringify(manifest.repository) !== JSON.stringify(repositoryOf(workspace, directory)))
        complaints.push(`${name} does not name the repository; 'npm run release:version' writes it`);
  return complaints;
}
