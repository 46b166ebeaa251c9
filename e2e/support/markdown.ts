/** A fenced block of a document. */
export interface Block {
  readonly line: number;
  readonly language: string;
  /** What follows the language: a label or a file's name; empty when there is nothing. */
  readonly label: string;
  readonly code: string;
}

export interface Link {
  readonly line: number;
  readonly target: string;
}

const FENCED = /^```(\w*) ?(.*)\n([\s\S]*?)^```$/gm;

function lineAt(text: string, index: number): number {
  return text.slice(0, index).split("\n").length;
}

export function blocksOf(text: string): readonly Block[] {
  return [...text.matchAll(FENCED)].map(({ index, 1: language = "", 2: label = "", 3: code = "" }) => ({
    line: lineAt(text, index),
    language,
    label,
    code,
  }));
}

/** The text with its blocks blank, lines kept. */
function prose(text: string): string {
  return text.replaceAll(FENCED, (block) => block.replaceAll(/[^\n]/g, ""));
}

export function linksOf(text: string): readonly Link[] {
  const plain = prose(text);
  return [...plain.matchAll(/\]\(([^)\s]+)\)/g)].map(({ index, 1: target = "" }) => ({
    line: lineAt(plain, index),
    target,
  }));
}

/** What is set as code within sentences and tables. */
export function inlineCodeOf(text: string): readonly string[] {
  return [...prose(text).matchAll(/`([^`\n]+)`/g)].map(({ 1: code = "" }) => code);
}

/** Where `#...` leads, made of the headings as GitHub does it. */
export function anchorsOf(text: string): ReadonlySet<string> {
  const anchors = new Set<string>();
  for (const { 1: heading = "" } of prose(text).matchAll(/^#{1,6} (.+)$/gm)) {
    const plain = heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1").toLowerCase();
    const slug = plain.replaceAll(/[^\p{L}\p{N}\p{M}_\- ]/gu, "").replaceAll(" ", "-");
    let anchor = slug;
    for (let n = 1; anchors.has(anchor); n += 1) anchor = `${slug}-${n}`;
    anchors.add(anchor);
  }
  return anchors;
}
