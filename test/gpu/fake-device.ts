/** What a device was asked to do. */
export interface Record {
  buffers: number;
  bindGroups: number;
  modules: string[];
  pipelines: number;
  submits: number;
  dispatches: string[];
  copies: number;
  uploadedBytes: number;
  mapped: number;
  destroyed: boolean;
}

export interface Faults {
  /** Bytes after which an allocation is out of memory. */
  memory?: number;
  validation?: string;
  /** What each submit is refused with. */
  submit?: string;
  map?: () => Promise<void>;
}

/** A GPUDevice that computes nothing and writes everything down. */
export function fakeDevice(faults: Faults = {}): {
  device: GPUDevice;
  record: Record;
  lose: (message: string) => void;
} {
  const record: Record = {
    buffers: 0,
    bindGroups: 0,
    modules: [],
    pipelines: 0,
    submits: 0,
    dispatches: [],
    copies: 0,
    uploadedBytes: 0,
    mapped: 0,
    destroyed: false,
  };
  let lose!: (message: string) => void;
  const lost = new Promise((resolve) => {
    lose = (message) => resolve({ reason: "unknown", message });
  });
  let allocated = 0;
  const scopes: (string | null)[] = [];
  const report = (message: string) => {
    if (scopes.length) scopes[scopes.length - 1] = message;
  };
  const buffer = ({ size }: { size: number }) => {
    record.buffers++;
    allocated += size;
    if (allocated > (faults.memory ?? Number.POSITIVE_INFINITY)) report("out of memory");
    let bytes: ArrayBuffer | null = null;
    return {
      size,
      getMappedRange: (offset = 0, length = size) => {
        bytes ??= new ArrayBuffer(size);
        return bytes.slice(offset, offset + length);
      },
      unmap: () => {
        bytes = null;
      },
      mapAsync: async () => {
        record.mapped++;
        await faults.map?.();
      },
      destroy: () => {
        allocated -= size;
      },
    };
  };
  const device = {
    features: new Set<string>(),
    limits: { maxBufferSize: 2 ** 28, maxStorageBufferBindingSize: 2 ** 27 },
    adapterInfo: { vendor: "fake", architecture: "recorder", device: "", description: "" },
    lost,
    pushErrorScope: () => scopes.push(null),
    popErrorScope: async () => {
      const message = scopes.pop();
      return message ? { message } : null;
    },
    createBuffer: buffer,
    createShaderModule: ({ code }: { code: string }) => {
      record.modules.push(code);
      if (faults.validation) report(faults.validation);
      return {};
    },
    createComputePipelineAsync: async ({ label }: { label: string }) => {
      record.pipelines++;
      await null;
      return { label, getBindGroupLayout: () => ({}) };
    },
    createBindGroup: () => {
      record.bindGroups++;
      return {};
    },
    createCommandEncoder: () => ({
      beginComputePass: () => {
        let pipeline = "";
        return {
          setPipeline: (it: { label: string }) => {
            pipeline = it.label;
          },
          setBindGroup: () => {},
          dispatchWorkgroups: () => record.dispatches.push(pipeline),
          end: () => {},
        };
      },
      copyBufferToBuffer: () => {
        record.copies++;
      },
      finish: () => ({}),
    }),
    queue: {
      writeBuffer: (_: unknown, __: number, data: ArrayBufferView) => {
        record.uploadedBytes += data.byteLength;
      },
      submit: () => {
        record.submits++;
        if (faults.submit) report(faults.submit);
      },
    },
    destroy: () => {
      record.destroyed = true;
    },
  };
  return { device: device as unknown as GPUDevice, record, lose };
}
