import { visibleLength } from "./style.js";

/** Columns as wide as their widest cell, two spaces apart, no lines: readable, and easy on awk. */
export function formatTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [header, ...rows];
  const widths = header.map((_, column) =>
    all.reduce((width, row) => Math.max(width, visibleLength(row[column] ?? "")), 0),
  );
  const pad = (cell: string, width = 0): string =>
    cell + " ".repeat(Math.max(0, width - visibleLength(cell)));
  return all
    .map((row) =>
      row.map((cell, column) => (column === row.length - 1 ? cell : pad(cell, widths[column]))).join("  "),
    )
    .join("\n");
}

/** A duration as people say it: `4s`, `12m`, `3h20m`, `5d`. */
export function formatDuration(ms: number): string {
  const seconds = Math.floor(Math.max(0, ms) / 1000);
  if (seconds < 60) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}m`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return minutes % 60 === 0 ? `${hours}h` : `${hours}h${minutes % 60}m`;
  return `${Math.floor(hours / 24)}d`;
}
