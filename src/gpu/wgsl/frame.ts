import { PRECISION_BITS } from "../../image/resize.js";

/** As `FramePlan` in frames.ts writes it: `table` holds starts and weights of columns, then of rows. */
const plan = `
struct Plan {
  scale: vec3f, width: u32,
  shift: vec3f, height: u32,
  left: u32, top: u32, across: u32, down: u32,
  first: u32, rows: u32, columnTaps: u32, rowTaps: u32,
  rowTable: u32, fill: u32,
  table: array<i32>,
}
@group(0) @binding(0) var<storage, read> plan: Plan;
fn unpack(word: u32) -> vec3u { return vec3u(word, word >> 8u, word >> 16u) & vec3u(255u); }
fn toBytes(sum: vec3i) -> vec3u { return vec3u(clamp(sum >> vec3u(${PRECISION_BITS}u), vec3i(), vec3i(255))); }
const half = vec3i(${1 << (PRECISION_BITS - 1)});
`;

/** PIL's resize, first half: source rows filtered along their length, to 8-bit RGB in a word. */
export const resizeColumns = `${plan}
@group(0) @binding(1) var frame: texture_external;
@group(0) @binding(2) var<storage, read_write> bytes: array<u32>;
@compute @workgroup_size(8, 8)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= plan.width || id.y >= plan.rows) { return; }
  let start = u32(plan.table[id.x]);
  let weights = plan.width + id.x * plan.columnTaps;
  var sum = half;
  for (var tap = 0u; tap < plan.columnTaps; tap++) {
    let texel = textureLoad(frame, vec2u(start + tap, plan.first + id.y)).rgb;
    sum += vec3i(round(texel * 255.0)) * plan.table[weights + tap];
  }
  let rgb = toBytes(sum);
  bytes[id.y * plan.width + id.x] = rgb.r | (rgb.g << 8u) | (rgb.b << 16u);
}
`;

/** The second half: down the columns, then normalised into planes; `fill` where the crop is larger than the image. */
export const resizeRows = `${plan}
@group(0) @binding(1) var<storage, read> bytes: array<u32>;
@group(0) @binding(2) var<storage, read_write> image: array<f32>;
@compute @workgroup_size(8, 8)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= plan.across || id.y >= plan.down) { return; }
  let x = id.x - plan.left;
  let y = id.y - plan.top;
  var rgb = unpack(plan.fill);
  if (x < plan.width && y < plan.height) {
    let start = u32(plan.table[plan.rowTable + y]) - plan.first;
    let weights = plan.rowTable + plan.height + y * plan.rowTaps;
    var sum = half;
    for (var tap = 0u; tap < plan.rowTaps; tap++) {
      let word = bytes[(start + tap) * plan.width + x];
      sum += vec3i(unpack(word)) * plan.table[weights + tap];
    }
    rgb = toBytes(sum);
  }
  let value = vec3f(rgb) * plan.scale - plan.shift;
  let at = id.y * plan.across + id.x;
  for (var channel = 0u; channel < 3u; channel++) { image[channel * plan.across * plan.down + at] = value[channel]; }
}
`;
