/** Word `field` of an operation record. */
// @ts-ignore: decorator
@inline
export function word(record: usize, field: i32): i32 {
  return load<i32>(record + (<usize>field << 2));
}
