// What is in an image, as a CycloneDX document: made of what was laid out for it, so that it cannot tell anything else.
import { createHash } from "node:crypto";
import { Contrib, Enums, Models, Serialize, Spec } from "@cyclonedx/cyclonedx-library";
import { PackageURL } from "packageurl-js";
import { bundledIn } from "../packages/bundled-packages.mjs";
import { neededPackages, packageFoldersBelow } from "./installed-packages.mjs";
import { licenceOf, parseLicence } from "./licences.mjs";

const { Builders, Factories } = Contrib.FromNodePackageJson;
const components = new Builders.ComponentBuilder(
  new Factories.ExternalReferenceFactory(),
  new Contrib.License.Factories.LicenseFactory(parseLicence),
);

/**
 * The document of an app, in CycloneDX 1.6 and JSON. The same app makes the same document: it holds no time, and its serial number comes of its content.
 * @param {string} app a folder with a package and all it needs
 * @returns {string}
 * @throws when there is a package that the app does not need to run
 */
export function sbomOf(app) {
  const packages = neededPackages([app]);
  const [root] = packages.values();
  const stray = packageFoldersBelow(app).filter((folder) => !packages.has(folder));
  if (stray.length > 0)
    throw new Error(`${root?.name} does not need ${stray[0]}, and ${stray.length - 1} more`);

  const bom = new Models.Bom();
  bom.metadata.lifecycles.add(Enums.LifecyclePhase.Build);
  const made = new Map([...packages].map(([folder, found]) => [folder, componentOf(found, found === root)]));
  for (const { folder, needs } of packages.values()) {
    const dependencies = made.get(folder)?.dependencies ?? new Models.BomRefRepository();
    for (const need of needs) {
      const needed = made.get(need);
      if (needed !== undefined) dependencies.add(needed.bomRef);
    }
    for (const manifest of bundledIn(folder)) {
      const component = componentOf({ ...manifest, manifest }, false);
      const known = [...made.values()].find(({ bomRef }) => bomRef.value === component.bomRef.value);
      if (known === undefined) made.set(`${component.bomRef.value}`, component);
      dependencies.add((known ?? component).bomRef);
    }
  }
  for (const component of made.values())
    if (component.type === Enums.ComponentType.Application) bom.metadata.component = component;
    else bom.components.add(component);

  bom.serialNumber = serialNumberOf(serialized(bom));
  return serialized(bom);
}

/** @param {Pick<import("./installed-packages.mjs").Installed, "name" | "version" | "manifest">} found @param {boolean} isApp */
function componentOf({ name, version, manifest }, isApp) {
  const { license: _stated, licenses: _old, ...rest } = manifest;
  const license = licenceOf(manifest);
  const data = { ...rest, name, version, ...(license === undefined ? {} : { license }) };
  const component = components.makeComponent(
    data,
    isApp ? Enums.ComponentType.Application : Enums.ComponentType.Library,
  );
  if (component === undefined) throw new Error(`${name}: its package.json has no name`);
  const [scope, bare] = name.startsWith("@") ? name.split("/") : [undefined, name];
  component.purl = new PackageURL("npm", scope, bare, version).toString();
  component.bomRef.value = component.purl;
  return component;
}

/** @param {Models.Bom} bom */
function serialized(bom) {
  const serializer = new Serialize.JsonSerializer(new Serialize.JSON.Normalize.Factory(Spec.Spec1dot6));
  return `${serializer.serialize(bom, { sortLists: true, space: 2 })}\n`;
}

/** A UUID of version 8: what it is made of is ours to say. @param {string} text */
function serialNumberOf(text) {
  const hex = createHash("sha256").update(text).digest("hex");
  const parts = [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    `a${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ];
  return `urn:uuid:${parts.join("-")}`;
}
