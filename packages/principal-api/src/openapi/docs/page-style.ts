/** The one style sheet of the page. Colours follow the system, and every pair of them reaches a contrast of 4.5 to 1. */
export const PAGE_STYLE = `
:root {
  color-scheme: light dark;
  --back: #fff; --soft: #f4f6f8; --line: #d5dbe1; --text: #1c2329; --dim: #56616b; --link: #0b5cad;
  --get: #0b5cad; --post: #1a6e2e; --put: #8a4b00; --patch: #6b3fa0; --delete: #b3261e;
}
@media (prefers-color-scheme: dark) {
  :root {
    --back: #14181c; --soft: #1d2329; --line: #39424b; --text: #e3e8ed; --dim: #9fabb6; --link: #7cb7f5;
    --get: #7cb7f5; --post: #7fd08f; --put: #f0b165; --patch: #c9a5f2; --delete: #ff9a8f;
  }
}
* { box-sizing: border-box; }
html { scroll-padding-top: 1rem; }
body { margin: 0; background: var(--back); color: var(--text); font: 16px/1.5 system-ui, sans-serif; }
a { color: var(--link); }
code, pre { font: 0.875em/1.5 ui-monospace, "DejaVu Sans Mono", monospace; }
code { overflow-wrap: anywhere; }
pre { background: var(--soft); border: 1px solid var(--line); border-radius: 6px; padding: 0.75rem 1rem; overflow-x: auto; margin: 0.5rem 0; }
header, main, nav { padding: 0 1rem; }
header { border-bottom: 1px solid var(--line); padding-bottom: 1rem; }
h1 { font-size: 1.6rem; margin: 1rem 0 0; }
h2 { margin: 2.5rem 0 0; font-size: 1.3rem; }
h3 { font-size: 1.1rem; margin: 0; }
h3 a { color: inherit; text-decoration: none; }
h3 a:hover { text-decoration: underline; }
h4 { font-size: 0.9rem; margin: 1.25rem 0 0.25rem; color: var(--dim); }
p { margin: 0.5rem 0; max-width: 44rem; }
nav { padding-top: 1rem; padding-bottom: 1rem; }
nav.wide { display: none; }
nav summary { cursor: pointer; font-weight: 600; }
nav ul { list-style: none; margin: 0 0 0.75rem; padding: 0; }
nav h2 { font-size: 0.9rem; margin: 1rem 0 0.25rem; color: var(--dim); }
nav li a { display: flex; gap: 0.5rem; align-items: baseline; padding: 0.2rem 0; text-decoration: none; }
nav li a:hover { text-decoration: underline; }
article { padding: 1.5rem 0; border-bottom: 1px solid var(--line); }
.call { font-size: 1.05em; }
.method { font: 600 0.8rem/1 ui-monospace, "DejaVu Sans Mono", monospace; border: 1px solid; border-radius: 4px; padding: 0.15rem 0.4rem; }
.get { color: var(--get); } .post { color: var(--post); } .put { color: var(--put); } .patch { color: var(--patch); } .delete { color: var(--delete); }
.type { color: var(--dim); font-size: 0.875em; }
.lead { color: var(--dim); }
dl { margin: 0.25rem 0; }
dt { margin-top: 0.4rem; }
dd { margin: 0 0 0 1.25rem; }
.answers { display: grid; grid-template-columns: 3rem minmax(0, 1fr); gap: 0.15rem 0; }
.answers dt { margin: 0; font-weight: 600; }
.answers dd { margin: 0; }
.good { color: var(--post); } .bad { color: var(--delete); }
.fields .fields { border-left: 2px solid var(--line); padding-left: 0.75rem; }
@media (min-width: 60rem) {
  .columns { display: grid; grid-template-columns: 18rem minmax(0, 1fr); max-width: 80rem; margin: 0 auto; }
  header { padding-left: max(1rem, calc((100vw - 80rem) / 2 + 1rem)); }
  nav.narrow { display: none; }
  nav.wide { display: block; }
  nav { position: sticky; top: 0; align-self: start; max-height: 100vh; overflow-y: auto; border-right: 1px solid var(--line); }
  main { padding: 0 2rem 4rem; }
}
@media print { nav { display: none; } }
`;
