import { qs8_add, qs8_fill } from "./add";
import { Kernel } from "../shared/record";
import { qs8_conv } from "./conv";
import { qs8_dequantize, qs8_quantize } from "./convert";
import { qs8_depthwise } from "./depthwise";
import { qs8_linear } from "./linear";
import { qs8_conv3x3_winograd4 } from "./winograd";
import { qs8_global_average_pool, qs8_max_pool, qs8_zero_pad_shortcut } from "./pool";

/** One piece of a record on quantised values. False where the record is none of these. */
export function executeQuantized(kernel: i32, record: usize, piece: i32, scratch: usize): bool {
  switch (kernel) {
    case Kernel.qs8Conv:
      qs8_conv(record, piece, scratch);
      return true;
    case Kernel.qs8Winograd:
      qs8_conv3x3_winograd4(record, piece, scratch);
      return true;
    case Kernel.qs8MaxPool:
      qs8_max_pool(record, piece);
      return true;
    case Kernel.qs8GlobalAveragePool:
      qs8_global_average_pool(record, piece);
      return true;
    case Kernel.qs8Depthwise:
      if (!DEPTHWISE) return false;
      qs8_depthwise(record, piece, scratch);
      return true;
    case Kernel.qs8Add:
      if (!DEPTHWISE) return false;
      qs8_add(record, piece);
      return true;
    case Kernel.qs8Fill:
      if (!DEPTHWISE) return false;
      qs8_fill(record);
      return true;
    case Kernel.qs8Linear:
      qs8_linear(record, piece);
      return true;
    case Kernel.qs8ZeroPadShortcut:
      qs8_zero_pad_shortcut(record, piece);
      return true;
    case Kernel.quantize:
      qs8_quantize(record, piece);
      return true;
    case Kernel.dequantize:
      qs8_dequantize(record, piece);
      return true;
    default:
      return false;
  }
}
