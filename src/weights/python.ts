import { Callable, type Globals, Named, PickleDict, StandIn } from "./pickle.js";

/**
 * Python's own modules, of all versions. Their code opens files, starts programs and calls other code, so that a pickle that names them is
 * refused; `known` below are the exceptions.
 */
const standardLibrary = new Set(
  (
    "abc aifc antigravity argparse array ast asynchat asyncio asyncore atexit audioop base64 bdb binascii bisect builtins bz2 cProfile calendar " +
    "cgi cgitb chunk cmath cmd code codecs codeop collections colorsys commands compileall concurrent configparser contextlib contextvars copy " +
    "copyreg crypt csv ctypes curses dataclasses datetime dbm decimal difflib dis distutils doctest dummy_thread email encodings ensurepip enum " +
    "errno faulthandler fcntl filecmp fileinput fnmatch fractions ftplib functools gc genericpath getopt getpass gettext glob graphlib grp gzip " +
    "hashlib heapq hmac html http idlelib imaplib imghdr imp importlib inspect io ipaddress itertools json keyword lib2to3 linecache locale " +
    "logging lzma mailbox mailcap marshal math mimetypes mmap modulefinder msilib msvcrt multiprocessing netrc nis nntplib nt ntpath numbers " +
    "opcode operator optparse os ossaudiodev parser pathlib pdb pickle pickletools pipes pkgutil platform plistlib poplib posix posixpath popen2 " +
    "pprint profile pstats pty pwd py_compile pyclbr pydoc pyexpat queue quopri random re readline reprlib resource rlcompleter runpy sched " +
    "secrets select selectors shelve shlex shutil signal site smtpd smtplib sndhdr socket socketserver spwd sqlite3 ssl stat statistics string " +
    "stringprep struct subprocess sunau symtable sys sysconfig syslog tabnanny tarfile telnetlib tempfile termios textwrap threading time timeit " +
    "tkinter token tokenize tomllib trace traceback tracemalloc tty turtle types typing unicodedata unittest urllib urllib2 uu uuid venv " +
    "warnings wave weakref webbrowser winreg winsound wsgiref xml xmlrpc zipapp zipfile zipimport zlib zoneinfo"
  ).split(" "),
);

/** Values and records of Python's own, which hold data and nothing else. */
const records = new Set([
  "argparse.Namespace",
  "builtins.object",
  "collections.UserDict",
  "datetime.date",
  "datetime.datetime",
  "datetime.time",
  "datetime.timedelta",
  "datetime.timezone",
  "decimal.Decimal",
  "fractions.Fraction",
  "pathlib.Path",
  "pathlib.PosixPath",
  "pathlib.PurePath",
  "pathlib.PurePosixPath",
  "pathlib.PureWindowsPath",
  "pathlib.WindowsPath",
  "pathlib._local.PosixPath",
  "pathlib._local.WindowsPath",
  "time.struct_time",
  "types.SimpleNamespace",
  "uuid.UUID",
]);

/** Not a copy: a file could have a long list copied again and again. */
const list = new Callable(([items]) => (Array.isArray(items) ? items : []));
/** A number, a string or bytes: the first of what it was called with. */
const value = new Callable(([given]) => given ?? 0);

const known = new Map<string, unknown>([
  ["collections.OrderedDict", new Callable(([pairs]) => dict(pairs))],
  ["collections.Counter", new Callable(([pairs]) => dict(pairs))],
  ["collections.defaultdict", new Callable(([, pairs]) => dict(pairs))],
  ["collections.deque", list],
  ["builtins.dict", new Callable(([pairs]) => dict(pairs))],
  ["builtins.list", list],
  ["builtins.tuple", list],
  ["builtins.set", list],
  ["builtins.frozenset", list],
  ["builtins.int", value],
  ["builtins.float", value],
  ["builtins.bool", value],
  ["builtins.str", value],
  ["builtins.bytes", new Callable(([given]) => given ?? new Uint8Array(0))],
  ["builtins.bytearray", new Callable(([given]) => given ?? new Uint8Array(0))],
  ["builtins.complex", list],
  ["builtins.slice", list],
  ["builtins.range", list],
  // Python 2's names, which protocol 2 keeps.
  ["builtins.xrange", list],
  ["builtins.long", value],
  ["builtins.unicode", value],
  // A member of a class, by name; of anything else it would be a way to its code.
  [
    "builtins.getattr",
    new Callable(([of, name]) => {
      const plain = of instanceof Named && typeof name === "string" && /^[A-Za-z]\w{0,100}$/.test(name);
      return plain ? new Named(`${of.name}.${name}`, false) : undefined;
    }),
  ],
  ["copyreg._reconstructor", new Callable(([cls, , state]) => reconstruct(cls, state))],
  ["copyreg.__newobj__", new Callable(([cls]) => reconstruct(cls, null))],
  // Bytes in protocol 2, as text whose characters are bytes.
  ["_codecs.encode", value],
]);

function dict(pairs: unknown): PickleDict {
  if (pairs instanceof PickleDict) return pairs;
  const made = new PickleDict();
  if (Array.isArray(pairs)) for (const pair of pairs) if (Array.isArray(pair)) made.set(pair[0], pair[1]);
  return made;
}

function reconstruct(cls: unknown, state: unknown): unknown {
  if (!(cls instanceof Named)) return undefined;
  const made = new StandIn(cls.name);
  if (state instanceof PickleDict) made.items = state;
  return made;
}

const oldModules: Readonly<Record<string, string>> = { __builtin__: "builtins", copy_reg: "copyreg" };

/**
 * What names stand for, after `own`, which the reader of a format knows itself. Names of Python's own library are refused, but for
 * containers and records; any other is a class or a function of somebody's code, of which only the name is kept. By Python's
 * convention a class begins with a capital letter.
 */
export function pythonGlobals(own: ReadonlyMap<string, unknown>): Globals {
  return (module, name) => {
    const home = oldModules[module] ?? module;
    const full = `${home}.${name}`;
    const found = own.get(full) ?? known.get(full);
    if (found !== undefined) return found;
    if (records.has(full)) return new Named(full, true);
    const [root] = home.split(".");
    if (standardLibrary.has(root!) || (root!.startsWith("_") && !/^__(main|mp_main|torch)__$/.test(root!)))
      return undefined;
    if (!/^[\w.]+$/.test(full) || /(^|\.)__(?!main__|mp_main__|torch__|_torch_mangle_)/.test(full)) return undefined;
    return new Named(full, /(^|\.)_*[A-Z]\w*$/.test(name));
  };
}
