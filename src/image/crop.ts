/** A picture that was resized and cropped already, as `Host.crop` gives it: [height, width, 3] bytes. */
export interface Crop {
  readonly crop: Uint8ClampedArray;
}
