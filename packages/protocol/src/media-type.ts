const JSON_TYPE = /^(?:application|text)\/json$|^[^/]+\/[^/]+\+json$/;

/** True for JSON types and no type (CloudEvents JSON format, section 3.1). */
export function isJsonContentType(contentType: string | undefined): boolean {
  if (contentType === undefined || contentType === "application/json") return true;
  const end = contentType.indexOf(";");
  const essence = end < 0 ? contentType : contentType.slice(0, end);
  return JSON_TYPE.test(essence.trim().toLowerCase());
}
