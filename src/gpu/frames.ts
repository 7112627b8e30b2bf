import { GpuInputError } from "../errors.js";
import type { Frame } from "../image/frame.js";
import { frame as framing, normalisation } from "../image/preprocess.js";
import { resizeTables } from "../image/resize.js";
import type { Preprocess } from "../options.js";
import { scoped } from "./scoped.js";
import { COPY_DST, STORAGE } from "./usage.js";
import { resizeColumns, resizeRows } from "./wgsl/frame.js";

interface Size {
  readonly width: number;
  readonly height: number;
}

/** Buffers for frames of one size. */
interface FramePlan extends Size {
  readonly crop: Size;
  readonly rows: number;
  readonly plan: GPUBuffer;
  readonly bytes: GPUBuffer;
}

/**
 * Resizes, crops and normalises video frames on one device as `preprocess` does on the CPU, in PIL's own fixed point: equal to
 * the bit where both get the same bytes. A browser converts YUV on either by itself, and differs there by 1 of 255, or by more
 * at the edges of colours.
 */
export class Frames {
  #plan: FramePlan | null = null;

  private constructor(
    private readonly gpu: GPUDevice,
    private readonly spec: Preprocess,
    private readonly columns: GPUComputePipeline,
    private readonly rows: GPUComputePipeline,
  ) {}

  /** Compiles two pipelines: at the first frame, since most networks never see one. */
  static async create(gpu: GPUDevice, spec: Preprocess): Promise<Frames> {
    const compile = async (code: string) => {
      const { value: module, failure } = scoped(gpu, () => gpu.createShaderModule({ label: "frames", code }));
      const reason = await failure;
      if (reason) throw new Error(reason.message);
      return gpu.createComputePipelineAsync({ label: "frames", layout: "auto", compute: { module } });
    };
    const [columns, rows] = await Promise.all([compile(resizeColumns), compile(resizeRows)]);
    return new Frames(gpu, spec, columns, rows);
  }

  /** Appends to `encoder` what turns `frame` into `image`: f32 planes. The frame is taken as it is at this moment. */
  write(encoder: GPUCommandEncoder, frame: Frame, image: GPUBuffer): void {
    const size = sizeOf(frame);
    if (!size.width || !size.height) throw new GpuInputError("The video has no frame yet.");
    if (this.#plan?.width !== size.width || this.#plan.height !== size.height) {
      this.close();
      this.#plan = this.#prepare(size);
    }
    const { plan, bytes, rows } = this.#plan;
    // An external texture lives until this task ends: it and its bind group are made anew for each frame.
    const texture = this.gpu.importExternalTexture({ source: frame });
    const { width: across, height: down } = this.#plan.crop;
    const pass = encoder.beginComputePass();
    const dispatch = (pipeline: GPUComputePipeline, resources: GPUBindingResource[], width: number, height: number) => {
      const entries = resources.map((resource, binding) => ({ binding, resource }));
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, this.gpu.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries }));
      pass.dispatchWorkgroups(Math.ceil(width / 8), Math.ceil(height / 8));
    };
    dispatch(this.columns, [{ buffer: plan }, texture, { buffer: bytes }], across, rows);
    dispatch(this.rows, [{ buffer: plan }, { buffer: bytes }, { buffer: image }], across, down);
    pass.end();
  }

  #prepare(size: Size): FramePlan {
    const { interpolation } = this.spec;
    const { width, height, region, left, top, crop, fill } = framing(size, this.spec);
    const { across, down, top: first, bottom } = resizeTables(size, width, height, region, interpolation);
    const rows = bottom - first;
    const tables = [across.starts, across.weights, down.starts, down.weights];
    const rowTable = across.starts.length + across.weights.length;
    const header = new ArrayBuffer(72);
    for (const [channel, { scale, shift }] of normalisation(this.spec).entries()) {
      new Float32Array(header)[channel] = scale;
      new Float32Array(header)[4 + channel] = shift;
    }
    const words = new Uint32Array(header);
    words[3] = region.width;
    words[7] = region.height;
    const [red, green, blue] = fill as [number, number, number];
    const around = red | (green << 8) | (blue << 16);
    words.set([left, top, crop.width, crop.height, first, rows, across.taps, down.taps, rowTable, around], 8);
    const total = tables.reduce((sum, { byteLength }) => sum + byteLength, header.byteLength);
    const plan = this.gpu.createBuffer({ label: "frame plan", size: total, usage: STORAGE | COPY_DST });
    let at = header.byteLength;
    this.gpu.queue.writeBuffer(plan, 0, header);
    for (const table of tables) {
      this.gpu.queue.writeBuffer(plan, at, table as Int32Array<ArrayBuffer>);
      at += table.byteLength;
    }
    const bytes = this.gpu.createBuffer({ label: "frame bytes", size: 4 * rows * region.width, usage: STORAGE });
    return { ...size, crop, rows, plan, bytes };
  }

  close(): void {
    this.#plan?.plan.destroy();
    this.#plan?.bytes.destroy();
    this.#plan = null;
  }
}

function sizeOf(frame: Frame): Size {
  return "videoWidth" in frame
    ? { width: frame.videoWidth, height: frame.videoHeight }
    : { width: frame.displayWidth, height: frame.displayHeight };
}
