/** The part of the JavaScript API for WebAssembly that the back end uses; Node's type package does not declare it. */
export interface WasmGlobal {
  value: number;
}

export interface WasmExports {
  readonly memory: { readonly buffer: ArrayBuffer };
  readonly step: WasmGlobal;
  readonly seedLow: WasmGlobal;
  readonly seedHigh: WasmGlobal;
  readonly runInit: () => void;
  readonly runStep: () => void;
  readonly runEval: () => void;
  readonly canonicalise: (address: number, words: number) => void;
}

interface Api {
  instantiate(bytes: Uint8Array): Promise<{ readonly instance: { readonly exports: unknown } }>;
}

const api = (globalThis as unknown as { readonly WebAssembly: Api }).WebAssembly;

/** Compiles and instantiates a module that imports nothing. */
export const instantiate = async (bytes: Uint8Array): Promise<WasmExports> => {
  const { instance } = await api.instantiate(bytes);
  return instance.exports as WasmExports;
};
