import { f32_activation_any } from "./activation";
import { f32_binary } from "./binary";
import { f32_copy_box, f32_pad, f32_reshape } from "./copy";
import { f32_depthwise, f32_depthwise_any } from "./depthwise";
import { ExtendedKernel } from "../shared/extended";
import { f32_local_response, f32_log_softmax, f32_normalize_image, f32_normalize_pixel } from "./normalize";
import { f32_dilated_pool } from "./pool";

/** One piece of a record that plain modules do not have. False where the record is none of these. */
export function executeExtended(kernel: i32, record: usize, piece: i32, scratch: usize): bool {
  switch (kernel) {
    case ExtendedKernel.copyBox:
      f32_copy_box(record, piece);
      return true;
    case ExtendedKernel.reshape:
      f32_reshape(record, piece);
      return true;
    case ExtendedKernel.pad:
      f32_pad(record, piece);
      return true;
    case ExtendedKernel.binary:
      f32_binary(record, piece);
      return true;
    case ExtendedKernel.activation:
      f32_activation_any(record, piece);
      return true;
    case ExtendedKernel.normalizePixel:
      f32_normalize_pixel(record, piece);
      return true;
    case ExtendedKernel.normalizeImage:
      f32_normalize_image(record, piece);
      return true;
    case ExtendedKernel.localResponse:
      f32_local_response(record, piece, scratch);
      return true;
    case ExtendedKernel.logSoftmax:
      f32_log_softmax(record, piece);
      return true;
    case ExtendedKernel.dilatedPool:
      f32_dilated_pool(record, piece);
      return true;
    case ExtendedKernel.depthwise:
      f32_depthwise(record, piece);
      return true;
    case ExtendedKernel.depthwiseAny:
      f32_depthwise_any(record, piece);
      return true;
    default:
      return false;
  }
}
