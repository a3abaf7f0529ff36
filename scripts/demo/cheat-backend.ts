/** Stands in for the module it passes on, in the process of a provider that cheats. */
import { wasmBackend as honest } from "@assay/engine/wasm/backend";
import { lazyBackend } from "../../test/support/cheat.ts";

export * from "@assay/engine/wasm/backend";
/** @public The hooks put this module in the place of the other. */
export const wasmBackend: typeof honest = lazyBackend(honest);
