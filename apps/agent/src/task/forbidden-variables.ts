/**
 * Variables that no allow-list may let a spec set: each makes a program load code, read a start-up file or look for programs somewhere else, so that a command which is allowed
 * would run one that is not.
 *
 * Families by their beginning: the dynamic linker, glibc, shells, the interpreters, git, the JVM, OpenSSL, pagers and editors.
 */
const FAMILIES = [
  "LD_",
  "DYLD_",
  "MALLOC_",
  "GCONV_",
  "BASH",
  "GIT_",
  "NODE_",
  "NPM_",
  "PYTHON",
  "PERL",
  "RUBY",
  "GEM_",
  "BUNDLE",
  "LUA_",
  "PHP",
  "JAVA_",
  "_JAVA_",
  "JDK_",
  "OPENSSL_",
  "LESS",
  "XDG_",
  "HAWSER_",
];

const NAMES = new Set([
  "CDPATH",
  "CLASSPATH",
  "EDITOR",
  "ENV",
  "GLIBC_TUNABLES",
  "GLOBIGNORE",
  "HOME",
  "HOSTALIASES",
  "IFS",
  "LOCPATH",
  "MANPAGER",
  "NLSPATH",
  "PAGER",
  "PATH",
  "PROMPT_COMMAND",
  "PS4",
  "RESOLV_HOST_CONF",
  "SHELL",
  "SHELLOPTS",
  "SSLKEYLOGFILE",
  "TERMCAP",
  "TERMINFO",
  "TERMINFO_DIRS",
  "VISUAL",
  "ZDOTDIR",
]);

/** True for a variable that a spec under an allow-list may never set. */
export function isForbiddenVariable(name: string): boolean {
  const upper = name.toUpperCase();
  return NAMES.has(upper) || FAMILIES.some((family) => upper.startsWith(family));
}
