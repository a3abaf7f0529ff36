/** Stands in for the module it passes on, in the process of a provider that cheats. */
import { createWasmBackend as honest } from "@assay/engine/wasm/backend";
import { lazyBackend } from "../../test/support/cheat.ts";

export * from "@assay/engine/wasm/backend";
/** @public The hooks put this module in the place of the other. */
export const createWasmBackend: typeof honest = (options) => lazyBackend(honest(options));
