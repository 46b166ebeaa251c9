/** `dataDir` -> `data-dir` */
export function flagName(key: string): string {
  return key.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** `dataDir` -> `<prefix>DATA_DIR` */
export function variableName(prefix: string, key: string): string {
  return prefix + flagName(key).replaceAll("-", "_").toUpperCase();
}
