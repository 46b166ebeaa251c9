// What a release of the images is: one build for each, for every platform, from a base that is named by its digest, labelled with where it comes from.

/** The stages of the Dockerfile that are released, and the names of their images. */
const IMAGES = { principal: "hawser-principal", agent: "hawser-agent", cli: "hawser-cli" };
const PLATFORMS = "linux/amd64,linux/arm64";
/** Of the files that are in the way. */
const SHOWN = 3;
/** Folders that a build makes get the commit's time as well. An engine that unpacks what it builds into a store of its own refuses that, and says so. */
const PUSH = "type=registry,rewrite-timestamp=true";
const PINNED = /^(?<name>[^@\s]+)@(?<digest>sha256:[0-9a-f]{64})$/;

/**
 * @typedef {object} Release
 * @property {string} version that of all packages
 * @property {string} revision the commit
 * @property {number} committedAt seconds since 1970, of the commit
 * @property {string} base an image with its digest
 * @property {string | undefined} prefix where the images go, such as "registry.example/site"
 * @property {string | undefined} platform by default both
 * @property {string | undefined} sbomGenerator an image, instead of BuildKit's own
 * @property {string | undefined} output instead of a push, as buildx takes it; "{image}" stands for the image's name
 */

/** @typedef {{ image: string, reference: string, args: string[] }} Build arguments of docker, but for the file of its metadata */

/**
 * Why this is not a release.
 *
 * @param {object} asked
 * @param {string | undefined} asked.base
 * @param {string | undefined} asked.version
 * @param {string[]} asked.versions those of the packages
 * @param {string[]} asked.changed files that no commit holds
 * @param {string | undefined} asked.prefix
 * @param {string | undefined} asked.output
 * @returns {string[]}
 */
export function releaseComplaints({ base, version, versions, changed, prefix, output }) {
  const complaints = [];
  if (changed.length > 0)
    complaints.push(`no commit holds ${someOf(changed)}; commit first, so that the images can be made again`);
  if (versions.length !== 1)
    complaints.push(
      `the packages do not have one version, but ${versions.join(", ")}; 'npm run release:version' mends it`,
    );
  else if (version !== undefined && version !== versions[0])
    complaints.push(`--version is ${version}, and the packages have ${versions[0]}`);
  if (base === undefined) complaints.push("--base is missing: the image to build on, with its digest");
  else if (!PINNED.test(base))
    complaints.push(
      `--base ${base} has no digest, so that tomorrow it may be another; name it as ${base.split("@")[0]}@sha256:..., with the digest that 'docker buildx imagetools inspect ${base.split("@")[0]}' says`,
    );
  if (prefix === undefined && output === undefined)
    complaints.push("--to is missing: where the images are pushed, such as registry.example/site");
  return complaints;
}

/** @param {string[]} names */
function someOf(names) {
  const [more, shown] = [names.slice(SHOWN), names.slice(0, SHOWN)];
  return `${shown.join(", ")}${more.length > 0 ? ` and ${more.length} more` : ""}`;
}

/**
 * The builds of a release.
 * @param {Release} release
 * @returns {Build[]}
 */
export function releaseBuilds(release) {
  return Object.entries(IMAGES).map(([target, image]) => {
    const reference = `${release.prefix === undefined ? "" : `${release.prefix}/`}${image}:${release.version}`;
    return { image, reference, args: buildArguments(release, { target, image, reference }) };
  });
}

/** @param {Release} release @param {{ target: string, image: string, reference: string }} image */
function buildArguments(release, { target, image, reference }) {
  const { version, revision, committedAt, base, output } = release;
  const { name, digest } = PINNED.exec(base)?.groups ?? {};
  const labels = {
    version,
    revision,
    created: new Date(committedAt * 1000).toISOString().replace(".000Z", "Z"),
    "base.name": name,
    "base.digest": digest,
  };
  const flags = {
    "--platform": release.platform ?? PLATFORMS,
    "--target": target,
    "--tag": reference,
    "--provenance": "mode=max",
    "--sbom": release.sbomGenerator === undefined ? "true" : `generator=${release.sbomGenerator}`,
    "--output": output?.replaceAll("{image}", image) ?? PUSH,
  };
  const buildArgs = { BASE: base, SOURCE_DATE_EPOCH: committedAt };
  return [
    "buildx",
    "build",
    ...Object.entries(flags).flat(),
    ...Object.entries(buildArgs).flatMap(([key, value]) => ["--build-arg", `${key}=${value}`]),
    ...Object.entries(labels).flatMap(([key, value]) => [
      "--label",
      `org.opencontainers.image.${key}=${value}`,
    ]),
  ];
}
