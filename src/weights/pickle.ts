import { ModelFormatError } from "../errors.js";

/** What `module.name` stands for: a constructor of ours, a value, or undefined where the name is not allowed. */
export type Globals = (name: string) => unknown;

/** Marks where a list of items on the stack began. */
const MARK = Symbol("mark");

/** A pickle's dict or OrderedDict: keys of any kind, in order. */
export class PickleDict extends Map<unknown, unknown> {}

/** A constructor on the stack, apart from every value that a file could put there. */
class Constructor {
  constructor(readonly call: (args: readonly unknown[]) => unknown) {}
}

const MAX_OPCODES = 20_000_000;

/**
 * Reads one pickle (protocols 0 to 5, the opcodes that tensors and containers need). Nothing is executed: a name that
 * `globals` does not know ends the reading with an error that says so. `persistent` resolves PyTorch's storage references.
 * Returns the object and where the pickle ended.
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
  const memo = new Map<number, unknown>();
  let at = start;

  const fail = (what: string): never => {
    throw new ModelFormatError(`${origin}: ${what} at byte ${at}. The pickle is damaged, cut off or not PyTorch's.`);
  };
  const skip = (length: number): number => {
    if (!(length >= 0) || at + length > bytes.length) fail("the pickle breaks off");
    at += length;
    return at - length;
  };
  const pop = (): unknown => {
    if (stack.length === 0) fail("the pickle takes from an empty stack");
    return stack.pop();
  };
  const top = (): unknown => (stack.length ? stack[stack.length - 1] : fail("the pickle looks at an empty stack"));
  const popToMark = (): unknown[] => {
    const mark = stack.lastIndexOf(MARK);
    if (mark < 0) fail("the pickle has no mark");
    const items = stack.splice(mark);
    items.shift();
    return items;
  };
  const line = (): string => {
    const from = at;
    while (at < bytes.length && bytes[at] !== 0x0a) at++;
    if (at >= bytes.length) fail("the pickle breaks off");
    return decoder.decode(bytes.subarray(from, at++));
  };
  const text = (length: number): string => {
    const from = skip(length);
    return decoder.decode(bytes.subarray(from, from + length));
  };
  const blob = (length: number): Uint8Array => {
    const from = skip(length);
    return bytes.subarray(from, from + length);
  };
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
    const found = globals(`${module}.${name}`);
    if (found === undefined) {
      throw new ModelFormatError(
        `${origin} refers to ${module}.${name}, which is no tensor or container; nothing was executed. ` +
          "Save the weights alone: torch.save(model.state_dict(), path).",
      );
    }
    return typeof found === "function" ? new Constructor(found as Constructor["call"]) : found;
  };
  const reduce = (callee: unknown, args: unknown): unknown => {
    if (!(callee instanceof Constructor) || !Array.isArray(args)) return fail("the pickle calls what cannot be called");
    return callee.call(args);
  };
  const setItems = (target: unknown, items: readonly unknown[]): void => {
    if (!(target instanceof PickleDict) || items.length % 2) fail("the pickle sets items of no dict");
    for (let index = 0; index < items.length; index += 2) (target as PickleDict).set(items[index], items[index + 1]);
  };
  const append = (target: unknown, items: readonly unknown[]): void => {
    if (!Array.isArray(target)) fail("the pickle appends to no list");
    for (const item of items) (target as unknown[]).push(item);
  };
  const tuple = (count: number): void => {
    if (stack.length < count) fail("the pickle takes from an empty stack");
    stack.push(stack.splice(stack.length - count));
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
        stack.push(MARK);
        break;
      case 0x30: // POP
        pop();
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
      case 0x49: {
        // INT
        const digits = line();
        stack.push(digits === "01" ? true : digits === "00" ? false : Number(digits));
        break;
      }
      case 0x4c: // LONG
        stack.push(Number(line().replace(/L$/, "")));
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
      case 0x46: // FLOAT
        stack.push(Number(line()));
        break;
      case 0x47: // BINFLOAT
        stack.push(view.getFloat64(skip(8), false));
        break;
      case 0x53: // STRING
        stack.push(line().slice(1, -1));
        break;
      case 0x56: // UNICODE
        stack.push(line());
        break;
      case 0x55: // SHORT_BINSTRING
      case 0x8c: // SHORT_BINUNICODE
        stack.push(text(u8()));
        break;
      case 0x54: // BINSTRING
      case 0x58: // BINUNICODE
        stack.push(text(u32()));
        break;
      case 0x8d: // BINUNICODE8
        stack.push(text(u64()));
        break;
      case 0x43: // SHORT_BINBYTES
        stack.push(blob(u8()));
        break;
      case 0x42: // BINBYTES
        stack.push(blob(u32()));
        break;
      case 0x8e: // BINBYTES8
      case 0x96: // BYTEARRAY8
        stack.push(blob(u64()));
        break;
      case 0x5d: // EMPTY_LIST
        stack.push([]);
        break;
      case 0x29: // EMPTY_TUPLE
        stack.push([]);
        break;
      case 0x7d: // EMPTY_DICT
        stack.push(new PickleDict());
        break;
      case 0x8f: // EMPTY_SET
        stack.push([]);
        break;
      case 0x6c: // LIST
      case 0x74: // TUPLE
      case 0x91: // FROZENSET
        stack.push(popToMark());
        break;
      case 0x64: {
        // DICT
        const dict = new PickleDict();
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
        const items = popToMark();
        append(top(), items);
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
        const items = popToMark();
        setItems(top(), items);
        break;
      }
      case 0x63: // GLOBAL
        stack.push(global(line(), line()));
        break;
      case 0x93: {
        // STACK_GLOBAL
        const name = pop();
        stack.push(global(pop(), name));
        break;
      }
      case 0x52: // REDUCE
      case 0x81: {
        // NEWOBJ
        const args = pop();
        stack.push(reduce(pop(), args));
        break;
      }
      case 0x62: {
        // BUILD: attributes beside what the constructor got; only an OrderedDict has any here, and none that matter.
        pop();
        break;
      }
      case 0x51: // BINPERSID
        stack.push(persistent(pop()));
        break;
      case 0x50: // PERSID
        stack.push(persistent(line()));
        break;
      case 0x71: // BINPUT
        memo.set(u8(), top());
        break;
      case 0x72: // LONG_BINPUT
        memo.set(u32(), top());
        break;
      case 0x70: // PUT
        memo.set(Number(line()), top());
        break;
      case 0x94: // MEMOIZE
        memo.set(memo.size, top());
        break;
      case 0x68: // BINGET
        recall(u8());
        break;
      case 0x6a: // LONG_BINGET
        recall(u32());
        break;
      case 0x67: // GET
        recall(Number(line()));
        break;
      default:
        fail(`the pickle has the opcode 0x${opcode.toString(16)}, which no state dict needs,`);
    }
  }
  return fail("the pickle does not end");
}
