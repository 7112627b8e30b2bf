/** What this thread's scratch holds of the present operation's input, as its kernel numbers parts of it; -1: nothing. */
let held = -1;

/** Whether `part` is there since an earlier piece of this operation. From now on it is: the caller makes it otherwise. */
export function holds(part: i32): bool {
  if (part == held) return true;
  held = part;
  return false;
}

/** Another operation begins. */
export function letGo(): void {
  held = -1;
}
