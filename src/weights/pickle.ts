import { ModelFormatError } from "../errors.js";
import { MAX_NAME, MAX_OPCODES, MAX_PICKLE_ITEMS, MAX_PICKLE_OBJECTS } from "../limits.js";

/** What `module.name` stands for: a `Callable`, a `Named`, a value of the reader's own, or undefined where it is refused. */
export type Globals = (module: string, name: string) => unknown;

/** A pickle's dict or OrderedDict: keys of any kind, in order. */
export class PickleDict extends Map<unknown, unknown> {}

/** What the reader itself makes when a pickle calls a name; undefined refuses. */
export class Callable {
  constructor(readonly call: (args: readonly unknown[]) => unknown) {}
}

/** A class or a function of somebody's code, of which only the name is known. A class can be called: that makes a `StandIn`. */
export class Named {
  constructor(
    readonly name: string,
    readonly isClass: boolean,
  ) {}
}

/** Stands for an object whose class is unknown: it keeps its arguments and does nothing. */
export class StandIn {
  /** Where the class is a dict. */
  items: PickleDict | null = null;
  /** Its attributes, as a rule a dict. */
  state: unknown = null;

  constructor(readonly name: string) {}
}

/** A value of the reader's own that takes its state later. */
export interface Stateful {
  setState(state: unknown): void;
}

/**
 * Reads one pickle (protocols 0 to 5). Nothing is executed: a name that `globals` does not know, and a call of a function, end the
 * reading with an error that says so. `persistent` resolves PyTorch's storage references. Lists, tuples and sets are arrays.
 * Returns the object and where the pickle ended. Throws `ModelFormatError`.
 */
export function readPickle(
  bytes: Uint8Array,
  start: number,
  origin: string,
  globals: Globals,
  persistent: (id: unknown) => unknown,
): { value: unknown; end: number } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const decoder = new TextDecoder();
  const stack: unknown[] = [];
  /** Where on the stack lists of items began. */
  const marks: number[] = [];
  const memo = new Map<number, unknown>();
  let at = start;
  let objects = 0;
  let items = 0;

  const fail = (what: string): never => {
    throw new ModelFormatError(`${origin}: ${what} at byte ${at}. The pickle is damaged, cut off or not PyTorch's.`);
  };
  const beyond = (count: number, of: string): never => {
    throw new ModelFormatError(
      `${origin}: its pickle has more than ${count} ${of}. Save the weights alone: torch.save(model.state_dict(), path).`,
    );
  };
  const refuse = (what: string): never => {
    throw new ModelFormatError(
      `${origin} ${what}, which is no tensor or container; nothing was executed. ` +
        "Save the weights alone: torch.save(model.state_dict(), path).",
    );
  };
  const made = <T>(object: T): T => {
    if (++objects > MAX_PICKLE_OBJECTS) beyond(MAX_PICKLE_OBJECTS, "lists, dicts and objects");
    return object;
  };
  const kept = (count: number) => {
    items += count;
    if (items > MAX_PICKLE_ITEMS) beyond(MAX_PICKLE_ITEMS, "entries");
  };
  const skip = (length: number): number => {
    if (!(length >= 0) || at + length > bytes.length) fail("the pickle breaks off");
    at += length;
    return at - length;
  };
  /** Items under the last mark are out of reach. */
  const has = (count: number) =>
    stack.length - count >= (marks.at(-1) ?? 0) || fail("the pickle takes what is not there");
  const pop = (): unknown => has(1) && stack.pop();
  const top = (): unknown => has(1) && stack[stack.length - 1];
  const popToMark = (): unknown[] => {
    const mark = marks.pop() ?? fail("the pickle has no mark");
    return stack.splice(mark);
  };
  const line = (): Uint8Array => {
    const from = at;
    at = bytes.indexOf(0x0a, from);
    if (at < 0) {
      at = bytes.length;
      fail("the pickle breaks off");
    }
    return bytes.subarray(from, at++);
  };
  const digits = (): number => {
    const text = latin1(line());
    if (text.length > 1000 || !/^\s*[-+\w.]+\s*$/.test(text)) fail("the pickle has a malformed number");
    return Number(text.replace(/L$/, ""));
  };
  const text = (length: number): string => decoder.decode(blob(length));
  const blob = (length: number): Uint8Array => {
    const from = skip(length);
    return bytes.subarray(from, from + length);
  };
  /** Python 2's strings are bytes. Short ones are names as a rule; long ones are an array's values. */
  const oldString = (raw: Uint8Array): unknown => (raw.length > MAX_NAME ? raw : latin1(raw));
  const u8 = () => view.getUint8(skip(1));
  const u16 = () => view.getUint16(skip(2), true);
  const u32 = () => view.getUint32(skip(4), true);
  const u64 = () => Number(view.getBigUint64(skip(8), true));
  const long = (length: number): number => {
    if (length > 255) fail("the pickle has an integer of more than 2040 bits");
    let value = 0n;
    const from = skip(length);
    for (let index = length - 1; index >= 0; index--) value = (value << 8n) | BigInt(bytes[from + index]!);
    return Number(length ? BigInt.asIntN(8 * length, value) : 0n);
  };
  const global = (module: unknown, name: unknown): unknown => {
    if (typeof module !== "string" || typeof name !== "string" || module.length + name.length > MAX_NAME) {
      return fail("the pickle has a name that is none");
    }
    return globals(module, name) ?? refuse(`refers to ${module}.${name}`);
  };
  const reduce = (callee: unknown, args: unknown): unknown => {
    if (!Array.isArray(args)) return fail("the pickle calls something with no list");
    if (callee instanceof Callable) {
      const result = callee.call(args) ?? refuse("asks for the members of an object");
      if (result instanceof PickleDict) kept(result.size);
      return made(result);
    }
    if (!(callee instanceof Named)) return fail("the pickle calls what cannot be called");
    if (!callee.isClass) refuse(`calls ${callee.name}`);
    return made(new StandIn(callee.name));
  };
  /** `cls.__new__`, which calls nothing but a class, whatever it is named. */
  const create = (cls: unknown, args: unknown): unknown =>
    cls instanceof Named ? made(new StandIn(cls.name)) : reduce(cls, args);
  const setItems = (target: unknown, pairs: readonly unknown[]): void => {
    if (pairs.length % 2) fail("the pickle sets an item without a value");
    if (target instanceof StandIn) target.items ??= made(new PickleDict());
    const dict = target instanceof StandIn ? target.items : target;
    if (!(dict instanceof PickleDict)) fail("the pickle sets items of no dict");
    kept(pairs.length / 2);
    for (let index = 0; index < pairs.length; index += 2) (dict as PickleDict).set(pairs[index], pairs[index + 1]);
  };
  const append = (target: unknown, added: readonly unknown[]): void => {
    if (target instanceof StandIn) return;
    if (!Array.isArray(target)) fail("the pickle appends to no list");
    for (const item of added) (target as unknown[]).push(item);
  };
  const build = (target: unknown, state: unknown): void => {
    if (target instanceof StandIn) target.state = state;
    else if (isStateful(target)) target.setState(state);
    // A dict's or a tensor's own attributes; none that matter.
    else if (typeof target !== "object" || target === null) fail("the pickle gives attributes to what has none");
  };
  const tuple = (count: number) => has(count) && stack.push(made(stack.splice(stack.length - count)));
  const memoize = (index: number): void => {
    kept(1);
    memo.set(index, top());
  };
  const recall = (index: number): void => {
    if (!memo.has(index)) fail("the pickle recalls what it did not keep");
    stack.push(memo.get(index));
  };

  for (let count = 0; count < MAX_OPCODES; count++) {
    const opcode = u8();
    switch (opcode) {
      case 0x80: // PROTO
        u8();
        break;
      case 0x95: // FRAME
        skip(8);
        break;
      case 0x2e: // STOP
        return { value: pop(), end: at };
      case 0x28: // MARK
        marks.push(stack.length);
        break;
      case 0x30: // POP
        if (stack.length > (marks.at(-1) ?? 0)) pop();
        else popToMark();
        break;
      case 0x31: // POP_MARK
        popToMark();
        break;
      case 0x32: // DUP
        stack.push(top());
        break;
      case 0x4e: // NONE
        stack.push(null);
        break;
      case 0x88: // NEWTRUE
        stack.push(true);
        break;
      case 0x89: // NEWFALSE
        stack.push(false);
        break;
      case 0x49: // INT; "01" and "00" are True and False
        stack.push(digits());
        break;
      case 0x4c: // LONG
      case 0x46: // FLOAT
        stack.push(digits());
        break;
      case 0x4a: // BININT
        stack.push(view.getInt32(skip(4), true));
        break;
      case 0x4b: // BININT1
        stack.push(u8());
        break;
      case 0x4d: // BININT2
        stack.push(u16());
        break;
      case 0x8a: // LONG1
        stack.push(long(u8()));
        break;
      case 0x8b: // LONG4
        stack.push(long(u32()));
        break;
      case 0x47: // BINFLOAT
        stack.push(view.getFloat64(skip(8), false));
        break;
      case 0x53: // STRING, in quotes and with escapes
        stack.push(oldString(unescapeBytes(line().slice(1, -1))));
        break;
      case 0x56: // UNICODE
        stack.push(unescapeUnicode(latin1(line())));
        break;
      case 0x55: // SHORT_BINSTRING
        stack.push(oldString(blob(u8())));
        break;
      case 0x54: // BINSTRING
        stack.push(oldString(blob(u32())));
        break;
      case 0x8c: // SHORT_BINUNICODE
        stack.push(text(u8()));
        break;
      case 0x58: // BINUNICODE
        stack.push(text(u32()));
        break;
      case 0x8d: // BINUNICODE8
        stack.push(text(u64()));
        break;
      case 0x43: // SHORT_BINBYTES
        stack.push(made(blob(u8())));
        break;
      case 0x42: // BINBYTES
        stack.push(made(blob(u32())));
        break;
      case 0x8e: // BINBYTES8
      case 0x96: // BYTEARRAY8
        stack.push(made(blob(u64())));
        break;
      case 0x5d: // EMPTY_LIST
      case 0x29: // EMPTY_TUPLE
      case 0x8f: // EMPTY_SET
        stack.push(made([]));
        break;
      case 0x7d: // EMPTY_DICT
        stack.push(made(new PickleDict()));
        break;
      case 0x6c: // LIST
      case 0x74: // TUPLE
      case 0x91: // FROZENSET
        stack.push(made(popToMark()));
        break;
      case 0x64: {
        // DICT
        const dict = made(new PickleDict());
        setItems(dict, popToMark());
        stack.push(dict);
        break;
      }
      case 0x85: // TUPLE1
        tuple(1);
        break;
      case 0x86: // TUPLE2
        tuple(2);
        break;
      case 0x87: // TUPLE3
        tuple(3);
        break;
      case 0x61: {
        // APPEND
        const item = pop();
        append(top(), [item]);
        break;
      }
      case 0x65: // APPENDS
      case 0x90: {
        // ADDITEMS
        const added = popToMark();
        append(top(), added);
        break;
      }
      case 0x73: {
        // SETITEM
        const value = pop();
        const key = pop();
        setItems(top(), [key, value]);
        break;
      }
      case 0x75: {
        // SETITEMS
        const pairs = popToMark();
        setItems(top(), pairs);
        break;
      }
      case 0x63: {
        // GLOBAL
        const module = decoder.decode(line());
        stack.push(global(module, decoder.decode(line())));
        break;
      }
      case 0x93: {
        // STACK_GLOBAL
        const name = pop();
        stack.push(global(pop(), name));
        break;
      }
      case 0x52: {
        // REDUCE
        const args = pop();
        stack.push(reduce(pop(), args));
        break;
      }
      case 0x81: {
        // NEWOBJ
        const args = pop();
        stack.push(create(pop(), args));
        break;
      }
      case 0x92: {
        // NEWOBJ_EX: with arguments by name
        pop();
        const args = pop();
        stack.push(create(pop(), args));
        break;
      }
      case 0x69: {
        // INST
        const module = decoder.decode(line());
        const cls = global(module, decoder.decode(line()));
        stack.push(reduce(cls, popToMark()));
        break;
      }
      case 0x6f: {
        // OBJ
        const [cls, ...args] = popToMark();
        stack.push(reduce(cls, args));
        break;
      }
      case 0x62: {
        // BUILD
        const state = pop();
        build(top(), state);
        break;
      }
      case 0x51: // BINPERSID
        stack.push(persistent(pop()));
        break;
      case 0x50: // PERSID
        stack.push(persistent(decoder.decode(line())));
        break;
      case 0x71: // BINPUT
        memoize(u8());
        break;
      case 0x72: // LONG_BINPUT
        memoize(u32());
        break;
      case 0x70: // PUT
        memoize(digits());
        break;
      case 0x94: // MEMOIZE
        memoize(memo.size);
        break;
      case 0x68: // BINGET
        recall(u8());
        break;
      case 0x6a: // LONG_BINGET
        recall(u32());
        break;
      case 0x67: // GET
        recall(digits());
        break;
      default:
        fail(`the pickle has the opcode 0x${opcode.toString(16)}, which no checkpoint needs,`);
    }
  }
  return beyond(MAX_OPCODES, "instructions");
}

function isStateful(value: unknown): value is Stateful {
  return typeof value === "object" && value !== null && "setState" in value;
}

/** Each byte as the character of its number; TextDecoder's "latin1" is another encoding. */
function latin1(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += 8192) text += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return text;
}

const escapes: Readonly<Record<string, number>> = { n: 10, t: 9, r: 13 };

/** Python's `repr` of bytes, without its quotes. */
function unescapeBytes(quoted: Uint8Array): Uint8Array {
  const target = quoted;
  let end = 0;
  for (let at = 0; at < quoted.length; at++) {
    let value = quoted[at]!;
    if (value === 0x5c && at + 1 < quoted.length) {
      const letter = String.fromCharCode(quoted[++at]!);
      value = escapes[letter] ?? quoted[at]!;
      if (letter === "x") {
        value = Number.parseInt(String.fromCharCode(...quoted.subarray(at + 1, at + 3)), 16);
        at += 2;
      }
    }
    target[end++] = value;
  }
  return target.subarray(0, end);
}

/** Python's "raw-unicode-escape". */
function unescapeUnicode(text: string): string {
  return text.replace(/\\u([0-9a-f]{4})/gi, (_, code) => String.fromCharCode(Number.parseInt(code, 16)));
}
