/** The part of the JavaScript API for WebAssembly that the back end uses; Node's type package does not declare it. */
export interface WasmGlobal {
  value: number;
}

export interface WasmExports {
  readonly memory: SharedMemory;
  /** Of a module for several threads: this one's number. */
  readonly thread?: WasmGlobal;
  readonly step: WasmGlobal;
  readonly seedLow: WasmGlobal;
  readonly seedHigh: WasmGlobal;
  readonly runInit: () => void;
  readonly runStep: () => void;
  readonly runEval: () => void;
  readonly canonicalise: (address: number, words: number) => void;
}

interface SharedMemory {
  readonly buffer: ArrayBuffer | SharedArrayBuffer;
}

/** Compiled code; threads can be given it. */
export type WasmModule = object;

interface Api {
  compile(bytes: Uint8Array): Promise<WasmModule>;
  instantiate(module: WasmModule, imports: object): Promise<{ readonly exports: unknown }>;
  readonly Memory: new (size: {
    initial: number;
    maximum: number;
    shared: boolean;
  }) => SharedMemory;
}

const api = (globalThis as unknown as { readonly WebAssembly: Api }).WebAssembly;

export const compileModule = (bytes: Uint8Array): Promise<WasmModule> => api.compile(bytes);

/** Memory for a module of several threads, in units of 64 KiB. */
export const sharedMemory = (pages: number): SharedMemory =>
  new api.Memory({ initial: pages, maximum: pages, shared: true });

/** Instantiates a module; one for several threads is given their memory. */
export const instantiate = async (
  module: WasmModule,
  memory?: SharedMemory,
): Promise<WasmExports> => {
  const instance = await api.instantiate(module, memory === undefined ? {} : { host: { memory } });
  return instance.exports as WasmExports;
};
