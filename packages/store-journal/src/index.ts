export { createJournalDisk, DEFAULT_SEGMENT_BYTES } from "./journal-disk.js";
export { createJournalStore, type JournalStoreOptions } from "./journal-store.js";
export { tryJournalStore, type StoreTrial } from "./try-journal-store.js";
