import {
  ActivationField,
  BinaryField,
  BoxField,
  DepthwiseField,
  DilatedPoolField,
  ExtendedKernel,
  FinishField,
  LocalResponseField,
  NormalizeField,
  PadField,
  ReshapeField,
} from "../../../assembly/shared/extended.js";
import {
  ConvField,
  Field,
  ImageField,
  IntegerAddField,
  IntegerConvField,
  IntegerWinogradField,
  Kernel,
  PointwiseField,
  PoolField,
  StemField,
  StrassenField,
  Tile,
  WinogradField,
} from "../../../assembly/shared/record.js";
import type { Program, Step } from "./program.js";

type Names = Readonly<Record<number, string>>;

/** The family of each kernel: names of the words behind the head. */
const families: Readonly<Record<Kernel | ExtendedKernel, Names>> = {
  [Kernel.conv]: { ...ConvField, ...FinishField },
  [Kernel.strassen]: StrassenField,
  [Kernel.winograd]: WinogradField,
  [Kernel.winogradInput]: WinogradField,
  [Kernel.winogradProduct]: WinogradField,
  [Kernel.winogradOutput]: WinogradField,
  [Kernel.winogradLean]: WinogradField,
  [Kernel.winogradLeanInput]: WinogradField,
  [Kernel.stemInput]: StemField,
  [Kernel.stem]: StemField,
  [Kernel.maxPool]: PoolField,
  [Kernel.averagePool]: PoolField,
  [Kernel.blurPool]: PoolField,
  [Kernel.inputNchw]: ImageField,
  [Kernel.affine]: PointwiseField,
  [Kernel.add]: PointwiseField,
  [Kernel.leakyRelu]: PointwiseField,
  [Kernel.relu6]: PointwiseField,
  [Kernel.silu]: PointwiseField,
  [Kernel.gelu]: PointwiseField,
  [Kernel.elu]: PointwiseField,
  [Kernel.softmax]: PointwiseField,
  [Kernel.l2Normalize]: PointwiseField,
  [Kernel.zeroPadShortcut]: PointwiseField,
  [Kernel.qs8Conv]: { ...ConvField, ...IntegerConvField },
  [Kernel.qs8Depthwise]: ConvField,
  [Kernel.qs8Linear]: ConvField,
  [Kernel.qs8Winograd]: { ...WinogradField, ...IntegerWinogradField },
  [Kernel.qs8MaxPool]: PoolField,
  [Kernel.qs8GlobalAveragePool]: PointwiseField,
  [Kernel.qs8ZeroPadShortcut]: PointwiseField,
  [Kernel.qs8Add]: IntegerAddField,
  [Kernel.qs8Fill]: PointwiseField,
  [Kernel.quantize]: PointwiseField,
  [Kernel.dequantize]: PointwiseField,
  [ExtendedKernel.copyBox]: BoxField,
  [ExtendedKernel.reshape]: ReshapeField,
  [ExtendedKernel.pad]: PadField,
  [ExtendedKernel.binary]: { ...BinaryField, ...FinishField },
  [ExtendedKernel.activation]: ActivationField,
  [ExtendedKernel.normalizePixel]: NormalizeField,
  [ExtendedKernel.normalizeImage]: NormalizeField,
  [ExtendedKernel.localResponse]: LocalResponseField,
  [ExtendedKernel.logSoftmax]: NormalizeField,
  [ExtendedKernel.dilatedPool]: { ...PoolField, ...DilatedPoolField },
  [ExtendedKernel.depthwise]: { ...ConvField, ...DepthwiseField, ...FinishField },
  [ExtendedKernel.depthwiseAny]: { ...ConvField, ...FinishField },
};

/** A record by the names of its words: the kernel's and the tile's as names, `scalar` as the f32 that it is. */
export interface ExplainedRecord extends Omit<Step, "macs" | "output"> {
  readonly fields: Readonly<Record<string, number | string>>;
}

/** A compiled program's records: every word that is not zero, and the tile. A word that the family has no name for is `word 31`. */
export function explainRecords({ records, steps }: Pick<Program, "records" | "steps">): ExplainedRecord[] {
  return steps.map(({ stage, name, kernel }, index) => {
    const words = records.subarray(index * Field.size, (index + 1) * Field.size);
    const family = families[words[Field.kernel] as Kernel | ExtendedKernel];
    const told = [...words.entries()].filter(([field, word]) => word !== 0 || field === Field.tile);
    const named = told.map(([field, word]) => {
      const own = Field[field] ?? family[field] ?? `word ${field}`;
      return [own, shown(family, field, word)];
    });
    return { stage, name, kernel, fields: Object.fromEntries(named) };
  });
}

function shown(family: Names, field: number, word: number): number | string {
  if (field === Field.kernel) return Kernel[word] ?? ExtendedKernel[word]!;
  if (field === Field.tile) return Tile[word]!;
  const isScalar = family === PointwiseField && field === PointwiseField.scalar;
  const isTerm = family === IntegerAddField && (field === IntegerAddField.scalar || field === IntegerAddField.offset);
  if (isScalar || isTerm || field === IntegerConvField.factor) {
    return new Float32Array(Int32Array.of(word).buffer)[0]!;
  }
  return word;
}

/** The same as text, a line a record. For tests and readers of a program; no page imports it. */
export function explain(program: Pick<Program, "records" | "steps">): string {
  const lines = explainRecords(program).map(({ stage, name, kernel, fields }) => {
    const named = Object.entries(fields).map(([field, value]) => `${field}=${value}`);
    return `${stage} ${name} ${kernel}: ${named.join(" ")}`;
  });
  return `${lines.join("\n")}\n`;
}
