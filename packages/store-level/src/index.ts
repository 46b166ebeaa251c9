export { createLevelDisk } from "./level-disk.js";
export { createLevelStore, type LevelStoreOptions } from "./level-store.js";
export { tryLevelStore, type StoreTrial } from "./try-level-store.js";
