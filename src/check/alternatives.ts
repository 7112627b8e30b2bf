import type { Architecture } from "../graph/network.js";

/** A trait that the weights' shapes leave open, set to one of its values. */
export type Change = Partial<Architecture>;

/**
 * What a structure could be as well, one trait at a time: the values in use elsewhere, the usual one first. A change that does not
 * fit the shapes is found out when the network is built.
 */
export function alternatives(architecture: Architecture): Change[] {
  const { stem, block, shortcut, layers } = architecture;
  const changes: Change[] = [
    { activation: "relu", activationAfterSum: true },
    { activationAfterSum: false },
    { activation: "leaky-relu", activationSlope: 0.01 },
    { activation: "leaky-relu", activationSlope: 0.1 },
    { activation: "silu" },
    { activation: "gelu" },
    { activation: "elu" },
    { activation: "relu6" },
    { antiAliasing: "none" },
    { antiAliasing: "blur" },
    { antiAliasing: "average" },
    { residualScale: 1 },
  ];
  if (!shortcut.includes("projection")) {
    changes.push(
      { shortcut: "zero-pad-symmetric" },
      { shortcut: "zero-pad-end" },
      { shortcut: "none" },
      { shortcut: "zero-pad-average-symmetric" },
      { shortcut: "zero-pad-average-end" },
    );
  }
  if (block === "bottleneck") changes.push({ strideIn: "3x3" }, { strideIn: "1x1" });
  const stems: Change[] =
    stem === "3x3"
      ? [
          { stemStride: 1, maxPool: "none" },
          { stemStride: 2, maxPool: "none" },
          { stemStride: 1, maxPool: {} },
          { stemStride: 1, maxPool: { kernel: 2, padding: 0 } },
          { stemStride: 2, maxPool: {} },
        ]
      : [
          { stemStride: 2, maxPool: {} },
          { maxPool: { padding: 0 } },
          { maxPool: { padding: 0, ceilMode: true } },
          { maxPool: { ceilMode: true } },
          { maxPool: { kernel: 2, padding: 0 } },
          { stemStride: 2, maxPool: "none" },
        ];
  changes.push(...stems);
  const usual = layers.map((_, stage) => (stage === 0 ? 1 : 2));
  const evenly = layers.map(() => 1);
  changes.push(
    { stageStrides: usual, firstStageStride: 1, dilations: evenly },
    { stageStrides: usual.with(0, 2), firstStageStride: 2, dilations: evenly },
  );
  if (layers.length > 1) {
    changes.push(
      { stageStrides: usual.with(-1, 1), dilations: evenly },
      { stageStrides: usual.with(-1, 1), dilations: evenly.with(-1, 2) },
    );
  }
  return changes;
}

export interface Normalisation {
  readonly name: string;
  readonly mean: readonly [number, number, number];
  readonly std: readonly [number, number, number];
}

const same = (value: number): [number, number, number] => [value, value, value];

/** In use with published weights; the library's default first. Those named after CIFAR are tried with a stem of 3x3. */
export const normalisations: readonly Normalisation[] = [
  { name: "ImageNet", mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] },
  { name: "CIFAR-10", mean: [0.4914, 0.4822, 0.4465], std: [0.247, 0.2435, 0.2616] },
  { name: "CIFAR-10 by picture", mean: [0.4914, 0.4822, 0.4465], std: [0.2023, 0.1994, 0.201] },
  { name: "CIFAR-100", mean: [0.5071, 0.4865, 0.4409], std: [0.2673, 0.2564, 0.2762] },
  { name: "-1 to 1", mean: same(0.5), std: same(0.5) },
  { name: "0 to 1", mean: same(0), std: same(1) },
  { name: "0 to 255", mean: same(0), std: same(1 / 255) },
  { name: "0 to 255 less the mean", mean: [0.485, 0.456, 0.406], std: same(1 / 255) },
];

/** Whether two normalisations are one, but for digits that were left out. */
export function isSame(a: Pick<Normalisation, "mean" | "std">, b: Pick<Normalisation, "mean" | "std">): boolean {
  const near = (one: readonly number[], other: readonly number[]) =>
    one.every((value, channel) => Math.abs(value - other[channel]!) < 1e-3);
  return near(a.mean, b.mean) && near(a.std, b.std);
}
