/** What a job that is run at the command line may use of this machine. */
import type { MemoryGrant } from "@assay/engine/columns/place";
import { PLAIN_ENGINE, type EngineSettings } from "@assay/engine/wasm/settings";
import { defaultMemoryLimit } from "@assay/provider/hardware/detect";

/** As much memory as a provider's agent grants its only job unless told. */
export const ownGrant = (engine: EngineSettings = PLAIN_ENGINE): MemoryGrant => ({
  memoryBytes: defaultMemoryLimit(1),
  engine,
});
