/**
 * Variables that no allow-list may let a spec set: each makes a widespread program load code, read a
 * start-up or configuration file, take further options, or look for programs somewhere else, so that
 * a command which is allowed would run one that is not.
 *
 * No such list is complete: every program reads what it likes from its environment. This one keeps an
 * operator from listing what is known to be dangerous; whether another variable is, only the manual
 * of its program says.
 */

/** By their beginning: programs of which most variables are of the kind. */
const FAMILIES = [
  // The dynamic linker, glibc, and what loads shared objects by name.
  ..."LD_ DYLD_ MALLOC_ GCONV_ NSS_ OPENSSL_ GIO_ GST_ GTK_ GDK_ QT_ VK_ OCL_ MAGICK_".split(" "),
  // Shells, what logs in, and what asks.
  ..."BASH SSH_ SUDO_ SYSTEMD_ LESS XDG_".split(" "),
  // Interpreters and virtual machines.
  ..."NODE_ BUN_ DENO_ PYTHON PERL RUBY LUA_ PHP GUILE_ R_ JULIA_ ERL_ OCAML CAML_ TCL TK_".split(" "),
  ..."JAVA_ _JAVA_ JDK_ DOTNET_ CORECLR_ COR_ COMPLUS_".split(" "),
  // What fetches and builds code.
  ..."NPM_ YARN_ PNPM_ PIP_ UV_ GEM_ BUNDLE COMPOSER_ CONDA MAVEN_ GRADLE_ CARGO RUSTC".split(" "),
  ..."GIT_ HG SVN_ CVS_ MAKE GNUMAKE CMAKE_ CCACHE_".split(" "),
  // What reaches other machines.
  ..."ANSIBLE_ HELM_ KUBE_ RCLONE_ TF_CLI_".split(" "),
  "HAWSER_",
] as const;

/** By their end: what programs call the variables of the kind. */
const ENDINGS = [
  // Another program.
  /(ASKPASS|RSH|_SSH|PAGER|EDITOR|BROWSER|SHELL)$/,
  /(COMMAND|_CMD|_PROG|PROGRAM|WRAPPER|LAUNCHER)$/,
  // Code that is loaded.
  /(PRELOAD|PROFILER|HOOKS?|PLUGINS?|MODULES)$/,
  // Options, among which is often one that runs something.
  /(_OPTS?|OPTIONS|[A-Z]FLAGS)$/,
  // A file or a directory in place of the usual one.
  /(PATH|HOME|CONF|CONFIG|CFG|INI)$/,
  /(CONF|CONFIG|CFG|INIT|SERVICE|PROFILE|STARTUP)_?(FILE|DIR|PATH)$/,
  /[^AS_]RC$/,
] as const;

const NAMES = new Set([
  // Shells and terminals.
  ..."CDPATH ENV GLOBIGNORE IFS PROMPT_COMMAND PS4 SHELLOPTS TERMCAP TERMINFO TERMINFO_DIRS ZDOTDIR".split(
    " ",
  ),
  // glibc and OpenSSL.
  ..."GLIBC_TUNABLES HOSTALIASES LOCPATH NLSPATH RESOLV_HOST_CONF SSLKEYLOGFILE".split(" "),
  // Compilers, as make and its like take them.
  ..."AR AS CC CPP CXX FC LD GOROOT GOENV GOTOOLCHAIN".split(" "),
  // Editors and calculators that begin with what is in them; archivers that take options from them.
  ..."VISUAL FCEDIT EXINIT VIMINIT BC_ENV_ARGS DC_ENV_ARGS UNZIP UNZIPOPT ZIPOPT".split(" "),
  // Directories that programs are led to.
  ..."PGSYSCONFDIR GS_LIB TNS_ADMIN ODBCSYSINI TEXINPUTS".split(" "),
]);

/** True for a variable that a spec under an allow-list may never set. */
export function isForbiddenVariable(name: string): boolean {
  const upper = name.toUpperCase();
  return (
    NAMES.has(upper) ||
    FAMILIES.some((family) => upper.startsWith(family)) ||
    ENDINGS.some((ending) => ending.test(upper))
  );
}
